//! Gaussian blurs, across and down in one go: rows that were blurred across wait in a ring until those below them are there, so
//! that a picture passes through the processor's cache once.
use kernels::dispatch::vectorised;
use spec::Threads;

/// Where rows of values come from, as often as they are asked for.
pub trait Rows: Sync {
    /// Width and height.
    fn size(&self) -> (usize, usize);
    /// Writes row `y`.
    fn read(&self, y: usize, row: &mut [f32]);
}

/// Weights of a symmetric window, the middle first.
pub struct Kernel(Vec<f32>);

impl Kernel {
    pub fn new(deviation: f32) -> Self {
        let radius = (2.5 * deviation).ceil() as usize;
        let raw: Vec<f32> = (0..=radius).map(|at| (-0.5 * (at as f32 / deviation).powi(2)).exp()).collect();
        let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f32>();
        Self(raw.iter().map(|tap| tap / sum).collect())
    }

    fn radius(&self) -> usize {
        self.0.len() - 1
    }
}

/// Blurs `source` into `target`; the edges go on for ever. Every row then passes through `finish`.
pub fn blur(source: &impl Rows, kernel: &Kernel, target: &mut [f32], threads: Threads, finish: impl Fn(&mut [f32]) + Sync) {
    let (width, height) = source.size();
    in_bands(target, width, threads, |first, band| {
        let mut window = Window::new(source, [kernel], first);
        for (y, row) in (first..height).zip(band.chunks_mut(width)) {
            window.move_to(y);
            window.down(0, row);
            vectorised(
                #[inline(always)]
                || finish(row),
            );
        }
    });
}

/// What blurring by the first kernel leaves, less what blurring by the second does.
pub fn difference(source: &impl Rows, [first_kernel, second_kernel]: [Kernel; 2], target: &mut [f32], threads: Threads) {
    let (width, height) = source.size();
    in_bands(target, width, threads, |first, band| {
        let mut window = Window::new(source, [&first_kernel, &second_kernel], first);
        let mut other = vec![0.0; width];
        for (y, row) in (first..height).zip(band.chunks_mut(width)) {
            window.move_to(y);
            window.down(0, row);
            window.down(1, &mut other);
            vectorised(
                #[inline(always)]
                || row.iter_mut().zip(&other).for_each(|(value, other)| *value -= other),
            );
        }
    });
}

/// Calls `work` with runs of rows, and the index of the first of each.
pub fn in_bands(target: &mut [f32], width: usize, threads: Threads, work: impl Fn(usize, &mut [f32]) + Sync) {
    let share = share(target.len() / width, threads);
    threads.each(target.chunks_mut(share * width).enumerate().collect(), |(band, rows)| work(band * share, rows));
}

/// Rows that a thread takes at a time: a few runs for each, so that a slow one delays the others little, and never so short that
/// their edges, which are read twice, count.
pub fn share(height: usize, threads: Threads) -> usize {
    match threads.count() {
        1 => height.max(1),
        count => height.div_ceil(2 * count).max(64),
    }
}

/// The surroundings of a row, blurred across by each kernel.
struct Window<'a, S, const KERNELS: usize> {
    source: &'a S,
    kernels: [&'a Kernel; KERNELS],
    rings: [Vec<f32>; KERNELS],
    /// The row that is read, between copies of its ends.
    padded: Vec<f32>,
    reach: usize,
    /// The row in the middle, and the first that was not read yet.
    y: usize,
    next: usize,
}

impl<'a, S: Rows, const KERNELS: usize> Window<'a, S, KERNELS> {
    fn new(source: &'a S, kernels: [&'a Kernel; KERNELS], y: usize) -> Self {
        let width = source.size().0;
        let reach = kernels.iter().map(|kernel| kernel.radius()).max().unwrap_or(0);
        let rings = kernels.map(|_| vec![0.0; (2 * reach + 1) * width]);
        Self { source, kernels, rings, padded: vec![0.0; width + 2 * reach], reach, y, next: y.saturating_sub(reach) }
    }

    /// To `y` or a later row than before.
    fn move_to(&mut self, y: usize) {
        let (width, height) = self.source.size();
        self.y = y;
        while self.next <= (y + self.reach).min(height - 1) {
            let (before, rest) = self.padded.split_at_mut(self.reach);
            let (row, after) = rest.split_at_mut(width);
            self.source.read(self.next, row);
            before.fill(row[0]);
            after.fill(row[width - 1]);
            let slot = self.next % (2 * self.reach + 1) * width;
            for (ring, kernel) in self.rings.iter_mut().zip(self.kernels) {
                weigh(kernel, &mut ring[slot..slot + width], |at| [&self.padded[self.reach - at..], &self.padded[self.reach + at..]]);
            }
            self.next += 1;
        }
    }

    fn down(&self, kernel: usize, target: &mut [f32]) {
        let (width, height) = self.source.size();
        let row = |y: usize| &self.rings[kernel][y % (2 * self.reach + 1) * width..][..width];
        weigh(self.kernels[kernel], target, |at| [row(self.y.saturating_sub(at)), row((self.y + at).min(height - 1))]);
    }
}

/// Values whose sums stay in registers.
const LANES: usize = 32;

/// The weighted sum of every value of the pairs of lines that `pair` gives for each distance from the middle.
fn weigh<'a>(kernel: &Kernel, sums: &mut [f32], pair: impl Fn(usize) -> [&'a [f32]; 2]) {
    let pairs: Vec<[&[f32]; 2]> = (0..kernel.0.len()).map(pair).collect();
    let whole = sums.len() / LANES * LANES;
    vectorised(
        #[inline(always)]
        || {
            for start in (0..whole).step_by(LANES) {
                sums[start..start + LANES].copy_from_slice(&block::<LANES>(kernel, &pairs, start));
            }
        },
    );
    for start in whole..sums.len() {
        sums[start] = block::<1>(kernel, &pairs, start)[0];
    }
}

#[inline(always)]
fn block<const COUNT: usize>(kernel: &Kernel, pairs: &[[&[f32]; 2]], start: usize) -> [f32; COUNT] {
    let mut sums = [0.0; COUNT];
    for (at, (tap, [a, b])) in kernel.0.iter().zip(pairs).enumerate() {
        let (Some(a), Some(b)) = (a[start..].first_chunk::<COUNT>(), b[start..].first_chunk::<COUNT>()) else { continue };
        for lane in 0..COUNT {
            sums[lane] = if at == 0 { tap * a[lane] } else { sums[lane] + tap * (a[lane] + b[lane]) };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Plane;

    /// Straight from the definition.
    fn plain(plane: &Plane, kernel: &Kernel) -> Vec<f32> {
        let at = |x: isize, y: isize| {
            let (x, y) = (x.clamp(0, plane.width as isize - 1) as usize, y.clamp(0, plane.height as isize - 1) as usize);
            plane.values[y * plane.width + x]
        };
        let radius = kernel.radius() as isize;
        let tap = |at: isize| f64::from(kernel.0[at.unsigned_abs()]);
        let sum = |x: isize, y: isize| -> f64 {
            let window = (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy)));
            window.map(|(dx, dy)| tap(dx) * tap(dy) * f64::from(at(x + dx, y + dy))).sum()
        };
        (0..plane.height).flat_map(|y| (0..plane.width).map(move |x| (x, y))).map(|(x, y)| sum(x as isize, y as isize) as f32).collect()
    }

    #[test]
    fn windows_that_move_down_give_the_plain_sums_on_any_number_of_threads() {
        for (width, height) in [(1, 1), (1, 40), (50, 2), (37, 150), (16, 70)] {
            let values = (0..width * height).map(|at| ((at * 7919) % 256) as f32).collect();
            let plane = Plane { values, width, height };
            for deviation in [0.4, 2.0, 3.0] {
                let run = |threads| {
                    let mut target = vec![f32::NAN; width * height];
                    blur(&plane, &Kernel::new(deviation), &mut target, threads, |_| {});
                    target
                };
                let one = run(Threads::ONE);
                for (found, wanted) in one.iter().zip(plain(&plane, &Kernel::new(deviation))) {
                    assert!((found - wanted).abs() < 1e-3, "{width}×{height}, {deviation}: {found} {wanted}");
                }
                assert_eq!(one, run(Threads::new(3)));
            }
            let run = |threads| {
                let mut target = vec![f32::NAN; width * height];
                difference(&plane, [0.4, 3.0].map(Kernel::new), &mut target, threads);
                target
            };
            let wanted =
                plain(&plane, &Kernel::new(0.4)).into_iter().zip(plain(&plane, &Kernel::new(3.0))).map(|(sharp, slow)| sharp - slow);
            let one = run(Threads::ONE);
            assert!(one.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-3), "{width}×{height}");
            assert_eq!(one, run(Threads::new(2)));
        }
    }
}
