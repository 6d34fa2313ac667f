use super::{AttentionShape, operand, room};
use crate::element::Precision;
use crate::elementwise::dot;
use crate::gemm::expansion::expand;
use crate::gemm::packing::pack_rows;
use crate::gemm::{Accumulate, Epilogue, gemm, multiply_words};
use crate::matrix::{MatrixView, PackedMatrix, groups};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;
use std::cell::RefCell;

/// Queries of a block, a multiple of the tiles' heights, while few keys leave room for them.
const QUERIES: usize = 96;
/// Logits of a block that stay in L2 together with the keys and values: more keys make smaller blocks. The order in which gradients
/// are summed depends on both.
const LOGITS: usize = 98_304;

/// Operands of an attention whose gradients are wanted.
#[derive(Debug, Clone, Copy)]
pub struct AttentionOperands<'a> {
    /// `[batch, query_length, heads, head_dimension]`.
    pub q: &'a [f32],
    /// `[batch, key_length, key_value_heads, head_dimension]`.
    pub k: &'a [f32],
    /// As `k`.
    pub v: &'a [f32],
}

vectorised! {
    /// Replaces the first `visible` values of a row by `exp(scale · value - maximum)`, the rest by zero; returns their sum.
    fn exponentials(row: &mut [f32], visible: usize, scale: f32) -> f32 {
        let (seen, hidden) = row.split_at_mut(visible);
        hidden.fill(0.0);
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let mut lanes = [f32::NEG_INFINITY; 64];
        let (wide, narrow) = seen.as_chunks::<64>();
        for values in wide {
            for lane in 0..64 { lanes[lane] = larger(lanes[lane], values[lane] * scale); }
        }
        for (lane, value) in lanes.iter_mut().zip(narrow) { *lane = larger(*lane, value * scale); }
        let mut maximum = f32::NEG_INFINITY;
        for lane in lanes { maximum = larger(maximum, lane); }
        let (chunks, rest) = seen.as_chunks_mut::<16>();
        let mut sums = [0.0; 16];
        for chunk in chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *value = crate::element::exponential(value.mul_add(scale, -maximum));
                *sum += *value;
            }
        }
        for (sum, value) in sums.iter_mut().zip(rest) {
            *value = crate::element::exponential(value.mul_add(scale, -maximum));
            *sum += *value;
        }
        sums.iter().sum()
    }

    /// From exponentials and their factor, and the gradient of the probabilities, to probabilities and the gradient of the products
    /// of queries and keys.
    fn softmax_gradient(exponentials: &mut [f32], factor: f32, slopes: &mut [f32], scale: f32) {
        for value in exponentials.iter_mut() { *value *= factor; }
        let along = dot(exponentials, slopes);
        for (slope, probability) in slopes.iter_mut().zip(exponentials.iter()) { *slope = scale * probability * (*slope - along); }
    }
}

/// Replaces `dq`, `dk` and `dv` by the gradients of the operands, given that of the output. Probabilities are computed again; one
/// task owns one key head of one sample, so every sum has one order.
pub fn attention_backward(
    operands: &AttentionOperands<'_>,
    d_out: &[f32],
    (shape, precision): (&AttentionShape<'_>, Precision),
    (dq, dk, dv): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let AttentionOperands { q, k, v } = *operands;
    shape.check(q, k, v);
    assert!(d_out.len() == q.len() && dq.len() == q.len() && dk.len() == k.len() && dv.len() == v.len());
    let width = shape.head_dimension;
    let group = shape.heads / shape.key_value_heads;
    let block = (LOGITS / shape.key_length.max(1)).clamp(12, QUERIES) / 12 * 12;
    let (dq, dk, dv) = (SharedSlice::new(dq), SharedSlice::new(dk), SharedSlice::new(dv));
    let add = Epilogue { accumulate: Accumulate::Add, ..Epilogue::default() };
    let pack = |view: &MatrixView<'_>| operand(view, precision, shape.query_length);
    parallel_for(shape.batch * shape.key_value_heads, &|task| {
        let (sample, key_head) = (task / shape.key_value_heads, task % shape.key_value_heads);
        let (key_view, value_view) = (shape.key_view(k, sample, key_head), shape.key_view(v, sample, key_head));
        let (key_columns, key_rows, value_columns) = (pack(&key_view.transposed()), pack(&key_view), pack(&value_view.transposed()));
        let (mut d_keys, mut d_values) = (vec![0.0; shape.key_length * width], vec![0.0; shape.key_length * width]);
        let (mut queries, mut outputs) = (PackedMatrix::empty(precision), PackedMatrix::empty(precision));
        let mut d_queries = vec![0.0; block * width];
        for head in key_head * group..(key_head + 1) * group {
            for first in (0..shape.query_length).step_by(block) {
                let count = block.min(shape.query_length - first);
                let keys = shape.visible(sample, first + count - 1);
                let query_view = shape.query_view(q, sample, head, (first, count));
                let out_view = shape.query_view(d_out, sample, head, (first, count));
                SCRATCH.with_borrow_mut(|Scratch { logits, slopes, words, expanded, .. }| {
                    let (logits, slopes) = (room(logits, count * keys), room(slopes, count * keys));
                    product(&query_view, &key_columns, precision, (keys, words, expanded), logits);
                    product(&out_view, &value_columns, precision, (keys, words, expanded), slopes);
                    for (offset, (row, slopes)) in
                        logits.chunks_exact_mut(keys.max(1)).zip(slopes.chunks_exact_mut(keys.max(1))).enumerate()
                    {
                        let visible = shape.visible(sample, first + offset);
                        let sum = exponentials(row, visible, shape.scale);
                        softmax_gradient(row, if sum > 0.0 { 1.0 / sum } else { 0.0 }, slopes, shape.scale);
                    }
                    queries.pack_into(&query_view);
                    outputs.pack_into(&out_view);
                    let (d_keys, d_values) = (&mut d_keys[..keys * width], &mut d_values[..keys * width]);
                    gemm(&MatrixView::new(logits, count, keys).transposed(), &outputs, &add, d_values);
                    gemm(&MatrixView::new(slopes, count, keys).transposed(), &queries, &add, d_keys);
                    product(&MatrixView::new(slopes, count, keys), &key_rows, precision, (width, words, expanded), &mut d_queries);
                });
                for (offset, row) in d_queries.chunks_exact(width.max(1)).take(count).enumerate() {
                    // SAFETY: each task writes its own heads.
                    unsafe { dq.range(((sample * shape.query_length + first + offset) * shape.heads + head) * width, width) }
                        .copy_from_slice(row);
                }
            }
        }
        for (key, (key_row, value_row)) in d_keys.chunks_exact(width.max(1)).zip(d_values.chunks_exact(width.max(1))).enumerate() {
            let at = ((sample * shape.key_length + key) * shape.key_value_heads + key_head) * width;
            // SAFETY: each task writes its own key head.
            unsafe { dk.range(at, width) }.copy_from_slice(key_row);
            // SAFETY: as above.
            unsafe { dv.range(at, width) }.copy_from_slice(value_row);
        }
    });
}

/// What a task computes in; kept by its thread.
#[derive(Default)]
struct Scratch {
    logits: Vec<f32>,
    slopes: Vec<f32>,
    words: Vec<u32>,
    expanded: Vec<u32>,
}

thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default()); }

/// `out [rows, columns] = a · b` for the first `columns` columns of `b`, `a` rounded to `precision`; `a` may have fewer columns than `b`
/// has rows.
fn product(
    a: &MatrixView<'_>,
    b: &PackedMatrix,
    precision: Precision,
    (columns, words, expanded): (usize, &mut Vec<u32>, &mut Vec<u32>),
    out: &mut [f32],
) {
    let words = room(words, a.rows * groups(a.columns, precision));
    pack_rows(a, (0, a.rows), precision, (words, groups(a.columns, precision)));
    let panel = if b.precision() == precision { words } else { expand(words, 1, expanded) };
    multiply_words(panel, (a.rows, panel.len() / a.rows.max(1)), b, columns, &mut |row, column, sums| {
        out[row * columns + column..][..sums.len()].copy_from_slice(sums);
    });
}
