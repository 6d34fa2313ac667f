//! Norms over the last axis and group norms over NHWC, with their gradients. Statistics are summed in a fixed order in f32 lanes.

mod group;

pub use group::{GroupNorm, group_norm, group_norm_backward};

use crate::elementwise::{dot, parallel_parts, sum, sum_by, sum_row_products, sum_rows};
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

/// Gradients of [`norm`]: `dx` is replaced, those of the parameters are added to.
pub fn norm_backward(x: &[f32], norm: &Norm<'_>, dy: &[f32], dx: &mut [f32], gradients: NormGradients<'_>) {
    let channels = norm.channels;
    let rows = x.len() / channels.max(1);
    assert!(x.len() == dx.len() && dy.len() == dx.len());
    // Gradient of `norm(x) * weight + bias`, and the normalised rows.
    let mut inner = vec![0.0; x.len()];
    let mut normalised = vec![0.0; x.len()];
    {
        let (inner, normalised, shared) = (SharedSlice::new(&mut inner), SharedSlice::new(&mut normalised), SharedSlice::new(dx));
        parallel_parts(rows, ROWS, &|first, count| {
            let mut weighted = vec![0.0; channels];
            for row in first..first + count {
                let at = row * channels;
                // SAFETY: rows are disjoint in all three.
                let (inner, normalised, dx) =
                    unsafe { (inner.range(at, channels), normalised.range(at, channels), shared.range(at, channels)) };
                let x = &x[at..][..channels];
                let (mean, factor) = statistics(x, norm.kind, norm.epsilon);
                normalise(x, mean, factor, normalised);
                inner.copy_from_slice(&dy[at..][..channels]);
                if let Some(modulation) = &norm.modulation {
                    modulate(inner, &modulation.scale[row / modulation.rows_per_group * channels..][..channels]);
                }
                match norm.weight {
                    Some(weight) => multiply_into(inner, weight, &mut weighted),
                    None => weighted.copy_from_slice(inner),
                }
                input_gradient(&weighted, normalised, norm.kind, factor, dx);
            }
        });
    }
    if let Some(weight) = gradients.weight {
        sum_row_products(&inner, &normalised, (channels, rows.max(1)), weight);
    }
    if let Some(bias) = gradients.bias {
        sum_rows(&inner, (channels, rows.max(1)), bias);
    }
    let Some(modulation) = &norm.modulation else { return };
    if let Some(shift) = gradients.shift {
        sum_rows(dy, (channels, modulation.rows_per_group), shift);
    }
    if let Some(scale) = gradients.scale {
        let shared = SharedSlice::new(&mut normalised);
        parallel_parts(rows, ROWS, &|first, count| {
            for row in first..first + count {
                // SAFETY: rows are disjoint.
                let row = unsafe { shared.range(row * channels, channels) };
                if let Some(weight) = norm.weight {
                    multiply(row, weight);
                }
                if let Some(bias) = norm.bias {
                    add(row, bias);
                }
            }
        });
        sum_row_products(dy, &normalised, (channels, modulation.rows_per_group), scale);
    }
}
