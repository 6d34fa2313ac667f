//! Contact sheets of a run, for the eyes of whoever trains. They are generated content like any other: none is written without
//! its labels.

use crate::error::{Error, Result};
use engine::Tensor;
use spec::Picture;
use std::path::Path;

/// Turns a sheet of samples into a PNG file that carries its labels, or says why it cannot.
pub type LabelSheet<'a> = dyn Fn(&Picture) -> std::result::Result<Vec<u8>, String> + 'a;

/// Writes `pictures [count, height, width, 3]`, -1 to 1, as a labelled grid with `columns` columns.
pub fn write(path: &Path, pictures: &Tensor, columns: usize, label: &LabelSheet<'_>) -> Result<()> {
    let (count, height, width) = (pictures.size(0), pictures.size(1), pictures.size(2));
    let values = pictures.f32()?;
    let columns = columns.clamp(1, count.max(1));
    let rows = count.div_ceil(columns);
    let mut pixels = vec![255_u8; rows * height * columns * width * 3];
    for (index, picture) in values.chunks_exact(height * width * 3).enumerate() {
        let (top, left) = (index / columns * height, index % columns * width);
        for (y, row) in picture.chunks_exact(width * 3).enumerate() {
            let start = ((top + y) * columns * width + left) * 3;
            for (pixel, value) in pixels[start..start + width * 3].iter_mut().zip(row) {
                *pixel = ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8;
            }
        }
    }
    let (width, height) = ((columns * width) as u32, (rows * height) as u32);
    let failed = |detail: String| Error::io(path, std::io::Error::other(detail));
    let sheet = Picture::new(width, height, pixels).map_err(|error| failed(error.to_string()))?;
    std::fs::write(path, label(&sheet).map_err(failed)?).map_err(|source| Error::io(path, source))
}
