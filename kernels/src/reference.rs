//! Plain scalar twins of the kernels: loops in f64 that follow the formulas of the public docs. Tests compare against them; nothing
//! else calls them. Operands are dense, row major and already rounded ([`rounded`], [`dense`]).

mod int8;
mod norms;

pub use int8::{IntegerFilter, quantize, quantized_convolution, quantized_product};
pub use norms::{GroupNormParameters, NormParameters, group_norm, norm, rotate_half};

use crate::attention::{AttentionShape, Mask};
use crate::conv::ConvShape;
use crate::element::{Activation, Precision};
use crate::gemm::{Accumulate, Epilogue};
use crate::matrix::{MatrixView, value_at};
use half::bf16;

/// `count` values in -1..1 that depend on `seed` alone.
pub fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    let mut next = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Each value in f64.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Each value rounded to `precision`, in f64.
pub fn rounded(values: &[f32], precision: Precision) -> Vec<f64> {
    values.iter().map(|&value| round(f64::from(value), precision)).collect()
}

/// `value` rounded to `precision`.
pub fn round(value: f64, precision: Precision) -> f64 {
    match precision {
        Precision::F32 => f64::from(value as f32),
        Precision::Bf16 => f64::from(bf16::from_f32(value as f32).to_f32()),
    }
}

/// The values of a view, row major, rounded to `precision`.
pub fn dense(view: &MatrixView<'_>, precision: Precision) -> Vec<f64> {
    let at = |row: usize, column: usize| value_at(&view.elements, row * view.row_stride + column * view.column_stride);
    (0..view.rows)
        .flat_map(|row| (0..view.columns).map(move |column| (row, column)))
        .map(|(row, column)| round(f64::from(at(row, column)), precision))
        .collect()
}

/// `a [m, k] · b [k, n]`.
pub fn matmul(a: &[f64], b: &[f64], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for row in 0..m {
        for inner in 0..k {
            for column in 0..n {
                out[row * n + column] += a[row * k + inner] * b[inner * n + column];
            }
        }
    }
    out
}

/// What [`crate::gemm::gemm`] stores for `sums [m, n]`, where the output held `old`.
pub fn finish(sums: &[f64], n: usize, epilogue: &Epilogue<'_>, old: &[f32]) -> Vec<f64> {
    sums.iter()
        .enumerate()
        .map(|(index, sum)| {
            let (row, column) = (index / n, index % n);
            let mut value = sum + epilogue.bias.map_or(0.0, |bias| f64::from(bias[column]));
            value = activation(epilogue.activation, value);
            if let Some(gate) = &epilogue.gate {
                value *= f64::from(gate.values[row / gate.rows_per_group * n + column]);
            }
            value += epilogue.residual.map_or(0.0, |residual| f64::from(residual[index]));
            match epilogue.accumulate {
                Accumulate::Replace => value,
                Accumulate::Add => value + f64::from(old[index]),
            }
        })
        .collect()
}

/// An activation's value.
pub fn activation(function: Activation, x: f64) -> f64 {
    match function {
        Activation::Identity => x,
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::GeluErf => 0.5 * x * (1.0 + error_function(x / std::f64::consts::SQRT_2)),
        Activation::GeluTanh => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
    }
}

/// `erf(x) = 2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!`: all terms have one sign, so nothing cancels.
fn error_function(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..400 {
        term *= 2.0 * x * x / (2.0 * f64::from(n) + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// Calls `visit(output pixel, input pixel, tap)` for every pair that a convolution connects.
fn for_each_tap(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let mut pixel = 0;
    for picture in 0..shape.batch {
        for row in 0..shape.out_height() {
            for column in 0..shape.out_width() {
                for tap in 0..shape.kernel * shape.kernel {
                    let (y, x) = (row * shape.stride + tap / shape.kernel, column * shape.stride + tap % shape.kernel);
                    let inside = |position: usize, padding: usize, limit: usize| position.checked_sub(padding).filter(|at| *at < limit);
                    if let (Some(y), Some(x)) = (inside(y, shape.padding.top, shape.height), inside(x, shape.padding.left, shape.width)) {
                        visit(pixel, (picture * shape.height + y) * shape.width + x, tap);
                    }
                }
                pixel += 1;
            }
        }
    }
}

/// Convolution of `x [batch, height, width, inputs]` with `weight [outputs, inputs, kernel, kernel]`.
pub fn conv2d(x: &[f64], weight: &[f64], shape: &ConvShape) -> Vec<f64> {
    let (inputs, outputs, taps) = (shape.in_channels, shape.out_channels, shape.kernel * shape.kernel);
    let mut out = vec![0.0; shape.out_pixels() * outputs];
    for_each_tap(shape, |to, from, tap| {
        for output in 0..outputs {
            for input in 0..inputs {
                out[to * outputs + output] += x[from * inputs + input] * weight[(output * inputs + input) * taps + tap];
            }
        }
    });
    out
}

/// Gradient of the input of [`conv2d`].
pub fn conv2d_input_gradient(dy: &[f64], weight: &[f64], shape: &ConvShape) -> Vec<f64> {
    let (inputs, outputs, taps) = (shape.in_channels, shape.out_channels, shape.kernel * shape.kernel);
    let mut dx = vec![0.0; shape.batch * shape.height * shape.width * inputs];
    for_each_tap(shape, |to, from, tap| {
        for output in 0..outputs {
            for input in 0..inputs {
                dx[from * inputs + input] += dy[to * outputs + output] * weight[(output * inputs + input) * taps + tap];
            }
        }
    });
    dx
}

/// Gradient of the weight of [`conv2d`].
pub fn conv2d_weight_gradient(x: &[f64], dy: &[f64], shape: &ConvShape) -> Vec<f64> {
    let (inputs, outputs, taps) = (shape.in_channels, shape.out_channels, shape.kernel * shape.kernel);
    let mut dw = vec![0.0; outputs * inputs * taps];
    for_each_tap(shape, |to, from, tap| {
        for output in 0..outputs {
            for input in 0..inputs {
                dw[(output * inputs + input) * taps + tap] += dy[to * outputs + output] * x[from * inputs + input];
            }
        }
    });
    dw
}

/// Attention, the probabilities rounded to `precision` before they meet the values.
pub fn attention(q: &[f64], k: &[f64], v: &[f64], shape: &AttentionShape<'_>, precision: Precision) -> Vec<f64> {
    let (heads, key_heads, width) = (shape.heads, shape.key_value_heads, shape.head_dimension);
    let mut out = vec![0.0; q.len()];
    for sample in 0..shape.batch {
        for query in 0..shape.query_length {
            let seen = match shape.mask {
                Mask::None => shape.key_length,
                Mask::Causal { offset } => shape.key_length.min(query + offset + 1),
                Mask::KeyLengths(lengths) => lengths[sample],
            };
            for head in 0..heads {
                let at = ((sample * shape.query_length + query) * heads + head) * width;
                let key_at = |key: usize| ((sample * shape.key_length + key) * key_heads + head / (heads / key_heads)) * width;
                let logit = |key: usize| f64::from(shape.scale) * (0..width).map(|d| q[at + d] * k[key_at(key) + d]).sum::<f64>();
                let logits: Vec<f64> = (0..seen).map(logit).collect();
                let maximum = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logits.iter().map(|logit| (logit - maximum).exp()).sum();
                for (key, logit) in logits.iter().enumerate() {
                    let exact = (logit - maximum).exp() / total;
                    let probability = if precision == Precision::F32 { exact } else { round(exact, precision) };
                    for d in 0..width {
                        out[at + d] += probability * v[key_at(key) + d];
                    }
                }
            }
        }
    }
    out
}

/// Slope of `function` along each coordinate of `at`, by central differences.
pub fn numeric_gradient(at: &[f64], function: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-4;
    let mut point = at.to_vec();
    (0..at.len())
        .map(|index| {
            point[index] = at[index] + STEP;
            let above = function(&point);
            point[index] = at[index] - STEP;
            let below = function(&point);
            point[index] = at[index];
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

/// `Σ a · b`.
pub fn inner_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Panics where `got` is further from `want` than `tolerance · (1 + |want|)`.
pub fn assert_close(got: &[f32], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: sizes");
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let distance = (f64::from(*got) - want).abs();
        assert!(distance <= tolerance * (1.0 + want.abs()), "{what}: value {index} is {got}, the twin says {want}");
    }
}
