//! Twins of the 8-bit products, equal to the kernels bit for bit.

use crate::element::Activation;
use crate::gemm::{Accumulate, Epilogue};

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
