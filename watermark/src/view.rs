//! How the detector sees a picture: luminance, filtered to the mark's band, weighted by how quiet its surroundings are,
//! and folded onto one tile.
use crate::tile::{SIDE, Tile};

/// Rec. 601, as JPEG: what it keeps best.
pub const LUMINANCE: [f32; 3] = [0.299, 0.587, 0.114];
/// Band-passed energy, in squared levels, up to which surroundings count as quiet: about twice the mark's own.
const QUIET: f32 = 6.0;
/// Deviations, in pixels of the marked picture, of what the filter lets pass (sharper than the first, finer than the second)
/// and of the surroundings that count. Wider surroundings would silence the quiet places next to an edge.
const SHARP: f32 = 0.4;
const SLOW: f32 = 3.0;
const SURROUNDINGS: f32 = 2.0;
/// Share of the mean weight that is added to every pixel of the tile, so that a place seen only under strong texture does
/// not speak as loud as the others.
const RIDGE: f32 = 3.0;

#[derive(Clone)]
pub struct Plane {
    pub values: Vec<f32>,
    pub width: usize,
    pub height: usize,
}

impl Plane {
    pub fn luminance(pixels: &[u8], width: usize, height: usize) -> Self {
        let values =
            pixels.chunks_exact(3).map(|pixel| pixel.iter().zip(LUMINANCE).map(|(value, weight)| f32::from(*value) * weight).sum());
        Self { values: values.collect(), width, height }
    }

    /// The middle, at most `side` pixels each way.
    pub fn middle(&self, side: usize) -> Self {
        let (width, height) = (self.width.min(side), self.height.min(side));
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let rows = self.values.chunks_exact(self.width).skip(top).take(height);
        Self { values: rows.flat_map(|row| &row[left..left + width]).copied().collect(), width, height }
    }

    fn blurred(&self, deviation: f32) -> Self {
        let radius = (2.5 * deviation).ceil() as usize;
        let raw: Vec<f32> = (0..=radius).map(|at| (-0.5 * (at as f32 / deviation).powi(2)).exp()).collect();
        let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f32>();
        let taps: Vec<f32> = raw.iter().map(|tap| tap / sum).collect();
        let mut across = Vec::with_capacity(self.values.len());
        let mut padded = vec![0.0; self.width + 2 * radius];
        for row in self.values.chunks_exact(self.width) {
            padded[..radius].fill(row[0]);
            padded[radius..radius + self.width].copy_from_slice(row);
            padded[radius + self.width..].fill(row[self.width - 1]);
            let start = across.len();
            across.extend(row.iter().map(|value| value * taps[0]));
            for (at, tap) in taps.iter().enumerate().skip(1) {
                let (before, after) = (&padded[radius - at..], &padded[radius + at..]);
                across[start..].iter_mut().zip(before).zip(after).for_each(|((sum, a), b)| *sum += tap * (a + b));
            }
        }
        let mut values = vec![0.0; self.values.len()];
        let row = |y: usize| &across[y * self.width..(y + 1) * self.width];
        for (y, sums) in values.chunks_exact_mut(self.width).enumerate() {
            sums.iter_mut().zip(row(y)).for_each(|(sum, value)| *sum = value * taps[0]);
            for (at, tap) in taps.iter().enumerate().skip(1) {
                let (above, below) = (row(y.saturating_sub(at)), row((y + at).min(self.height - 1)));
                sums.iter_mut().zip(above).zip(below).for_each(|((sum, a), b)| *sum += tap * (a + b));
            }
        }
        Self { values, width: self.width, height: self.height }
    }
}

/// A filtered plane with its weights.
pub struct View {
    filtered: Plane,
    weights: Vec<f32>,
}

impl View {
    /// `scale`: pixels of this plane per pixel of the picture that was marked.
    pub fn new(plane: &Plane, scale: f32) -> Self {
        let filtered = filtered(plane, scale);
        let mut energy = filtered.clone();
        energy.values.iter_mut().for_each(|value| *value *= *value);
        let quietness = |energy: f32| QUIET / (QUIET + energy);
        // Beyond the inverse of the energy, because what disturbs has heavier tails than a Gaussian.
        let weight = |energy: f32| quietness(energy) * quietness(energy).sqrt();
        let weights = energy.blurred(SURROUNDINGS * scale).values.into_iter().map(weight).collect();
        Self { filtered, weights }
    }

    /// Another plane of this size and scale 1, under the same weights.
    pub fn look_at(&mut self, plane: &Plane) {
        self.filtered = filtered(plane, 1.0);
    }

    /// Weighted mean over all periods.
    pub fn fold(&self, scale: f32) -> Tile {
        let (columns, rows) = (places(self.filtered.width, scale), places(self.filtered.height, scale));
        let mut sums = vec![[0f32; 2]; SIDE * SIDE];
        let lines = self.filtered.values.chunks_exact(self.filtered.width).zip(self.weights.chunks_exact(self.filtered.width));
        for ((values, weights), row) in lines.zip(rows) {
            let target = &mut sums[row * SIDE..(row + 1) * SIDE];
            for ((value, weight), &column) in values.iter().zip(weights).zip(&columns) {
                target[column][0] += value * weight;
                target[column][1] += weight;
            }
        }
        let ridge = RIDGE * sums.iter().map(|sum| sum[1]).sum::<f32>() / sums.len() as f32;
        sums.iter().map(|[value, weight]| value / (weight + ridge)).collect()
    }

    /// The change of every pixel that speaks loudest for `tile` at the least cost: the adjoint of [`Self::fold`].
    pub fn unfold(&self, tile: &[f32]) -> Vec<f32> {
        let width = self.filtered.width;
        let (columns, rows) = (places(width, 1.0), places(self.filtered.height, 1.0));
        let mut totals = vec![0f32; SIDE * SIDE];
        for (weights, row) in self.weights.chunks_exact(width).zip(&rows) {
            weights.iter().zip(&columns).for_each(|(weight, column)| totals[row * SIDE + column] += weight);
        }
        let ridge = RIDGE * totals.iter().sum::<f32>() / totals.len() as f32;
        let spread: Vec<f32> = tile.iter().zip(totals).map(|(value, total)| value / (total + ridge)).collect();
        let line = |(weights, row): (&[f32], &usize)| -> Vec<f32> {
            weights.iter().zip(&columns).map(|(weight, column)| weight * spread[row * SIDE + column]).collect()
        };
        self.weights.chunks_exact(width).zip(&rows).flat_map(line).collect()
    }
}

fn filtered(plane: &Plane, scale: f32) -> Plane {
    let mut sharp = plane.blurred(SHARP * scale);
    let slow = plane.blurred(SLOW * scale);
    sharp.values.iter_mut().zip(slow.values).for_each(|(value, slow)| *value -= slow);
    sharp
}

/// The tile's column (or row) of every column (or row) of the plane.
fn places(length: usize, scale: f32) -> Vec<usize> {
    (0..length).map(|at| ((at as f32 + 0.5) / scale) as usize % SIDE).collect()
}
