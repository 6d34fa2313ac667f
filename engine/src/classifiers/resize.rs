//! Resizing as Pillow does it, to the bit, because classifiers were trained and published with it: a separable filter, stretched
//! when the picture is made smaller, rows first and then columns, with coefficients in fixed point and 8 bits between the two.

use spec::Picture;

/// Fractional bits of a coefficient: 8 bits of a pixel and two of overshoot leave 22 of 32.
const FRACTION: u32 = 22;

/// A reconstruction filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle of radius 1.
    Bilinear,
    /// Keys' cubic with a = -1/2, radius 2.
    Bicubic,
}

impl Filter {
    fn radius(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Self::Bicubic => 0.0,
        }
    }
}

/// Where an output reads, and what it multiplies by, scaled by 2²².
struct Reading {
    first: usize,
    coefficients: Vec<i32>,
}

fn readings(from: u32, to: u32, filter: Filter) -> Vec<Reading> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let radius = filter.radius() * stretch;
    (0..to)
        .map(|output| {
            let centre = (f64::from(output) + 0.5) * scale;
            let first = (centre - radius + 0.5).max(0.0) as usize;
            let end = ((centre + radius + 0.5) as usize).min(from as usize);
            let weights: Vec<f64> = (first..end).map(|input| filter.at((input as f64 - centre + 0.5) / stretch)).collect();
            let total: f64 = weights.iter().sum();
            let fixed = |weight: &f64| (weight / total * f64::from(1_u32 << FRACTION)).round() as i32;
            Reading { first, coefficients: weights.iter().map(fixed).collect() }
        })
        .collect()
}

/// The picture at `size`, width and height.
pub fn resize(picture: &Picture, size: (u32, u32), filter: Filter) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let mut pixels = picture.pixels().to_vec();
    if width != size.0 {
        let readings = readings(width, size.0, filter);
        let row_bytes = width as usize * 3;
        let rows = pixels.chunks_exact(row_bytes);
        pixels = rows.flat_map(|row| readings.iter().flat_map(|reading| pixel(row, reading, 3))).collect();
    }
    if height != size.1 {
        let row_bytes = size.0 as usize * 3;
        let columns = 0..size.0 as usize;
        let rows = readings(height, size.1, filter);
        pixels =
            rows.iter().flat_map(|reading| columns.clone().flat_map(|column| pixel(&pixels[column * 3..], reading, row_bytes))).collect();
    }
    // Its length is that of the size, which is not empty.
    Picture::new(size.0, size.1, pixels).unwrap_or_else(|_| picture.clone())
}

/// One pixel out of those that lie `step` bytes apart.
fn pixel(bytes: &[u8], reading: &Reading, step: usize) -> [u8; 3] {
    let half = 1_i32 << (FRACTION - 1);
    let mut sums = [half; 3];
    for (index, coefficient) in reading.coefficients.iter().enumerate() {
        let start = (reading.first + index) * step;
        for (sum, byte) in sums.iter_mut().zip(&bytes[start..start + 3]) {
            *sum += i32::from(*byte) * coefficient;
        }
    }
    sums.map(|sum| (sum >> FRACTION).clamp(0, 255) as u8)
}

/// The middle of a picture that is at least `side` wide and high.
pub fn crop(picture: &Picture, side: u32) -> Picture {
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let row_bytes = picture.width() as usize * 3;
    let rows = picture.pixels().chunks_exact(row_bytes).skip(top as usize).take(side as usize);
    let pixels = rows.flat_map(|row| &row[left as usize * 3..][..side as usize * 3]).copied().collect();
    Picture::new(side, side, pixels).unwrap_or_else(|_| picture.clone())
}
