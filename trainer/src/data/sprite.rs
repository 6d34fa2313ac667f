use super::package::Files;
use super::{Concept, Error};
use image::{ImageReader, RgbaImage, imageops};
use std::io::Cursor;

/// Side of the largest picture kept; scenes are at most as large.
const SIDE: usize = 128;
/// Largest side of a source picture; the packages have 256.
const MAXIMUM_SOURCE_SIDE: u32 = 4_096;

/// A picture with premultiplied alpha in sRGB, at 128 and 64 pixels, `[side, side, 4]`, 0..1 as bytes.
#[derive(Clone)]
pub struct Sprite {
    levels: [Vec<u8>; 2],
}

/// Decodes the pictures of all concepts, on all cores.
pub fn decode_all(concepts: &[Concept], pictures: &Files) -> Result<Vec<Sprite>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = concepts.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = concepts
            .chunks(part)
            .map(|part| scope.spawn(|| part.iter().map(|concept| decode(concept, pictures)).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut sprites = Vec::with_capacity(concepts.len());
        for worker in workers {
            let decoded = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            sprites.extend(decoded?);
        }
        Ok(sprites)
    })
}

fn decode(concept: &Concept, pictures: &Files) -> Result<Sprite, Error> {
    let invalid = |detail: String| Error::Package { path: pictures.place(&concept.file), detail };
    let mut reader = ImageReader::new(Cursor::new(pictures.required(&concept.file)?));
    reader.set_format(image::ImageFormat::WebP);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAXIMUM_SOURCE_SIDE);
    limits.max_image_height = Some(MAXIMUM_SOURCE_SIDE);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| invalid(error.to_string()))?.to_rgba8();
    let picture = to_square(picture);
    let side = picture.width() as usize;
    let premultiplied: Vec<f32> = picture
        .pixels()
        .flat_map(|pixel| {
            let alpha = f32::from(pixel[3]) / 255.0;
            [f32::from(pixel[0]) * alpha, f32::from(pixel[1]) * alpha, f32::from(pixel[2]) * alpha, f32::from(pixel[3])]
        })
        .collect();
    let bytes = |values: &[f32]| values.iter().map(|value| value.round() as u8).collect();
    let large = shrink(&premultiplied, side, side / SIDE);
    let small = shrink(&large, SIDE, 2);
    Ok(Sprite { levels: [bytes(&large), bytes(&small)] })
}

/// The picture in the middle of a transparent square whose side is a multiple of [`SIDE`].
fn to_square(picture: RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    if width == height && side as usize >= SIDE && (side as usize).is_multiple_of(SIDE) {
        return picture;
    }
    let mut square = RgbaImage::new(side, side);
    imageops::overlay(&mut square, &picture, i64::from((side - width) / 2), i64::from((side - height) / 2));
    imageops::resize(&square, 2 * SIDE as u32, 2 * SIDE as u32, imageops::FilterType::Triangle)
}

/// Means of `factor` × `factor` pixels.
fn shrink(values: &[f32], side: usize, factor: usize) -> Vec<f32> {
    let out_side = side / factor;
    let mut out = vec![0.0; out_side * out_side * 4];
    for y in 0..side {
        for x in 0..side {
            for channel in 0..4 {
                out[(y / factor * out_side + x / factor) * 4 + channel] += values[(y * side + x) * 4 + channel];
            }
        }
    }
    let count = (factor * factor) as f32;
    for value in &mut out {
        *value /= count;
    }
    out
}

/// A square part of a scene.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Left edge in pixels; may lie outside.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Side, at most 128.
    pub side: u32,
}

/// An RGB scene, `[side, side, 3]`, 0..255.
pub struct Canvas {
    pub side: u32,
    pub values: Vec<f32>,
}

impl Sprite {
    /// The picture at its largest, `[128, 128, 4]`.
    pub fn largest(&self) -> &[u8] {
        &self.levels[0]
    }

    /// Every pixel, premultiplied, through `change`.
    pub fn map_pixels(&self, change: impl Fn([u8; 4]) -> [u8; 4]) -> Self {
        let level = |pixels: &Vec<u8>| pixels.as_chunks().0.iter().flat_map(|pixel| change(*pixel)).collect();
        Self { levels: [level(&self.levels[0]), level(&self.levels[1])] }
    }

    /// Composes the sprite over the canvas, resampled bilinearly from the nearest level above.
    pub fn draw(&self, canvas: &mut Canvas, place: Place) {
        let (level, level_side) = if place.side as usize > SIDE / 2 { (&self.levels[0], SIDE) } else { (&self.levels[1], SIDE / 2) };
        let ratio = level_side as f32 / place.side as f32;
        let taps: Vec<(usize, usize, f32)> = (0..place.side)
            .map(|position| {
                let centre = ((position as f32 + 0.5) * ratio - 0.5).max(0.0);
                let low = (centre as usize).min(level_side - 1);
                (low, (low + 1).min(level_side - 1), centre - low as f32)
            })
            .collect();
        for (row, &(upper, lower, down)) in taps.iter().enumerate() {
            let y = place.top + row as i32;
            if y < 0 || y >= canvas.side as i32 {
                continue;
            }
            for (column, &(left, right, across)) in taps.iter().enumerate() {
                let x = place.left + column as i32;
                if x < 0 || x >= canvas.side as i32 {
                    continue;
                }
                let at = |y: usize, x: usize, channel: usize| f32::from(level[(y * level_side + x) * 4 + channel]);
                let blend = |channel: usize| {
                    let above = at(upper, left, channel) * (1.0 - across) + at(upper, right, channel) * across;
                    let below = at(lower, left, channel) * (1.0 - across) + at(lower, right, channel) * across;
                    above * (1.0 - down) + below * down
                };
                let uncovered = 1.0 - blend(3) / 255.0;
                let pixel = (y as usize * canvas.side as usize + x as usize) * 3;
                for (channel, value) in canvas.values[pixel..pixel + 3].iter_mut().enumerate() {
                    *value = *value * uncovered + blend(channel);
                }
            }
        }
    }
}

#[cfg(test)]
impl Sprite {
    /// From pixels `[128, 128, 4]`.
    pub fn from_pixels(large: Vec<u8>) -> Self {
        let values: Vec<f32> = large.iter().copied().map(f32::from).collect();
        let small = shrink(&values, SIDE, 2).iter().map(|value| value.round() as u8).collect();
        Self { levels: [large, small] }
    }
}
