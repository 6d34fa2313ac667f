//! How the detector sees a picture: luminance, filtered to the mark's band, weighted by how quiet its surroundings are,
//! and folded onto one tile.
use crate::blur::{Kernel, Rows, blur, difference, share};
use crate::tile::{SIDE, Tile};
use kernels::dispatch::vectorised;
use spec::Threads;

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

fn luminance(pixel: &[u8]) -> f32 {
    f32::from(pixel[0]) * LUMINANCE[0] + f32::from(pixel[1]) * LUMINANCE[1] + f32::from(pixel[2]) * LUMINANCE[2]
}

#[derive(Clone)]
pub struct Plane {
    pub values: Vec<f32>,
    pub width: usize,
    pub height: usize,
}

impl Plane {
    pub fn luminance(pixels: &[u8], width: usize, height: usize) -> Self {
        Self { values: pixels.chunks_exact(3).map(luminance).collect(), width, height }
    }

    /// Luminance of a copy of half the size, each pixel the mean of four.
    pub fn halved(pixels: &[u8], columns: usize, rows: usize) -> Self {
        let (width, height) = (columns / 2, rows / 2);
        let mut values = Vec::with_capacity(width * height);
        let weights = LUMINANCE.map(|weight| weight / 4.0);
        for pair in pixels.chunks_exact(6 * columns).take(height) {
            let (above, below) = pair.split_at(3 * columns);
            values.extend(above.chunks_exact(6).zip(below.chunks_exact(6)).map(|(a, b)| {
                let sum = |at: usize| f32::from(u16::from(a[at]) + u16::from(a[at + 3]) + u16::from(b[at]) + u16::from(b[at + 3]));
                sum(0) * weights[0] + sum(1) * weights[1] + sum(2) * weights[2]
            }));
        }
        Self { values, width, height }
    }

    /// Luminance of the middle, at most `side` pixels each way.
    pub fn luminance_of_middle(pixels: &[u8], columns: usize, rows: usize, side: usize) -> Self {
        let (width, height) = (columns.min(side), rows.min(side));
        let (left, top) = ((columns - width) / 2, (rows - height) / 2);
        let mut values = Vec::with_capacity(width * height);
        for row in pixels.chunks_exact(3 * columns).skip(top).take(height) {
            values.extend(row[3 * left..3 * (left + width)].chunks_exact(3).map(luminance));
        }
        Self { values, width, height }
    }

    /// The middle, at most `side` pixels each way.
    pub fn middle(&self, side: usize) -> Self {
        let (width, height) = (self.width.min(side), self.height.min(side));
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let mut values = Vec::with_capacity(width * height);
        for row in self.values.chunks_exact(self.width).skip(top).take(height) {
            values.extend_from_slice(&row[left..left + width]);
        }
        Self { values, width, height }
    }
}

impl Rows for Plane {
    fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        row.copy_from_slice(&self.values[y * self.width..(y + 1) * self.width]);
    }
}

/// The squares of a plane.
struct Energy<'a>(&'a Plane);

impl Rows for Energy<'_> {
    fn size(&self) -> (usize, usize) {
        self.0.size()
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        let values = &self.0.values[y * self.0.width..(y + 1) * self.0.width];
        row.iter_mut().zip(values).for_each(|(square, value)| *square = value * value);
    }
}

/// A filtered plane with its weights.
pub struct View {
    filtered: Plane,
    weights: Vec<f32>,
    threads: Threads,
}

impl View {
    /// `scale`: pixels of this plane per pixel of the picture that was marked.
    pub fn new(plane: &impl Rows, scale: f32, threads: Threads) -> Self {
        let (width, height) = plane.size();
        let mut filtered = Plane { values: vec![0.0; width * height], width, height };
        difference(plane, [SHARP, SLOW].map(|deviation| Kernel::new(deviation * scale)), &mut filtered.values, threads);
        let quietness = |energy: f32| QUIET / (QUIET + energy);
        // Beyond the inverse of the energy, because what disturbs has heavier tails than a Gaussian.
        let weight = |energy: f32| quietness(energy) * quietness(energy).sqrt();
        let mut weights = vec![0.0; width * height];
        let energy = Energy(&filtered);
        blur(&energy, &Kernel::new(SURROUNDINGS * scale), &mut weights, threads, |row| {
            for energy in row {
                *energy = weight(*energy);
            }
        });
        Self { filtered, weights, threads }
    }

    /// Another plane of this size and scale 1, under the same weights.
    pub fn look_at(&mut self, plane: &impl Rows) {
        difference(plane, [SHARP, SLOW].map(Kernel::new), &mut self.filtered.values, self.threads);
    }

    /// Weighted mean over all periods.
    pub fn fold(&self, scale: f32) -> Tile {
        let [mut sums, mut totals] = self.gathered(scale, |values, weights, [sums, totals]| {
            let targets = sums.iter_mut().zip(totals);
            targets.zip(values.iter().zip(weights)).for_each(|((sum, total), (value, weight))| {
                *sum += value * weight;
                *total += weight;
            });
        });
        ridged(&mut totals);
        sums.iter_mut().zip(&totals).for_each(|(sum, total)| *sum /= total);
        sums
    }

    /// Weight of every place of the tile, with the ridge.
    pub fn totals(&self, scale: f32) -> Tile {
        let [mut totals] = self.gathered(scale, |_, weights, [totals]| {
            totals.iter_mut().zip(weights).for_each(|(total, weight)| *total += weight);
        });
        ridged(&mut totals);
        totals
    }

    /// As [`Self::fold`], where the [`Self::totals`] are known: they depend on the weights alone.
    pub fn mean(&self, scale: f32, totals: &[f32]) -> Tile {
        let [mut sums] = self.gathered(scale, |values, weights, [sums]| {
            sums.iter_mut().zip(values.iter().zip(weights)).for_each(|(sum, (value, weight))| *sum += value * weight);
        });
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum /= total);
        sums
    }

    /// Sums over all periods of what `add` makes of values and weights. First down the rows that belong together, which goes side by
    /// side, then along what is left. Threads share out the tile's rows, so that every sum has one order.
    fn gathered<const SUMS: usize>(&self, scale: f32, add: impl Fn(&[f32], &[f32], &mut [Vec<f32>; SUMS]) + Sync) -> [Tile; SUMS] {
        let (width, height) = (self.filtered.width, self.filtered.height);
        let (columns, rows) = (places(width, scale), Groups::new(&places(height, scale)));
        let mut gathered = [[[0f32; SUMS]; SIDE]; SIDE];
        let share = SIDE.div_ceil(2 * self.threads.count());
        self.threads.each(gathered.chunks_mut(share).enumerate().collect(), |(band, gathered)| {
            let mut lines = [(); SUMS].map(|()| vec![0f32; width]);
            for (at, target) in gathered.iter_mut().enumerate() {
                for line in &mut lines {
                    line.fill(0.0);
                }
                for &y in rows.of(band * share + at) {
                    let (values, weights) = (&self.filtered.values[y * width..][..width], &self.weights[y * width..][..width]);
                    vectorised(
                        #[inline(always)]
                        || add(values, weights, &mut lines),
                    );
                }
                for (x, &column) in columns.iter().enumerate() {
                    for sum in 0..SUMS {
                        target[column][sum] += lines[sum][x];
                    }
                }
            }
        });
        std::array::from_fn(|sum| gathered.iter().flatten().map(|sums| sums[sum]).collect())
    }

    /// The change of every pixel that speaks loudest for `tile` at the least cost, times the room that it has there: the adjoint of
    /// [`Self::mean`] at scale 1. Returns its mean square.
    pub fn unfold(&self, tile: &[f32], totals: &[f32], room: &[f32], change: &mut [f32]) -> f32 {
        let width = self.filtered.width;
        let spread: Vec<f32> = tile.iter().zip(totals).map(|(value, total)| value / total).collect();
        let mut energies = vec![0f64; self.filtered.height];
        let share = share(self.filtered.height, self.threads);
        let bands = change.chunks_mut(share * width).zip(energies.chunks_mut(share)).enumerate().collect();
        self.threads.each(bands, |(band, (change, energies))| {
            for (at, (change, energy)) in change.chunks_mut(width).zip(energies).enumerate() {
                let y = band * share + at;
                let (room, weights) = (&room[y * width..][..width], &self.weights[y * width..][..width]);
                let spread = &spread[y % SIDE * SIDE..][..SIDE];
                for ((change, room), weights) in change.chunks_mut(SIDE).zip(room.chunks(SIDE)).zip(weights.chunks(SIDE)) {
                    let inputs = room.iter().zip(weights).zip(spread);
                    change.iter_mut().zip(inputs).for_each(|(change, ((room, weight), spread))| *change = weight * spread * room);
                }
                // In lanes, which the processor adds side by side: a fixed order all the same.
                let mut lanes = [0f64; 8];
                for values in change.chunks(lanes.len()) {
                    lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane += f64::from(value * value));
                }
                *energy = lanes.iter().sum();
            }
        });
        energies.iter().sum::<f64>() as f32 / change.len() as f32
    }
}

/// Adds the ridge.
fn ridged(totals: &mut [f32]) {
    let ridge = RIDGE * totals.iter().sum::<f32>() / totals.len() as f32;
    for total in totals {
        *total += ridge;
    }
}

/// The tile's column (or row) of every column (or row) of the plane.
fn places(length: usize, scale: f32) -> Vec<usize> {
    (0..length).map(|at| ((at as f32 + 0.5) / scale) as usize % SIDE).collect()
}

/// The plane's rows of every row of the tile, in rising order.
struct Groups {
    members: Vec<usize>,
    starts: [usize; SIDE + 1],
}

impl Groups {
    fn new(places: &[usize]) -> Self {
        let mut starts = [0; SIDE + 1];
        for place in places {
            starts[place + 1] += 1;
        }
        for row in 0..SIDE {
            starts[row + 1] += starts[row];
        }
        let (mut members, mut next) = (vec![0; places.len()], starts);
        for (at, &place) in places.iter().enumerate() {
            members[next[place]] = at;
            next[place] += 1;
        }
        Self { members, starts }
    }

    fn of(&self, row: usize) -> &[usize] {
        &self.members[self.starts[row]..self.starts[row + 1]]
    }
}
