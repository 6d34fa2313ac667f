//! The tile in the frequency domain: which lines of its spectrum carry the mark, and the way there and back.
//!
//! Transforms are separable sums over the few lines in use. At this size that is as fast as a Fourier transform and its
//! order of summation, hence its rounding, is the same on every machine.
use kernels::dispatch::vectorised;
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
/// Places from the middle of a mirrored tile to its edge, both included.
const HALF: usize = SIDE / 2 + 1;

pub type Tile = Vec<f32>;
/// Real and imaginary part.
pub type Line = [f32; 2];

pub struct Spectrum {
    /// Horizontal and vertical periods per tile, by rising distance from the origin.
    pub frequencies: Vec<(i32, i32)>,
    /// Cosine and sine of every place of half the tile at every frequency, and the same the other way round: contiguous where the
    /// innermost sums run.
    by_place: Vec<[[f32; AXIS]; 2]>,
    by_frequency: Vec<[[f32; HALF]; 2]>,
}

impl Spectrum {
    pub fn new() -> Self {
        let most = AXIS as i32 - 1;
        let half_plane = (0..=most).flat_map(|x| (-most..=most).map(move |y| (x, y))).filter(|&(x, y)| x > 0 || y > 0);
        let mut frequencies: Vec<_> = half_plane.filter(|&(x, y)| x * x + y * y >= LEAST_FREQUENCY * LEAST_FREQUENCY).collect();
        frequencies.sort_by_key(|&(x, y)| (x * x + y * y, x, y));
        frequencies.truncate(LINES);
        let angle = |step: usize| TAU * (step % SIDE) as f64 / SIDE as f64;
        let cosine = |step: usize| angle(step).cos() as f32;
        let sine = |step: usize| angle(step).sin() as f32;
        let place = |x: usize| [std::array::from_fn(|k| cosine(k * x)), std::array::from_fn(|k| sine(k * x))];
        let frequency = |k: usize| [std::array::from_fn(|x| cosine(k * x)), std::array::from_fn(|x| sine(k * x))];
        Self { frequencies, by_place: (0..HALF).map(place).collect(), by_frequency: (0..AXIS).map(frequency).collect() }
    }

    /// Σ tile · e^(−iωx) at every line.
    pub fn analyse(&self, tile: &[f32]) -> Vec<Line> {
        vectorised(
            #[inline(always)]
            || self.lines_of(tile),
        )
    }

    #[inline(always)]
    fn lines_of(&self, tile: &[f32]) -> Vec<Line> {
        // Even and odd parts along a row and down a column: a quarter of the products.
        let mut sums = vec![[[[0f32; AXIS]; 2]; 2]; AXIS];
        let (mut even, mut odd) = ([0f32; SIDE], [0f32; SIDE]);
        for y in 0..HALF {
            let (above, below) = (&tile[y * SIDE..][..SIDE], &tile[(SIDE - y) % SIDE * SIDE..][..SIDE]);
            // The first and the middle row are their own mirror images.
            let share = if y % (SIDE / 2) == 0 { 0.5 } else { 1.0 };
            for x in 0..SIDE {
                even[x] = (above[x] + below[x]) * share;
                odd[x] = (above[x] - below[x]) * share;
            }
            let (even, odd) = (self.across(&even), self.across(&odd));
            let [cosine, sine] = &self.by_place[y];
            for (ky, [cosines, sines]) in sums.iter_mut().enumerate() {
                for part in 0..2 {
                    for kx in 0..AXIS {
                        cosines[part][kx] += even[part][kx] * cosine[ky];
                        sines[part][kx] += odd[part][kx] * sine[ky];
                    }
                }
            }
        }
        let line = |&(kx, ky): &(i32, i32)| {
            let ([cosines, sines], kx) = (&sums[ky.unsigned_abs() as usize], kx as usize);
            let turn = ky.signum() as f32;
            [cosines[0][kx] - turn * sines[1][kx], -cosines[1][kx] - turn * sines[0][kx]]
        };
        self.frequencies.iter().map(line).collect()
    }

    /// Sums of a row by the cosines and by the sines of every horizontal frequency.
    #[inline(always)]
    fn across(&self, row: &[f32; SIDE]) -> [[f32; AXIS]; 2] {
        let mut sums = [[0f32; AXIS]; 2];
        for (x, [cosine, sine]) in self.by_place.iter().enumerate() {
            let (value, mirrored) = (row[x], row[(SIDE - x) % SIDE]);
            let share = if x % (SIDE / 2) == 0 { 0.5 } else { 1.0 };
            let (even, odd) = ((value + mirrored) * share, (value - mirrored) * share);
            for k in 0..AXIS {
                sums[0][k] += even * cosine[k];
                sums[1][k] += odd * sine[k];
            }
        }
        sums
    }

    /// Σ Re(line · e^(+iωx)) at every pixel of the tile.
    pub fn synthesise(&self, lines: &[(usize, Line)]) -> Tile {
        vectorised(
            #[inline(always)]
            || self.tile_of(lines),
        )
    }

    #[inline(always)]
    fn tile_of(&self, lines: &[(usize, Line)]) -> Tile {
        // By vertical frequency: of the sum and of the difference of the lines above and below the axis, both parts.
        let mut grid = [[[[0f32; AXIS]; 2]; 2]; AXIS];
        for &(index, line) in lines {
            let (kx, ky) = self.frequencies[index];
            let [sum, difference] = &mut grid[ky.unsigned_abs() as usize];
            for part in 0..2 {
                sum[part][kx as usize] += line[part];
                difference[part][kx as usize] += line[part] * ky.signum() as f32;
            }
        }
        let mut tile = vec![0f32; SIDE * SIDE];
        for y in 0..HALF {
            // What turns with the row's cosine, and what with its sine.
            let (mut even, mut odd) = ([[0f32; AXIS]; 2], [[0f32; AXIS]; 2]);
            let [cosine, sine] = &self.by_place[y];
            for (ky, [sum, difference]) in grid.iter().enumerate() {
                for k in 0..AXIS {
                    even[0][k] += sum[0][k] * cosine[ky];
                    even[1][k] += sum[1][k] * cosine[ky];
                    odd[0][k] += difference[1][k] * sine[ky];
                    odd[1][k] += difference[0][k] * sine[ky];
                }
            }
            for (y, turn) in [(y, 1.0), ((SIDE - y) % SIDE, -1.0)] {
                let real: [f32; AXIS] = std::array::from_fn(|k| even[0][k] - turn * odd[0][k]);
                let imaginary: [f32; AXIS] = std::array::from_fn(|k| even[1][k] + turn * odd[1][k]);
                let (mut cosines, mut sines) = ([0f32; HALF], [0f32; HALF]);
                for (k, [cosine, sine]) in self.by_frequency.iter().enumerate() {
                    for x in 0..HALF {
                        cosines[x] += real[k] * cosine[x];
                        sines[x] += imaginary[k] * sine[x];
                    }
                }
                let row = &mut tile[y * SIDE..][..SIDE];
                for x in 0..HALF {
                    row[(SIDE - x) % SIDE] = cosines[x] + sines[x];
                    row[x] = cosines[x] - sines[x];
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
