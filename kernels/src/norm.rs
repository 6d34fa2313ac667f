//! Norms over the last axis and group norms over NHWC, with their gradients. Statistics are summed in a fixed order in f32 lanes.

mod group;

pub use group::{GroupNorm, group_norm, group_norm_backward, group_norm_columns, scale_channels};

use crate::elementwise::{dot, parallel_parts, sum, sum_by};
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;

/// Rows of one task.
const ROWS: usize = 16;

/// The statistic that a norm divides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Root mean square, no centring.
    Rms,
    /// Mean and variance.
    Layer,
}

/// Scale and shift that groups of rows share: `x * (1 + scale) + shift`.
#[derive(Debug, Clone, Copy)]
pub struct Modulation<'a> {
    /// `[groups, channels]`.
    pub scale: &'a [f32],
    /// `[groups, channels]`.
    pub shift: Option<&'a [f32]>,
    /// Rows that one group stands for.
    pub rows_per_group: usize,
}

/// A norm over rows of `channels` values: `norm(x) * weight + bias`, then modulated.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// The statistic.
    pub kind: NormKind,
    /// Values of a row.
    pub channels: usize,
    /// `[channels]`.
    pub weight: Option<&'a [f32]>,
    /// `[channels]`.
    pub bias: Option<&'a [f32]>,
    /// Applied last.
    pub modulation: Option<Modulation<'a>>,
    /// Added to the variance.
    pub epsilon: f32,
}

vectorised! {
    /// Mean (0 for RMS) and reciprocal deviation of a row.
    fn statistics(x: &[f32], kind: NormKind, epsilon: f32) -> (f32, f32) {
        let count = x.len() as f32;
        let mean = match kind { NormKind::Rms => 0.0, NormKind::Layer => sum(x) / count };
        let variance = sum_by(x, |value| (value - mean) * (value - mean)) / count;
        (mean, 1.0 / (variance + epsilon).sqrt())
    }

    fn normalise(x: &[f32], mean: f32, factor: f32, out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) { *out = (x - mean) * factor; }
    }

    fn multiply(values: &mut [f32], factors: &[f32]) {
        for (value, factor) in values.iter_mut().zip(factors) { *value *= factor; }
    }

    fn add(values: &mut [f32], terms: &[f32]) {
        for (value, term) in values.iter_mut().zip(terms) { *value += term; }
    }

    fn modulate(values: &mut [f32], scale: &[f32]) {
        for (value, scale) in values.iter_mut().zip(scale) { *value *= 1.0 + scale; }
    }

    fn multiply_into(a: &[f32], b: &[f32], out: &mut [f32]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) { *out = a * b; }
    }

    fn accumulate(dy: &[f32], normalised: &[f32], products: &mut [f32], sums: &mut [f32]) {
        for ((product, dy), normalised) in products.iter_mut().zip(dy).zip(normalised) { *product += dy * normalised; }
        for (sum, dy) in sums.iter_mut().zip(dy) { *sum += dy; }
    }

    /// `dx` from the gradient `g` of the normalised row and that row.
    fn input_gradient(g: &[f32], normalised: &[f32], kind: NormKind, factor: f32, dx: &mut [f32]) {
        let count = g.len() as f32;
        let centre = match kind { NormKind::Rms => 0.0, NormKind::Layer => sum(g) / count };
        let along = dot(g, normalised) / count;
        for ((dx, g), normalised) in dx.iter_mut().zip(g).zip(normalised) { *dx = factor * (g - centre - normalised * along); }
    }
}

/// `out = norm(x)`, `[rows, channels]`.
pub fn norm(x: &[f32], norm: &Norm<'_>, out: &mut [f32]) {
    let channels = norm.channels;
    assert!(x.len() == out.len() && x.len().is_multiple_of(channels.max(1)));
    let shared = SharedSlice::new(out);
    parallel_parts(x.len() / channels.max(1), ROWS, &|first, count| {
        for row in first..first + count {
            let x = &x[row * channels..][..channels];
            // SAFETY: rows are disjoint.
            let out = unsafe { shared.range(row * channels, channels) };
            let (mean, factor) = statistics(x, norm.kind, norm.epsilon);
            normalise(x, mean, factor, out);
            if let Some(weight) = norm.weight {
                multiply(out, weight);
            }
            if let Some(bias) = norm.bias {
                add(out, bias);
            }
            if let Some(modulation) = &norm.modulation {
                let group = row / modulation.rows_per_group * channels..row / modulation.rows_per_group * channels + channels;
                modulate(out, &modulation.scale[group.clone()]);
                if let Some(shift) = modulation.shift {
                    add(out, &shift[group]);
                }
            }
        }
    });
}

/// Where [`norm_backward`] adds the gradients of a norm's parameters.
#[derive(Debug, Default)]
pub struct NormGradients<'a> {
    /// `[channels]`.
    pub weight: Option<&'a mut [f32]>,
    /// `[channels]`.
    pub bias: Option<&'a mut [f32]>,
    /// `[groups, channels]`.
    pub scale: Option<&'a mut [f32]>,
    /// `[groups, channels]`.
    pub shift: Option<&'a mut [f32]>,
}

/// Rows whose parameter gradients are summed together; fixed, so that the order of summation never depends on threads.
const PART_ROWS: usize = 64;

/// Gradients of [`norm`]: `dx` is replaced, those of the parameters are added to.
///
/// A part of rows shares its scale and shift, so the sums of `dy` and of `dy * normalised` over it give all four.
pub fn norm_backward(x: &[f32], norm: &Norm<'_>, dy: &[f32], dx: &mut [f32], gradients: NormGradients<'_>) {
    let channels = norm.channels;
    let rows = x.len() / channels.max(1);
    assert!(x.len() == dx.len() && dy.len() == dx.len());
    let rows_per_group = norm.modulation.map_or(rows, |modulation| modulation.rows_per_group).max(1);
    let parts_per_group = rows_per_group.div_ceil(PART_ROWS);
    let parts = rows.div_ceil(rows_per_group) * parts_per_group;
    // `w * (1 + scale)` of a group.
    let slope = |group: usize| -> Vec<f32> {
        let mut slope = norm.weight.map_or_else(|| vec![1.0; channels], <[f32]>::to_vec);
        if let Some(modulation) = &norm.modulation {
            modulate(&mut slope, &modulation.scale[group * channels..][..channels]);
        }
        slope
    };
    let mut partial = vec![0.0_f32; parts * 2 * channels];
    {
        let (partial, dx) = (SharedSlice::new(&mut partial), SharedSlice::new(dx));
        parallel_parts(parts, 1, &|part, _| {
            let group = part / parts_per_group;
            let first = group * rows_per_group + part % parts_per_group * PART_ROWS;
            let end = (first + PART_ROWS).min((group + 1) * rows_per_group).min(rows);
            let slope = slope(group);
            let (mut normalised, mut weighted) = (vec![0.0; channels], vec![0.0; channels]);
            // SAFETY: parts are disjoint.
            let (products, sums) = unsafe { partial.range(part * 2 * channels, 2 * channels) }.split_at_mut(channels);
            for row in first..end {
                let (x, dy) = (&x[row * channels..][..channels], &dy[row * channels..][..channels]);
                // SAFETY: rows are disjoint.
                let dx = unsafe { dx.range(row * channels, channels) };
                let (mean, factor) = statistics(x, norm.kind, norm.epsilon);
                normalise(x, mean, factor, &mut normalised);
                multiply_into(dy, &slope, &mut weighted);
                input_gradient(&weighted, &normalised, norm.kind, factor, dx);
                accumulate(dy, &normalised, products, sums);
            }
        });
    }
    let NormGradients { weight, bias, scale, shift } = gradients;
    let mut targets = [weight, bias, scale, shift];
    for (part, partial) in partial.chunks_exact((2 * channels).max(1)).enumerate() {
        let (products, sums) = partial.split_at(channels);
        let at = part / parts_per_group * channels;
        for channel in 0..channels {
            let modulation = norm.modulation.map_or(1.0, |modulation| 1.0 + modulation.scale[at + channel]);
            let (weight, bias) = (norm.weight.map_or(1.0, |weight| weight[channel]), norm.bias.map_or(0.0, |bias| bias[channel]));
            let (product, sum) = (products[channel], sums[channel]);
            let terms = [product * modulation, sum * modulation, product * weight + sum * bias, sum];
            for (index, (target, term)) in targets.iter_mut().zip(terms).enumerate() {
                // Weight and bias are shared by all rows, scale and shift by a group.
                if let Some(target) = target.as_deref_mut().filter(|_| index < 2 || norm.modulation.is_some()) {
                    target[if index < 2 { channel } else { at + channel }] += term;
                }
            }
        }
    }
}
