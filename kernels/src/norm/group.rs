use crate::element::Activation;
use crate::elementwise::{add_columns, fold, parallel_parts, repeats};
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;

/// Pixels whose statistics are summed together; a fixed boundary, so the order never depends on threads. With a few hundred channels
/// they fit in L2, so that the second look at them is free.
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

impl GroupNorm<'_> {
    fn channels(&self) -> usize {
        self.weight.len()
    }

    fn check(&self, x: &[f32]) {
        let channels = self.channels();
        assert!(
            self.bias.len() == channels && self.groups > 0 && channels.is_multiple_of(self.groups),
            "channels do not fall into the groups"
        );
        assert!(self.batch > 0 && channels > 0 && x.len().is_multiple_of(self.batch * channels), "x is not [batch, pixels, channels]");
    }

    /// Calls `task(part)` for the parts of whole pixels that each picture falls into.
    fn for_parts(&self, length: usize, task: &(dyn Fn(&Part) + Sync)) {
        let pixels = length / (self.batch * self.channels());
        let parts = pixels.div_ceil(PIXELS);
        parallel_parts(self.batch * parts, 1, &|index, _| {
            let (picture, first) = (index / parts, index % parts * PIXELS);
            let count = PIXELS.min(pixels - first);
            let start = (picture * pixels + first) * self.channels();
            task(&Part { index, picture, start, length: count * self.channels() });
        });
    }

    fn parts(&self, length: usize) -> usize {
        (length / (self.batch * self.channels())).div_ceil(PIXELS)
    }

    /// One picture's row of `values [batch, channels]`, repeated until steps over it are long.
    fn repeated(&self, values: &[f32], picture: usize) -> Vec<f32> {
        values[picture * self.channels()..][..self.channels()].repeat(repeats(self.channels()))
    }
}

/// Consecutive pixels of one picture.
struct Part {
    index: usize,
    picture: usize,
    start: usize,
    length: usize,
}

/// Columns of coefficients, repeated as steps need them.
struct Coefficients {
    scale: Vec<f32>,
    shift: Vec<f32>,
    factor: Vec<f32>,
    centre: Vec<f32>,
}

vectorised! {
    fn add_column_deviations(x: &[f32], means: &[f32], sums: &mut [f32]) {
        for x in x.chunks(means.len()) {
            for ((sum, x), mean) in sums.iter_mut().zip(x).zip(means) { *sum += (x - mean) * (x - mean); }
        }
    }

    fn scale_columns(x: &[f32], scale: &[f32], shift: &[f32], out: &mut [f32]) {
        for (x, out) in x.chunks(scale.len()).zip(out.chunks_mut(scale.len())) {
            for (((out, x), scale), shift) in out.iter_mut().zip(x).zip(scale).zip(shift) { *out = x * scale + shift; }
        }
    }

    /// Replaces `g` by the gradient of the normalised, scaled and shifted values; adds it and its product with the normalised values.
    fn inner_gradient(x: &[f32], dy: &[f32], norm: (&Coefficients, Activation), g: &mut [f32], sums: (&mut [f32], &mut [f32])) {
        match norm.1 {
            Activation::Identity => inner_gradient_by(x, dy, norm.0, (g, sums.0, sums.1), |_| 1.0),
            Activation::Silu => inner_gradient_by(x, dy, norm.0, (g, sums.0, sums.1), |y| Activation::Silu.derivative(y)),
            Activation::GeluErf => inner_gradient_by(x, dy, norm.0, (g, sums.0, sums.1), |y| Activation::GeluErf.derivative(y)),
            Activation::GeluTanh => inner_gradient_by(x, dy, norm.0, (g, sums.0, sums.1), |y| Activation::GeluTanh.derivative(y)),
        }
    }

    /// `g = g * a + x * b + c`.
    fn blend_columns(g: &mut [f32], x: &[f32], a: &[f32], b: &[f32], c: &[f32]) {
        for (g, x) in g.chunks_mut(a.len()).zip(x.chunks(a.len())) {
            for ((((g, x), a), b), c) in g.iter_mut().zip(x).zip(a).zip(b).zip(c) { *g = *g * a + x * b + c; }
        }
    }
}

#[inline(always)]
fn inner_gradient_by(
    x: &[f32],
    dy: &[f32],
    columns: &Coefficients,
    (g, sums, products): (&mut [f32], &mut [f32], &mut [f32]),
    slope: impl Fn(f32) -> f32,
) {
    let width = sums.len();
    let (scale, shift) = (&columns.scale[..width], &columns.shift[..width]);
    let (factor, centre, products) = (&columns.factor[..width], &columns.centre[..width], &mut products[..width]);
    for ((x, dy), g) in x.chunks(width).zip(dy.chunks(width)).zip(g.chunks_mut(width)) {
        for i in 0..x.len().min(dy.len()).min(g.len()).min(width) {
            let gradient = dy[i] * slope(x[i] * scale[i] + shift[i]);
            g[i] = gradient;
            sums[i] += gradient;
            products[i] += gradient * (x[i] * factor[i] + centre[i]);
        }
    }
}

/// Values that lie in consecutive pieces.
struct Pieces<'a>(&'a [&'a [f32]]);

impl Pieces<'_> {
    fn length(&self) -> usize {
        self.0.iter().map(|piece| piece.len()).sum()
    }

    /// A range of the values, put together in `scratch` where it lies in more than one piece.
    fn range<'a>(&'a self, start: usize, length: usize, scratch: &'a mut Vec<f32>) -> &'a [f32] {
        let mut skipped = 0;
        scratch.clear();
        for piece in self.0 {
            let begin = (start + scratch.len()).saturating_sub(skipped).min(piece.len());
            let part = &piece[begin..piece.len().min(begin + length - scratch.len())];
            if part.len() == length {
                return part;
            }
            scratch.extend_from_slice(part);
            skipped += piece.len();
        }
        scratch
    }
}

/// Mean and reciprocal deviation of each picture's group, `[batch, channels]` each. Each part's own mean and squared deviations
/// are joined in f64 (Chan, Golub and LeVeque, 1983), so x is read once and nothing cancels. The parts are the same however the values
/// fall into pieces.
fn statistics(x: &Pieces<'_>, norm: &GroupNorm<'_>) -> (Vec<f32>, Vec<f32>) {
    let length = x.length();
    let (channels, groups, parts) = (norm.channels(), norm.groups, norm.parts(length));
    let (width, pixels) = (channels / groups, length / (norm.batch * channels));
    let mut partial = vec![0.0_f32; norm.batch * parts * groups * 2];
    let shared = SharedSlice::new(&mut partial);
    norm.for_parts(length, &|part| {
        let mut scratch = Vec::new();
        let x = x.range(part.start, part.length, &mut scratch);
        let count = (part.length / channels * width) as f32;
        // SAFETY: parts are disjoint.
        let (means, deviations) = unsafe { shared.range(part.index * groups * 2, groups * 2) }.split_at_mut(groups);
        let mut sums = vec![0.0; channels * repeats(channels)];
        add_columns(x, &mut sums);
        for (mean, sums) in means.iter_mut().zip(fold(&sums, channels).chunks_exact(width)) {
            *mean = sums.iter().sum::<f32>() / count;
        }
        let columns: Vec<f32> = (0..sums.len()).map(|column| means[column % channels / width]).collect();
        sums.fill(0.0);
        add_column_deviations(x, &columns, &mut sums);
        for (deviation, sums) in deviations.iter_mut().zip(fold(&sums, channels).chunks_exact(width)) {
            *deviation = sums.iter().sum();
        }
    });
    let (mut all_means, mut factors) = (Vec::with_capacity(norm.batch * channels), Vec::with_capacity(norm.batch * channels));
    for partial in partial.chunks_exact((parts * groups * 2).max(1)) {
        for group in 0..groups {
            let count = |part: usize| (PIXELS.min(pixels - part * PIXELS) * width) as f64;
            let value = |part: usize, offset: usize| f64::from(partial[(2 * part + offset) * groups + group]);
            let total = (pixels * width) as f64;
            let mean = (0..parts).map(|part| count(part) * value(part, 0)).sum::<f64>() / total;
            let squares = (0..parts).map(|part| value(part, 1) + count(part) * (value(part, 0) - mean).powi(2)).sum::<f64>();
            let factor = 1.0 / (squares / total + f64::from(norm.epsilon)).sqrt();
            all_means.extend(std::iter::repeat_n(mean as f32, width));
            factors.extend(std::iter::repeat_n(factor as f32, width));
        }
    }
    (all_means, factors)
}

/// Scale and shift of each picture's channels: `norm(x) * weight + bias = x * scale + shift`.
fn columns(norm: &GroupNorm<'_>, means: &[f32], factors: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let channels = norm.channels();
    let scale: Vec<f32> = factors.iter().enumerate().map(|(i, factor)| factor * norm.weight[i % channels]).collect();
    let shift = scale.iter().zip(means).enumerate().map(|(i, (scale, mean))| norm.bias[i % channels] - mean * scale).collect();
    (scale, shift)
}

/// `out = activation(norm(x) * weight + bias)`.
pub fn group_norm(x: &[f32], norm: &GroupNorm<'_>, out: &mut [f32]) {
    norm.check(x);
    assert_eq!(x.len(), out.len());
    let (means, factors) = statistics(&Pieces(&[x]), norm);
    let (scale, shift) = columns(norm, &means, &factors);
    let shared = SharedSlice::new(out);
    norm.for_parts(x.len(), &|part| {
        // SAFETY: parts are disjoint.
        let out = unsafe { shared.range(part.start, part.length) };
        let (scale, shift) = (norm.repeated(&scale, part.picture), norm.repeated(&shift, part.picture));
        scale_columns(&x[part.start..][..part.length], &scale, &shift, out);
        norm.activation.apply_all(out);
    });
}

/// Scale and shift, `[channels]` each, with which [`scale_channels`] does what [`group_norm`] does, bit for bit, to one picture that lies
/// in consecutive pieces of whole pixels.
pub fn group_norm_columns(pieces: &[&[f32]], norm: &GroupNorm<'_>) -> (Vec<f32>, Vec<f32>) {
    for piece in pieces {
        norm.check(piece);
    }
    assert!(norm.batch == 1 && pieces.iter().any(|piece| !piece.is_empty()), "one picture");
    let (means, factors) = statistics(&Pieces(pieces), norm);
    columns(norm, &means, &factors)
}

/// `out = activation(x * scale + shift)` of whole pixels; scale and shift `[channels]`.
pub fn scale_channels(x: &[f32], (scale, shift): (&[f32], &[f32]), activation: Activation, out: &mut [f32]) {
    let channels = scale.len();
    assert!(channels > 0 && shift.len() == channels && x.len() == out.len() && x.len().is_multiple_of(channels), "not whole pixels");
    let (scale, shift) = (scale.repeat(repeats(channels)), shift.repeat(repeats(channels)));
    let shared = SharedSlice::new(out);
    parallel_parts(x.len() / channels, PIXELS, &|first, count| {
        let (start, length) = (first * channels, count * channels);
        // SAFETY: parts are disjoint.
        let out = unsafe { shared.range(start, length) };
        scale_columns(&x[start..start + length], &scale, &shift, out);
        activation.apply_all(out);
    });
}

/// Gradients of [`group_norm`]: `dx` is replaced, those of weight and bias, `[channels]`, are added to.
pub fn group_norm_backward(x: &[f32], norm: &GroupNorm<'_>, dy: &[f32], dx: &mut [f32], (d_weight, d_bias): (&mut [f32], &mut [f32])) {
    norm.check(x);
    assert!(x.len() == dy.len() && x.len() == dx.len());
    let (channels, parts) = (norm.channels(), norm.parts(x.len()));
    let (means, factors) = statistics(&Pieces(&[x]), norm);
    let (scale, shift) = columns(norm, &means, &factors);
    let centres: Vec<f32> = factors.iter().zip(&means).map(|(factor, mean)| -factor * mean).collect();
    // dx first holds the gradient g of `norm(x) * weight + bias`; per part, the sums of g and of g * normalised.
    let mut partial = vec![0.0_f32; norm.batch * parts * channels * 2];
    {
        let (g, partial) = (SharedSlice::new(&mut *dx), SharedSlice::new(&mut partial));
        norm.for_parts(x.len(), &|part| {
            let range = part.start..part.start + part.length;
            let of = |values: &[f32]| norm.repeated(values, part.picture);
            let coefficients = Coefficients { scale: of(&scale), shift: of(&shift), factor: of(&factors), centre: of(&centres) };
            let (mut sums, mut products) = (vec![0.0; coefficients.scale.len()], vec![0.0; coefficients.scale.len()]);
            // SAFETY: parts are disjoint in both.
            let (g, partial) = unsafe { (g.range(part.start, part.length), partial.range(part.index * channels * 2, channels * 2)) };
            inner_gradient(&x[range.clone()], &dy[range], (&coefficients, norm.activation), g, (&mut sums, &mut products));
            partial[..channels].copy_from_slice(&fold(&sums, channels));
            partial[channels..].copy_from_slice(&fold(&products, channels));
        });
    }
    // dx = factor * (g·w - mean(g·w) - normalised * mean(g·w·normalised)), means over the group; normalised = x * factor + centre.
    let (width, count) = (channels / norm.groups, (x.len() / (norm.batch * norm.groups)) as f32);
    let (mut slopes, mut offsets) = (Vec::with_capacity(factors.len()), Vec::with_capacity(factors.len()));
    for (picture, partial) in partial.chunks_exact((parts * channels * 2).max(1)).enumerate() {
        let totals = fold(partial, channels * 2);
        let (sums, products) = totals.split_at(channels);
        d_bias.iter_mut().zip(sums).for_each(|(d_bias, sum)| *d_bias += sum);
        d_weight.iter_mut().zip(products).for_each(|(d_weight, product)| *d_weight += product);
        for first in (0..channels).step_by(width) {
            let mean = |values: &[f32]| (first..first + width).map(|channel| values[channel] * norm.weight[channel]).sum::<f32>() / count;
            let (factor, centre) = (factors[picture * channels + first], centres[picture * channels + first]);
            let along = mean(products) * factor;
            slopes.extend(std::iter::repeat_n(-along * factor, width));
            offsets.extend(std::iter::repeat_n(-mean(sums) * factor - centre * along, width));
        }
    }
    let shared = SharedSlice::new(dx);
    norm.for_parts(x.len(), &|part| {
        let of = |values: &[f32]| norm.repeated(values, part.picture);
        // SAFETY: parts are disjoint.
        let dx = unsafe { shared.range(part.start, part.length) };
        blend_columns(dx, &x[part.start..][..part.length], &of(&scale), &of(&slopes), &of(&offsets));
    });
}
