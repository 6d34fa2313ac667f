//! A contact sheet of labelled pictures, eight in a row, with an implicit label of its own.
use anyhow::{Context, Result, bail, ensure};
use provenance::{Labeller, read_labels};
use spec::{Clock as _, FileFormat, Picture, ProduceId, Sha256Digest, SystemClock};
use std::fs;

const COLUMNS: usize = 8;

/// `arguments`: the sheet to write, then the pictures, all of one size and each with an implicit label.
pub fn make(arguments: &[String]) -> Result<()> {
    let [out, files @ ..] = arguments else { bail!("usage: cargo xtask sheet OUT.png PICTURE…") };
    ensure!(!files.is_empty(), "no pictures");
    let mut tiles = Vec::new();
    for file in files {
        let bytes = fs::read(file).with_context(|| file.clone())?;
        ensure!(read_labels(&bytes).label.is_some(), "{file} has no implicit label");
        tiles.push(image::load_from_memory(&bytes).with_context(|| file.clone())?.to_rgb8());
    }
    let (width, height) = tiles[0].dimensions();
    let rows = tiles.len().div_ceil(COLUMNS);
    let mut sheet = image::RgbImage::from_pixel(width * COLUMNS as u32, height * rows as u32, image::Rgb([255; 3]));
    for (index, tile) in tiles.iter().enumerate() {
        ensure!(tile.dimensions() == (width, height), "{} has another size than {}", files[index], files[0]);
        image::imageops::replace(
            &mut sheet,
            tile,
            (index % COLUMNS) as i64 * i64::from(width),
            (index / COLUMNS) as i64 * i64::from(height),
        );
    }
    let (width, height) = sheet.dimensions();
    let picture = Picture::new(width, height, sheet.into_raw())?;
    // The digest of the pixels serves as the random part: the same sheet at the same moment is the same content.
    let digest = Sha256Digest::of(picture.pixels()).0;
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let labelled = Labeller::new(None)?.label_sheet(&picture, FileFormat::Png, ProduceId::new(SystemClock.now(), random))?;
    fs::write(out, labelled).with_context(|| out.clone())
}
