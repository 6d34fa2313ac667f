use crate::element::Activation;
use crate::elementwise::{self, parallel_parts};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;

/// Pixels whose statistics are summed together; a fixed boundary, so the order never depends on threads.
const PIXELS: usize = 256;

/// A group norm over `[batch, pixels, channels]`: `activation(norm(x) * weight + bias)`.
#[derive(Debug, Clone, Copy)]
pub struct GroupNorm<'a> {
    /// Pictures.
    pub batch: usize,
    /// Groups that the channels fall into, in order.
    pub groups: usize,
    /// `[channels]`.
    pub weight: &'a [f32],
    /// `[channels]`.
    pub bias: &'a [f32],
    /// Added to the variance.
    pub epsilon: f32,
    /// Identity or SiLU.
    pub activation: Activation,
}

vectorised! {
    fn add_columns(x: &[f32], channels: usize, sums: &mut [f32]) {
        for pixel in x.chunks_exact(channels) { for (sum, x) in sums.iter_mut().zip(pixel) { *sum += x; } }
    }

    fn add_column_products(x: &[f32], y: &[f32], channels: usize, sums: &mut [f32]) {
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact(channels)) { for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) { *sum += x * y; } }
    }

    fn add_column_deviations(x: &[f32], means: &[f32], sums: &mut [f32]) {
        for pixel in x.chunks_exact(means.len()) { for ((sum, x), mean) in sums.iter_mut().zip(pixel).zip(means) { *sum += (x - mean) * (x - mean); } }
    }

    fn scale_columns(x: &[f32], scale: &[f32], shift: &[f32], out: &mut [f32]) {
        for (x, out) in x.chunks_exact(scale.len()).zip(out.chunks_exact_mut(scale.len())) {
            for (((out, x), scale), shift) in out.iter_mut().zip(x).zip(scale).zip(shift) { *out = x * scale + shift; }
        }
    }

    fn blend_columns(g: &[f32], normalised: &[f32], factors: &[f32], out: &mut [f32]) {
        let (a, rest) = factors.split_at(factors.len() / 3);
        let (b, c) = rest.split_at(a.len());
        for ((g, n), out) in g.chunks_exact(a.len()).zip(normalised.chunks_exact(a.len())).zip(out.chunks_exact_mut(a.len())) {
            for i in 0..a.len() { out[i] = g[i] * a[i] - b[i] - n[i] * c[i]; }
        }
    }
}

/// Sums over each picture's pixels, `[batch, channels]`: `add` adds one part of consecutive pixels; parts are added in order.
fn column_sums(batch: usize, pixels: usize, channels: usize, add: &(dyn Fn(usize, usize, &mut [f32]) + Sync)) -> Vec<f32> {
    let parts = pixels.div_ceil(PIXELS);
    let mut partial = vec![0.0; batch * parts * channels];
    let shared = SharedSlice::new(&mut partial);
    parallel_for(batch * parts, &|part| {
        let first = part / parts * pixels + part % parts * PIXELS;
        let count = PIXELS.min((part / parts + 1) * pixels - first);
        // SAFETY: parts are disjoint.
        add(first * channels, count * channels, unsafe { shared.range(part * channels, channels) });
    });
    let mut sums = vec![0.0; batch * channels];
    for (part, values) in partial.chunks_exact(channels).enumerate() {
        for (sum, value) in sums[part / parts * channels..].iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums
}

/// Replaces per-channel sums by their group's mean over `pixels` pixels.
fn to_group_means(sums: &mut [f32], channels: usize, groups: usize, pixels: usize) {
    let width = channels / groups;
    for group in sums.chunks_exact_mut(width) {
        let mean = group.iter().sum::<f32>() / (width * pixels) as f32;
        group.fill(mean);
    }
}

/// Mean and reciprocal deviation of each picture's group, `[batch, channels]` each.
fn statistics(x: &[f32], norm: &GroupNorm<'_>) -> (Vec<f32>, Vec<f32>) {
    let channels = norm.weight.len();
    let pixels = x.len() / (norm.batch * channels);
    let mut means =
        column_sums(norm.batch, pixels, channels, &|first, length, sums| add_columns(&x[first..first + length], channels, sums));
    to_group_means(&mut means, channels, norm.groups, pixels);
    let mut factors = column_sums(norm.batch, pixels, channels, &|first, length, sums| {
        let picture = first / (pixels * channels);
        add_column_deviations(&x[first..first + length], &means[picture * channels..][..channels], sums);
    });
    to_group_means(&mut factors, channels, norm.groups, pixels);
    for variance in &mut factors {
        *variance = 1.0 / (*variance + norm.epsilon).sqrt();
    }
    (means, factors)
}

/// `task(first, length, picture)` for parts of whole pixels of one picture.
fn for_pixel_parts(length: usize, batch: usize, channels: usize, task: &(dyn Fn(usize, usize, usize) + Sync)) {
    let pixels = length / (batch * channels);
    let parts = pixels.div_ceil(PIXELS);
    parallel_parts(batch * parts, 1, &|part, _| {
        let first = part / parts * pixels + part % parts * PIXELS;
        let count = PIXELS.min((part / parts + 1) * pixels - first);
        task(first * channels, count * channels, part / parts);
    });
}

/// `out = activation(norm(x) * weight + bias)`.
pub fn group_norm(x: &[f32], norm: &GroupNorm<'_>, out: &mut [f32]) {
    check(x, norm);
    assert_eq!(x.len(), out.len());
    let channels = norm.weight.len();
    let (means, factors) = statistics(x, norm);
    let (scale, shift) = columns(norm, &means, &factors);
    let shared = SharedSlice::new(out);
    for_pixel_parts(x.len(), norm.batch, channels, &|first, length, picture| {
        // SAFETY: parts are disjoint.
        let out = unsafe { shared.range(first, length) };
        let row = picture * channels..(picture + 1) * channels;
        scale_columns(&x[first..first + length], &scale[row.clone()], &shift[row], out);
        norm.activation.apply_all(out);
    });
}

/// Scale and shift of each picture's channels: `norm(x) * weight + bias = x * scale + shift`.
fn columns(norm: &GroupNorm<'_>, means: &[f32], factors: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let channels = norm.weight.len();
    let scale: Vec<f32> = factors.iter().enumerate().map(|(i, factor)| factor * norm.weight[i % channels]).collect();
    let shift = scale.iter().zip(means).enumerate().map(|(i, (scale, mean))| norm.bias[i % channels] - mean * scale).collect();
    (scale, shift)
}

/// Gradients of [`group_norm`]: `dx` is replaced, those of weight and bias, `[channels]`, are added to.
pub fn group_norm_backward(x: &[f32], norm: &GroupNorm<'_>, dy: &[f32], dx: &mut [f32], (d_weight, d_bias): (&mut [f32], &mut [f32])) {
    check(x, norm);
    assert!(x.len() == dy.len() && x.len() == dx.len());
    let channels = norm.weight.len();
    let pixels = x.len() / (norm.batch * channels);
    let (means, factors) = statistics(x, norm);
    let (scale, shift) = columns(norm, &means, &factors);
    let centred: Vec<f32> = factors.iter().zip(&means).map(|(factor, mean)| -factor * mean).collect();
    let mut gradient = vec![0.0; x.len()];
    let mut normalised = vec![0.0; x.len()];
    {
        let (gradient, normalised) = (SharedSlice::new(&mut gradient), SharedSlice::new(&mut normalised));
        for_pixel_parts(x.len(), norm.batch, channels, &|first, length, picture| {
            // SAFETY: parts are disjoint in both.
            let (gradient, normalised) = unsafe { (gradient.range(first, length), normalised.range(first, length)) };
            let (range, row) = (first..first + length, picture * channels..(picture + 1) * channels);
            scale_columns(&x[range.clone()], &scale[row.clone()], &shift[row.clone()], normalised);
            elementwise::map_activation_backward(normalised, &dy[range.clone()], norm.activation, gradient);
            scale_columns(&x[range], &factors[row.clone()], &centred[row], normalised);
        });
    }
    let sums =
        column_sums(norm.batch, pixels, channels, &|first, length, sums| add_columns(&gradient[first..first + length], channels, sums));
    let products = column_sums(norm.batch, pixels, channels, &|first, length, sums| {
        add_column_products(&gradient[first..first + length], &normalised[first..first + length], channels, sums);
    });
    for (index, (sum, product)) in sums.iter().zip(&products).enumerate() {
        d_bias[index % channels] += sum;
        d_weight[index % channels] += product;
    }
    // dx = factor * (g·w - mean(g·w) - normalised * mean(g·w·normalised)), means over the group.
    let weighted = |values: &[f32]| {
        let mut values: Vec<f32> = values.iter().enumerate().map(|(i, value)| value * norm.weight[i % channels]).collect();
        to_group_means(&mut values, channels, norm.groups, pixels);
        values.iter().zip(&factors).map(|(value, factor)| value * factor).collect::<Vec<f32>>()
    };
    let (centre, along) = (weighted(&sums), weighted(&products));
    let shared = SharedSlice::new(dx);
    for_pixel_parts(x.len(), norm.batch, channels, &|first, length, picture| {
        let row = picture * channels..(picture + 1) * channels;
        let coefficients = [&scale[row.clone()], &centre[row.clone()], &along[row]].concat();
        // SAFETY: parts are disjoint.
        let dx = unsafe { shared.range(first, length) };
        blend_columns(&gradient[first..first + length], &normalised[first..first + length], &coefficients, dx);
    });
}

fn check(x: &[f32], norm: &GroupNorm<'_>) {
    let channels = norm.weight.len();
    assert!(norm.bias.len() == channels && norm.groups > 0 && channels.is_multiple_of(norm.groups), "channels do not fall into the groups");
    assert!(norm.batch > 0 && channels > 0 && x.len().is_multiple_of(norm.batch * channels), "x is not [batch, pixels, channels]");
}
