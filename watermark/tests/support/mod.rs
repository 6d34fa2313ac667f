//! Pictures drawn by number, and what happens to pictures in the world.
#![allow(dead_code, clippy::unwrap_used)]

use image::{DynamicImage, ImageFormat, RgbImage, codecs::jpeg::JpegEncoder, imageops, imageops::FilterType};
use std::io::Cursor;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A few flat shapes on white, as the default model draws.
    Sticker,
    /// The same on a coloured background.
    Card,
    /// Shapes on a gradient.
    Gradient,
    /// Noise of many scales, as clouds and stone.
    Texture,
    /// Texture, edges and shading together.
    Scene,
    /// Fine grain.
    Grain,
}

pub const KINDS: [Kind; 6] = [Kind::Sticker, Kind::Card, Kind::Gradient, Kind::Texture, Kind::Scene, Kind::Grain];

fn mix(mut state: u32) -> u32 {
    state = (state ^ state >> 16).wrapping_mul(0x7FEB_352D);
    state = (state ^ state >> 15).wrapping_mul(0x846C_A68B);
    state ^ state >> 16
}

/// Between 0 and 1.
fn random(seed: u32, index: u32) -> f32 {
    (mix(mix(seed) ^ index.wrapping_mul(0x9E37_79B9)) >> 8) as f32 / (1 << 24) as f32
}

/// Smooth noise whose features are one unit wide.
fn smooth(seed: u32, x: f32, y: f32) -> f32 {
    let at = |x: f32, y: f32| random(seed, (x as i32 as u32).wrapping_mul(8191).wrapping_add(y as i32 as u32));
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - left), ease(y - top));
    let row = |y: f32| at(left, y) * (1.0 - u) + at(left + 1.0, y) * u;
    row(top) * (1.0 - v) + row(top + 1.0) * v
}

fn octaves(seed: u32, x: f32, y: f32, count: u32) -> f32 {
    (0..count).map(|octave| (smooth(seed + octave, x * (1 << octave) as f32, y * (1 << octave) as f32) - 0.5) / (1 << octave) as f32).sum()
}

/// A picture of its own for every (kind, seed); its content grows with its size.
pub fn draw(kind: Kind, seed: u32, width: u32, height: u32) -> RgbImage {
    let unit = width.min(height) as f32;
    let colour = |index: u32| -> [f32; 3] { std::array::from_fn(|channel| 255.0 * random(seed, 100 + 3 * index + channel as u32)) };
    RgbImage::from_fn(width, height, |column, row| {
        let (x, y) = ((column as f32 + 0.5) / unit, (row as f32 + 0.5) / unit);
        let mut value = match kind {
            Kind::Sticker => [255.0; 3],
            Kind::Card | Kind::Grain => colour(0),
            Kind::Gradient | Kind::Scene => std::array::from_fn(|channel| colour(0)[channel] * (1.0 - y) + colour(1)[channel] * y),
            Kind::Texture => colour(0).map(|channel| channel + 160.0 * octaves(seed, 4.0 * x, 4.0 * y, 6)),
        };
        let shapes = if matches!(kind, Kind::Texture) { 0 } else { 7 };
        for shape in 0..shapes {
            let place = |index: u32| random(seed, 1000 + 16 * shape + index);
            let (dx, dy) = (x - 0.2 - 0.6 * place(0), y - 0.2 - 0.6 * place(1));
            let (wide, high) = (0.05 + 0.2 * place(2), 0.05 + 0.2 * place(3));
            let distance =
                if place(4) < 0.5 { ((dx / wide).powi(2) + (dy / high).powi(2)).sqrt() } else { (dx / wide).abs().max((dy / high).abs()) };
            let cover = ((1.0 - distance) * wide.min(high) * unit + 0.5).clamp(0.0, 1.0);
            let shade = 1.0 - 0.25 * (dx + dy) / (wide + high);
            value = std::array::from_fn(|channel| value[channel] * (1.0 - cover) + cover * shade * colour(2 + shape)[channel]);
        }
        let grain = match kind {
            Kind::Grain => 40.0 * (random(seed, 7_000_000 + row * width + column) - 0.5),
            Kind::Scene => 90.0 * octaves(seed, 9.0 * x, 9.0 * y, 5),
            _ => 0.0,
        };
        image::Rgb(value.map(|channel| (channel + grain).round().clamp(0.0, 255.0) as u8))
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Attack {
    Nothing,
    Png,
    Webp,
    Jpeg(u8),
    /// PNG → WebP → JPEG at 75 → PNG.
    Chain,
    Resize(f32, FilterType),
    /// To this share of the area, at a random place.
    Crop(f32),
    /// Levels up or down, as a share of white.
    Brightness(f32),
    /// About the middle.
    Contrast(f32),
    /// Resized, cropped and compressed, as a screenshot that somebody posts.
    Repost,
}

/// Their names in the tables, and the share that must be recovered.
pub const ATTACKS: &[(&str, Attack, f32)] = &[
    ("nothing", Attack::Nothing, 0.99),
    ("PNG", Attack::Png, 0.99),
    ("WebP, lossless", Attack::Webp, 0.99),
    ("JPEG 95", Attack::Jpeg(95), 0.99),
    ("JPEG 85", Attack::Jpeg(85), 0.99),
    ("JPEG 75", Attack::Jpeg(75), 0.99),
    ("PNG → WebP → JPEG 75 → PNG", Attack::Chain, 0.99),
    ("resize 0.5", Attack::Resize(0.5, FilterType::Triangle), 0.99),
    ("resize 0.5, Lanczos", Attack::Resize(0.5, FilterType::Lanczos3), 0.99),
    ("resize 0.7", Attack::Resize(0.7, FilterType::CatmullRom), 0.99),
    ("resize 0.83", Attack::Resize(0.83, FilterType::Triangle), 0.99),
    ("resize 1.3", Attack::Resize(1.3, FilterType::CatmullRom), 0.99),
    ("resize 2", Attack::Resize(2.0, FilterType::Triangle), 0.99),
    ("JPEG 50", Attack::Jpeg(50), 0.95),
    ("crop 20 % of the area", Attack::Crop(0.8), 0.95),
    ("crop 20 % of each side", Attack::Crop(0.64), 0.0),
    ("brightness +5 %", Attack::Brightness(0.05), 0.95),
    ("brightness −5 %", Attack::Brightness(-0.05), 0.95),
    ("contrast +5 %", Attack::Contrast(1.05), 0.95),
    ("contrast −5 %", Attack::Contrast(0.95), 0.95),
    ("resize 0.8, crop 10 %, JPEG 80", Attack::Repost, 0.0),
];

fn recoded(picture: &RgbImage, format: ImageFormat) -> RgbImage {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    image::load_from_memory(bytes.get_ref()).unwrap().into_rgb8()
}

fn jpeg(picture: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    image::load_from_memory(&bytes).unwrap().into_rgb8()
}

fn levels(picture: &RgbImage, change: impl Fn(f32) -> f32) -> RgbImage {
    let mut picture = picture.clone();
    picture.iter_mut().for_each(|value| *value = change(f32::from(*value)).round().clamp(0.0, 255.0) as u8);
    picture
}

fn resized(picture: &RgbImage, scale: f32, filter: FilterType) -> RgbImage {
    let side = |length: u32| (length as f32 * scale).round() as u32;
    DynamicImage::from(imageops::resize(picture, side(picture.width()), side(picture.height()), filter)).into_rgb8()
}

fn cropped(picture: &RgbImage, share: f32, seed: u32) -> RgbImage {
    let side = |length: u32| (length as f32 * share.sqrt()).round() as u32;
    let (width, height) = (side(picture.width()), side(picture.height()));
    let place = |room: u32, index: u32| (random(seed, index) * (room + 1) as f32) as u32;
    let (left, top) = (place(picture.width() - width, 1), place(picture.height() - height, 2));
    imageops::crop_imm(picture, left, top, width, height).to_image()
}

pub fn attacked(picture: &RgbImage, (_, attack, _): (&str, Attack, f32), seed: u32) -> RgbImage {
    match attack {
        Attack::Nothing => picture.clone(),
        Attack::Png => recoded(picture, ImageFormat::Png),
        Attack::Webp => recoded(picture, ImageFormat::WebP),
        Attack::Jpeg(quality) => jpeg(picture, quality),
        Attack::Chain => recoded(&jpeg(&recoded(&recoded(picture, ImageFormat::Png), ImageFormat::WebP), 75), ImageFormat::Png),
        Attack::Resize(scale, filter) => resized(picture, scale, filter),
        Attack::Crop(share) => cropped(picture, share, seed),
        Attack::Brightness(share) => levels(picture, |value| value + 255.0 * share),
        Attack::Contrast(gain) => levels(picture, |value| (value - 127.5) * gain + 127.5),
        Attack::Repost => jpeg(&cropped(&resized(picture, 0.8, FilterType::CatmullRom), 0.9, seed), 80),
    }
}

/// By these degrees about the middle, cut to the size that it had; what comes in at the corners is white.
pub fn turned(picture: &RgbImage, degrees: f32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = ((width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0);
    let level = |x: i64, y: i64, channel: usize| {
        let inside = x >= 0 && y >= 0 && x < i64::from(width) && y < i64::from(height);
        if inside { f32::from(picture.get_pixel(x as u32, y as u32).0[channel]) } else { 255.0 }
    };
    RgbImage::from_fn(width, height, |column, row| {
        let (dx, dy) = (column as f32 - middle_x, row as f32 - middle_y);
        let (x, y) = (middle_x + dx * cosine + dy * sine, middle_y - dx * sine + dy * cosine);
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        image::Rgb(std::array::from_fn(|channel| {
            let at = |right, below| level(left + right, top + below, channel);
            let above = at(0, 0) * (1.0 - u) + at(1, 0) * u;
            let below = at(0, 1) * (1.0 - u) + at(1, 1) * u;
            (above * (1.0 - v) + below * v).round() as u8
        }))
    })
}
