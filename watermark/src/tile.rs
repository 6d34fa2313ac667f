//! The tile in the frequency domain: which lines of its spectrum carry the mark, and the way there and back.
//!
//! Transforms are separable sums over the few lines in use. At this size that is as fast as a Fourier transform and its
//! order of summation, hence its rounding, is the same on every machine.
use std::f64::consts::TAU;

/// Side of the tile in pixels: short enough that the least picture holds more than one period, long enough for [`LINES`]
/// lines below the frequency that halving the picture's size leaves alone.
pub const SIDE: usize = 72;
/// Complex lines that carry something: one per two code bits, and a pilot of 55.
pub const LINES: usize = 256 + PILOT_LINES;
/// With a fifth of the lines, the pilot is found wherever the message can be decoded.
pub const PILOT_LINES: usize = 55;
/// Below three periods per tile lie the pictures' own shapes, and changes that the eye sees as blotches.
const LEAST_FREQUENCY: i32 = 3;
const AXIS: usize = 16;
const ROWS: usize = 2 * AXIS - 1;

pub type Tile = Vec<f32>;
/// Real and imaginary part.
pub type Line = [f32; 2];

pub struct Spectrum {
    /// Horizontal and vertical periods per tile, by rising distance from the origin.
    pub frequencies: Vec<(i32, i32)>,
    cosine: [f32; SIDE],
    sine: [f32; SIDE],
    /// Cosine and sine of every column at every horizontal frequency, and the same the other way round: contiguous where the
    /// innermost sums run.
    by_column: Vec<[[f32; AXIS]; 2]>,
    by_frequency: Vec<[[f32; SIDE]; 2]>,
}

impl Spectrum {
    pub fn new() -> Self {
        let most = AXIS as i32 - 1;
        let half_plane = (0..=most).flat_map(|x| (-most..=most).map(move |y| (x, y))).filter(|&(x, y)| x > 0 || y > 0);
        let mut frequencies: Vec<_> = half_plane.filter(|&(x, y)| x * x + y * y >= LEAST_FREQUENCY * LEAST_FREQUENCY).collect();
        frequencies.sort_by_key(|&(x, y)| (x * x + y * y, x, y));
        frequencies.truncate(LINES);
        let angle = |step: usize| TAU * step as f64 / SIDE as f64;
        let cosine: [f32; SIDE] = std::array::from_fn(|step| angle(step).cos() as f32);
        let sine: [f32; SIDE] = std::array::from_fn(|step| angle(step).sin() as f32);
        let column = |x: usize| [cosine, sine].map(|table| std::array::from_fn(|k| table[k * x % SIDE]));
        let frequency = |k: usize| [cosine, sine].map(|table| std::array::from_fn(|x| table[k * x % SIDE]));
        let (by_column, by_frequency) = ((0..SIDE).map(column).collect(), (0..AXIS).map(frequency).collect());
        Self { frequencies, cosine, sine, by_column, by_frequency }
    }

    /// Σ tile · e^(−iωx) at every line.
    pub fn analyse(&self, tile: &[f32]) -> Vec<Line> {
        let mut rows = vec![[[0f32; AXIS]; 2]; SIDE];
        for (row, sums) in tile.chunks_exact(SIDE).zip(&mut rows) {
            let [real, imaginary] = sums;
            for (&value, [cosine, sine]) in row.iter().zip(&self.by_column) {
                for k in 0..AXIS {
                    real[k] += value * cosine[k];
                    imaginary[k] -= value * sine[k];
                }
            }
        }
        let line = |&(kx, ky): &(i32, i32)| {
            let mut sum = [0f32; 2];
            for (y, [real, imaginary]) in rows.iter().enumerate() {
                let (real, imaginary) = (real[kx as usize], imaginary[kx as usize]);
                let step = (ky * y as i32).rem_euclid(SIDE as i32) as usize;
                sum[0] += real * self.cosine[step] + imaginary * self.sine[step];
                sum[1] += imaginary * self.cosine[step] - real * self.sine[step];
            }
            sum
        };
        self.frequencies.iter().map(line).collect()
    }

    /// Σ Re(line · e^(+iωx)) at every pixel of the tile.
    pub fn synthesise(&self, lines: &[(usize, Line)]) -> Tile {
        let mut grid = vec![[[0f32; 2]; AXIS]; ROWS];
        for &(index, [real, imaginary]) in lines {
            let (kx, ky) = self.frequencies[index];
            let cell = &mut grid[(ky + AXIS as i32 - 1) as usize][kx as usize];
            cell[0] += real;
            cell[1] += imaginary;
        }
        let mut tile = vec![0f32; SIDE * SIDE];
        for (y, row) in tile.chunks_exact_mut(SIDE).enumerate() {
            let mut column = [[0f32; 2]; AXIS];
            for (offset, cells) in grid.iter().enumerate() {
                let step = ((offset as i32 - AXIS as i32 + 1) * y as i32).rem_euclid(SIDE as i32) as usize;
                let (cosine, sine) = (self.cosine[step], self.sine[step]);
                for k in 0..AXIS {
                    column[k][0] += cells[k][0] * cosine - cells[k][1] * sine;
                    column[k][1] += cells[k][0] * sine + cells[k][1] * cosine;
                }
            }
            for ([real, imaginary], [cosine, sine]) in column.iter().zip(&self.by_frequency) {
                for x in 0..SIDE {
                    row[x] += real * cosine[x] - imaginary * sine[x];
                }
            }
        }
        tile
    }

    /// What `lines` would be had the tile not been moved by (`x`, `y`) pixels.
    pub fn unshift(&self, lines: &[Line], x: f32, y: f32) -> Vec<Line> {
        let turn = |(&[real, imaginary], &(kx, ky)): (&Line, &(i32, i32))| {
            let angle = -(TAU as f32) * (kx as f32 * x + ky as f32 * y) / SIDE as f32;
            let (sine, cosine) = angle.sin_cos();
            [real * cosine - imaginary * sine, real * sine + imaginary * cosine]
        };
        lines.iter().zip(&self.frequencies).map(turn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analysis_undoes_synthesis_and_unshift_undoes_a_shift() {
        let spectrum = Spectrum::new();
        assert_eq!(spectrum.frequencies.len(), LINES);
        assert!(spectrum.frequencies.iter().all(|&(x, y)| (x as usize) < AXIS && (y.unsigned_abs() as usize) < AXIS));
        let lines: Vec<(usize, Line)> = (0..LINES).map(|index| (index, [(index % 7) as f32 - 3.0, (index % 5) as f32 - 2.0])).collect();
        let tile = spectrum.synthesise(&lines);
        let moved: Tile = (0..SIDE * SIDE).map(|at| tile[(at / SIDE + 5) % SIDE * SIDE + (at % SIDE + 9) % SIDE]).collect();
        let found = spectrum.unshift(&spectrum.analyse(&moved), 9.0, 5.0);
        let scale = (SIDE * SIDE) as f32 / 2.0;
        for ((_, wanted), found) in lines.iter().zip(found) {
            assert!((found[0] / scale - wanted[0]).abs() < 1e-3 && (found[1] / scale - wanted[1]).abs() < 1e-3, "{found:?} {wanted:?}");
        }
    }
}
