//! Between a grid and the next coarser one: linear interpolation along each axis that is halved, and its transpose.
use crate::grid::{Grid, MARGIN};
use crate::parts::each_part;
use kernels::dispatch::vectorised;

/// A fine grid, the coarse one that covers it, and along which axes two fine elements make a coarse one.
pub(crate) struct Transfer {
    pub(crate) fine: Grid,
    pub(crate) coarse: Grid,
    pub(crate) halved: [bool; 3],
    pub(crate) components: usize,
}

impl Transfer {
    /// `fine += free · P · coarse`.
    pub(crate) fn prolong(&self, coarse: &[f64], free: &[f64], fine: &mut [f64]) {
        let row = self.components * self.fine.pitch;
        each_part(fine, row, &|first, part| {
            let mut sum = vec![0.0; self.coarse.pitch];
            for (offset, target) in part.chunks_mut(row).enumerate() {
                let node_row = first / row + offset;
                let sources = self.sources(node_row);
                for component in 0..self.components {
                    let target = &mut target[component * self.fine.pitch..][..self.fine.pitch];
                    let free = &free[(node_row * self.components + component) * self.fine.pitch..][..self.fine.pitch];
                    vectorised(
                        #[inline(always)]
                        || {
                            weighted_sum(
                                coarse,
                                sources.iter().map(|(row, weight)| (row * self.components + component, *weight)),
                                &mut sum,
                            );
                            self.spread(&sum, free, target);
                        },
                    );
                }
            }
        });
    }

    /// `coarse = free · Pᵀ · fine`.
    pub(crate) fn restrict(&self, fine: &[f64], free: &[f64], coarse: &mut [f64]) {
        let row = self.components * self.coarse.pitch;
        each_part(coarse, row, &|first, part| {
            let mut sum = vec![0.0; self.fine.pitch.max(2 * self.coarse.pitch) + 2];
            for (offset, target) in part.chunks_mut(row).enumerate() {
                let node_row = first / row + offset;
                let sources = self.sources_of_coarse(node_row);
                for component in 0..self.components {
                    let target = &mut target[component * self.coarse.pitch..][..self.coarse.pitch];
                    let free = &free[(node_row * self.components + component) * self.coarse.pitch..][..self.coarse.pitch];
                    vectorised(
                        #[inline(always)]
                        || {
                            let rows = sources.iter().map(|(row, weight)| (row * self.components + component, *weight));
                            weighted_sum(fine, rows, &mut sum[..self.fine.pitch]);
                            self.collect(&sum, free, target);
                        },
                    );
                }
            }
        });
    }

    #[inline(always)]
    fn spread(&self, sum: &[f64], free: &[f64], target: &mut [f64]) {
        let (target, free) = (&mut target[MARGIN..], &free[MARGIN..]);
        let sum = &sum[MARGIN..];
        if !self.halved[0] {
            target.iter_mut().zip(sum).zip(free).for_each(|((target, value), free)| *target += value * free);
            return;
        }
        let pairs = target.as_chunks_mut::<2>().0.iter_mut().zip(free.as_chunks::<2>().0);
        for ((target, free), ends) in pairs.zip(sum.windows(2)) {
            target[0] += free[0] * ends[0];
            target[1] += free[1] * (0.5 * (ends[0] + ends[1]));
        }
    }

    #[inline(always)]
    fn collect(&self, sum: &[f64], free: &[f64], target: &mut [f64]) {
        let (target, free) = (&mut target[MARGIN..], &free[MARGIN..]);
        if !self.halved[0] {
            target.iter_mut().zip(&sum[MARGIN..]).zip(free).for_each(|((target, value), free)| *target = value * free);
            return;
        }
        // The margin's zero stands before node 0.
        let (pairs, _) = sum[MARGIN - 1..].as_chunks::<2>();
        for ((target, free), pair) in target.iter_mut().zip(free).zip(pairs.windows(2)) {
            *target = free * (pair[0][1] + 0.5 * (pair[0][0] + pair[1][0]));
        }
    }

    /// Coarse rows of nodes that a fine one lies on or between, with their weights.
    fn sources(&self, fine_row: usize) -> Vec<(usize, f64)> {
        let (j, k) = (fine_row % self.fine.nodes[1], fine_row / self.fine.nodes[1]);
        let (rows, layers) = (between(j, self.halved[1]), between(k, self.halved[2]));
        Self::combine(&rows, &layers, self.coarse.nodes)
    }

    /// Fine rows of nodes that lie on or beside a coarse one, with their weights.
    fn sources_of_coarse(&self, coarse_row: usize) -> Vec<(usize, f64)> {
        let (j, k) = (coarse_row % self.coarse.nodes[1], coarse_row / self.coarse.nodes[1]);
        let (rows, layers) = (around(j, self.halved[1]), around(k, self.halved[2]));
        Self::combine(&rows, &layers, self.fine.nodes)
    }

    fn combine(rows: &[(usize, f64)], layers: &[(usize, f64)], nodes: [usize; 3]) -> Vec<(usize, f64)> {
        let inside = |index: usize, axis: usize| index < nodes[axis];
        let layers = layers.iter().filter(|(layer, _)| inside(*layer, 2));
        layers.flat_map(|(k, z)| rows.iter().filter(|(row, _)| inside(*row, 1)).map(move |(j, y)| (k * nodes[1] + j, y * z))).collect()
    }
}

/// Coarse indices that a fine index lies on or between.
fn between(fine: usize, halved: bool) -> Vec<(usize, f64)> {
    match (halved, fine % 2) {
        (false, _) => vec![(fine, 1.0)],
        (true, 0) => vec![(fine / 2, 1.0)],
        (true, _) => vec![(fine / 2, 0.5), (fine / 2 + 1, 0.5)],
    }
}

/// Fine indices on or beside a coarse index; those outside the grid are left to the caller.
fn around(coarse: usize, halved: bool) -> Vec<(usize, f64)> {
    if !halved {
        return vec![(coarse, 1.0)];
    }
    let below = (2 * coarse).checked_sub(1).map(|index| (index, 0.5));
    below.into_iter().chain([(2 * coarse, 1.0), (2 * coarse + 1, 0.5)]).collect()
}

/// Sum of rows of `source`, as long as `target`, times their weights.
#[inline(always)]
fn weighted_sum(source: &[f64], rows: impl Iterator<Item = (usize, f64)>, target: &mut [f64]) {
    target.fill(0.0);
    let pitch = target.len();
    for (row, weight) in rows {
        let row = &source[row * pitch..][..pitch];
        target.iter_mut().zip(row).for_each(
            #[inline(always)]
            |(sum, value)| *sum += weight * value,
        );
    }
}
