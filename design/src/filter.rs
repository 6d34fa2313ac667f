//! The sensitivity filter, which sets the least size of members, and mirroring.
use crate::grid::Grid;
use crate::parts::each_part;
use crate::problem::Axis;
use kernels::dispatch::vectorised;

/// Densities below count as this much when sensitivities are divided by them (Sigmund 2001).
const LEAST_DIVISOR: f64 = 1e-3;

struct Neighbour {
    step: [isize; 3],
    weight: f64,
}

/// Weighted means of sensitivities over the neighbourhood within a radius (Sigmund 1997).
pub(crate) struct Filter {
    grid: Grid,
    neighbours: Vec<Neighbour>,
    /// Reciprocals of the sums of weights inside the box; zero behind the ends of rows.
    scale: Vec<f64>,
}

impl Filter {
    pub(crate) fn new(grid: Grid, radius: f64) -> Self {
        let reach = radius.ceil() as isize;
        let along = |axis: usize| if grid.nodes[axis] > grid.elements[axis] { -reach..=reach } else { 0..=0 };
        let neighbours = along(2)
            .flat_map(|z| along(1).flat_map(move |y| along(0).map(move |x| [x, y, z])))
            .map(|step| Neighbour { step, weight: radius - step.map(|step| (step * step) as f64).iter().sum::<f64>().sqrt() })
            .filter(|neighbour| neighbour.weight > 0.0)
            .collect();
        let mut filter = Self { grid, neighbours, scale: Vec::new() };
        let length = grid.element_rows() * grid.element_pitch;
        let mut sums = vec![0.0; length];
        filter.sum(&vec![1.0; length], &mut sums);
        sums.iter_mut().filter(|sum| **sum > 0.0).for_each(|sum| *sum = 1.0 / *sum);
        filter.scale = sums;
        filter
    }

    /// Replaces `sensitivities` by `Σ weight · density · sensitivity / (max(density, 10⁻³) · Σ weight)`.
    pub(crate) fn apply(&self, densities: &[f64], sensitivities: &mut [f64]) {
        let products: Vec<f64> = densities.iter().zip(&*sensitivities).map(|(density, sensitivity)| density * sensitivity).collect();
        self.sum(&products, sensitivities);
        for ((value, density), scale) in sensitivities.iter_mut().zip(densities).zip(&self.scale) {
            *value = *value * scale / density.max(LEAST_DIVISOR);
        }
    }

    fn sum(&self, values: &[f64], sums: &mut [f64]) {
        let pitch = self.grid.element_pitch;
        each_part(sums, pitch, &|first, part| {
            vectorised(
                #[inline(always)]
                || {
                    for (offset, target) in part.chunks_mut(pitch).enumerate() {
                        self.sum_row(first / pitch + offset, values, target);
                    }
                },
            );
        });
    }

    #[inline(always)]
    fn sum_row(&self, row: usize, values: &[f64], target: &mut [f64]) {
        let [width, height, depth] = self.grid.elements;
        let (j, k) = (row % height, row / height);
        target.fill(0.0);
        for Neighbour { step: [x, y, z], weight } in &self.neighbours {
            let (Some(j), Some(k)) = (shifted(j, *y, height), shifted(k, *z, depth)) else { continue };
            let length = width.saturating_sub(x.unsigned_abs());
            if length == 0 {
                continue;
            }
            let (from, to) = (x.max(&0).unsigned_abs(), x.min(&0).unsigned_abs());
            let source = &values[(k * height + j) * self.grid.element_pitch..][..width];
            target[to..].iter_mut().zip(&source[from..]).take(length).for_each(
                #[inline(always)]
                |(sum, value)| *sum += weight * value,
            );
        }
    }
}

fn shifted(index: usize, step: isize, count: usize) -> Option<usize> {
    index.checked_add_signed(step).filter(|index| *index < count)
}

/// Replaces each value by the mean of itself and its mirror image, for each axis in turn.
pub(crate) fn mirror(grid: &Grid, axes: &[Axis], values: &mut [f64]) {
    for axis in axes.iter().map(|axis| axis.index()) {
        for element in grid.each_element() {
            let mut image = element;
            image[axis] = grid.elements[axis] - 1 - element[axis];
            if image[axis] > element[axis] {
                let (a, b) = (grid.element_at(element), grid.element_at(image));
                let mean = 0.5 * (values[a] + values[b]);
                (values[a], values[b]) = (mean, mean);
            }
        }
    }
}
