//! What the operations mean, as plain loops in f64.
use engine::{Activation, Padding};
use half::bf16;
use spec::RunPrecision;

/// Rounds an operand as a run of this precision does.
pub fn rounded(values: &[f32], precision: RunPrecision) -> Vec<f64> {
    let round = |value: &f32| match precision {
        RunPrecision::F32 => f64::from(*value),
        // The suite's weights are not among those that an int8 run quantises.
        RunPrecision::Bf16 | RunPrecision::Int8 => bf16::from_f32(*value).to_f64(),
    };
    values.iter().map(round).collect()
}

pub fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

pub fn activation(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::GeluErf => 0.5 * x * (1.0 + error_function(x / 2.0_f64.sqrt())),
        Activation::GeluTanh => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
    }
}

/// By its Taylor series, which converges for every argument of a test.
fn error_function(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

/// `x [rows, inputs] · weight [outputs, inputs]ᵀ`.
pub fn linear(x: &[f64], weight: &[f64], (inputs, outputs): (usize, usize)) -> Vec<f64> {
    let product = |row: &[f64], column: &[f64]| row.iter().zip(column).map(|(a, b)| a * b).sum();
    x.chunks(inputs).flat_map(|row| (0..outputs).map(move |output| product(row, &weight[output * inputs..][..inputs]))).collect()
}

/// `x` NHWC, `weight [outputs, inputs, kernel, kernel]`; sizes are (batch, height, width, inputs) and (outputs, kernel, stride).
pub fn conv2d(
    x: &[f64],
    weight: &[f64],
    (batch, height, width, inputs): (usize, usize, usize, usize),
    (outputs, kernel, stride): (usize, usize, usize),
    padding: Padding,
) -> Vec<f64> {
    let out_height = (height + padding.top + padding.bottom - kernel) / stride + 1;
    let out_width = (width + padding.left + padding.right - kernel) / stride + 1;
    let mut result = Vec::new();
    for picture in 0..batch {
        for (row, column, output) in indices(out_height, out_width, outputs) {
            let mut sum = 0.0;
            for (y, x_tap, input) in indices(kernel, kernel, inputs) {
                let source_row = (row * stride + y).checked_sub(padding.top).filter(|&at| at < height);
                let source_column = (column * stride + x_tap).checked_sub(padding.left).filter(|&at| at < width);
                if let (Some(source_row), Some(source_column)) = (source_row, source_column) {
                    let value = x[((picture * height + source_row) * width + source_column) * inputs + input];
                    sum += value * weight[((output * inputs + input) * kernel + y) * kernel + x_tap];
                }
            }
            result.push(sum);
        }
    }
    result
}

pub fn indices(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |index| (index / (b * c), index / c % b, index % c))
}

/// Scales values to zero mean and unit variance, or to unit root mean square.
pub fn normalised(values: &[f64], centred: bool, epsilon: f64) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = if centred { values.iter().sum::<f64>() / count } else { 0.0 };
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    values.iter().map(|value| (value - mean) / (variance + epsilon).sqrt()).collect()
}

/// One head of one sample: `query [queries, width]`, `key` and `value` `[keys, width]`; query `i` sees `visible(i)` keys.
pub fn attention(query: &[f64], key: &[f64], value: &[f64], width: usize, scale: f64, visible: impl Fn(usize) -> usize) -> Vec<f64> {
    let mut result = Vec::new();
    for (index, query) in query.chunks(width).enumerate() {
        let keys = visible(index);
        let dot = |key: &[f64]| query.iter().zip(key).map(|(a, b)| a * b).sum::<f64>() * scale;
        let logits: Vec<f64> = key.chunks(width).take(keys).map(dot).collect();
        let weights: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
        let total: f64 = weights.iter().sum();
        result.extend((0..width).map(|channel| {
            let sum: f64 = weights.iter().enumerate().map(|(key, weight)| weight * value[key * width + channel]).sum();
            if keys == 0 { 0.0 } else { sum / total }
        }));
    }
    result
}
