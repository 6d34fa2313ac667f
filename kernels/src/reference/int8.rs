//! Twins of the 8-bit products, equal to the kernels bit for bit.

use crate::conv::ConvShape;
use crate::element::Activation;
use crate::gemm::{Accumulate, Epilogue};
use crate::int8::ChannelSteps;

/// A row as integers in -127..=127, and what one step stands for.
pub fn quantize(values: &[f32]) -> (Vec<i64>, f32) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if values.iter().any(|value| !value.is_finite()) {
        return (vec![0; values.len()], f32::NAN);
    }
    if largest < 1e-30 {
        return (vec![0; values.len()], 0.0);
    }
    let factor = 127.0 / largest;
    (values.iter().map(|value| (value * factor).round_ties_even() as i64).collect(), largest / 127.0)
}

/// What [`crate::int8::gemm`] stores for rows of `k` values, columns of as many, and an output that held `old`.
pub fn quantized_product(rows: &[f32], columns: &[f32], k: usize, epilogue: &Epilogue<'_>, old: &[f32]) -> Vec<f32> {
    let quantized = |values: &[f32]| -> Vec<(Vec<i64>, f32)> { values.chunks_exact(k).map(quantize).collect() };
    let (rows, columns) = (quantized(rows), quantized(columns));
    let n = columns.len();
    let mut out = Vec::with_capacity(rows.len() * n);
    for (row, (a, row_scale)) in rows.iter().enumerate() {
        for (column, (b, column_scale)) in columns.iter().enumerate() {
            let sum: i64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let mut value = sum as f32 * column_scale * row_scale;
            value += epilogue.bias.map_or(0.0, |bias| bias[column]);
            if epilogue.activation != Activation::Identity {
                value = epilogue.activation.apply(value);
            }
            if let Some(gate) = &epilogue.gate {
                value *= gate.values[row / gate.rows_per_group * n + column];
            }
            value += epilogue.residual.map_or(0.0, |residual| residual[row * n + column]);
            if epilogue.accumulate == Accumulate::Add {
                value += old[row * n + column];
            }
            out.push(value);
        }
    }
    out
}

/// The filter bank of [`crate::int8::conv2d`].
#[derive(Debug, Clone, Copy)]
pub struct IntegerFilter<'a> {
    /// `[outputs, inputs, kernel, kernel]`.
    pub values: &'a [i8],
    /// `[outputs]`.
    pub scales: &'a [f32],
    /// What activations become.
    pub steps: &'a ChannelSteps,
}

/// What [`crate::int8::conv2d`] stores for finite pictures, without an epilogue.
pub fn quantized_convolution(x: &[f32], filter: &IntegerFilter<'_>, shape: &ConvShape) -> Vec<f32> {
    let ConvShape { height, width, in_channels: channels, out_channels: outputs, kernel, stride, padding, .. } = *shape;
    let integer = |picture: usize, y: usize, x_: usize, channel: usize| {
        let zero = filter.steps.zeros[channel];
        let value = x[((picture * height + y) * width + x_) * channels + channel] * filter.steps.factors[channel] + f32::from(zero);
        value.round_ties_even().clamp(0.0, 255.0) as i64 - i64::from(zero)
    };
    let mut out = Vec::with_capacity(shape.out_pixels() * outputs);
    for pixel in 0..shape.out_pixels() {
        let (column, row) = (pixel % shape.out_width(), pixel / shape.out_width() % shape.out_height());
        let picture = pixel / shape.out_width() / shape.out_height();
        for output in 0..outputs {
            let mut sum = 0_i64;
            for tap in 0..kernel * kernel {
                let (y, x_) =
                    ((row * stride + tap / kernel).wrapping_sub(padding.top), (column * stride + tap % kernel).wrapping_sub(padding.left));
                if y >= height || x_ >= width {
                    continue;
                }
                for channel in 0..channels {
                    let weight = filter.values[(output * channels + channel) * kernel * kernel + tap];
                    sum += integer(picture, y, x_, channel) * i64::from(weight);
                }
            }
            out.push(sum as f32 * filter.scales[output]);
        }
    }
    out
}
