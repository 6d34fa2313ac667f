use super::{AttentionShape, softmax};
use crate::element::Precision;
use crate::elementwise::dot;
use crate::gemm::{Epilogue, gemm};
use crate::matrix::{MatrixView, PackedMatrix};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;

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
    let (queries, width) = (shape.query_length, shape.head_dimension);
    let group = shape.heads / shape.key_value_heads;
    let (dq, dk, dv) = (SharedSlice::new(dq), SharedSlice::new(dk), SharedSlice::new(dv));
    let plain = Epilogue::default();
    let pack = |view: &MatrixView<'_>| PackedMatrix::pack(view, precision);
    parallel_for(shape.batch * shape.key_value_heads, &|task| {
        let (sample, key_head) = (task / shape.key_value_heads, task % shape.key_value_heads);
        let keys = shape.sample_keys(sample);
        let (key_view, value_view) = (shape.key_view(k, sample, key_head), shape.key_view(v, sample, key_head));
        let (key_columns, key_rows, value_columns) = (pack(&key_view.transposed()), pack(&key_view), pack(&value_view.transposed()));
        let (mut probabilities, mut slopes) = (vec![0.0; queries * keys], vec![0.0; queries * keys]);
        let (mut key_sum, mut value_sum) = (vec![0.0; shape.key_length * width], vec![0.0; shape.key_length * width]);
        let (mut part, mut query_part) = (vec![0.0; keys * width], vec![0.0; queries * width]);
        for head in key_head * group..(key_head + 1) * group {
            let query_view = shape.query_view(q, sample, head, (0, queries));
            let out_view = shape.query_view(d_out, sample, head, (0, queries));
            gemm(&query_view, &key_columns, &plain, &mut probabilities);
            gemm(&out_view, &value_columns, &plain, &mut slopes);
            for (query, (row, slope)) in probabilities.chunks_exact_mut(keys.max(1)).zip(slopes.chunks_exact_mut(keys.max(1))).enumerate() {
                softmax(row, shape.visible(sample, query), shape.scale);
                let along = dot(row, slope);
                for (slope, probability) in slope.iter_mut().zip(row.iter()) {
                    *slope = shape.scale * probability * (*slope - along);
                }
            }
            gemm(&MatrixView::new(&probabilities, queries, keys).transposed(), &pack(&out_view), &plain, &mut part);
            value_sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
            gemm(&MatrixView::new(&slopes, queries, keys).transposed(), &pack(&query_view), &plain, &mut part);
            key_sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
            gemm(&MatrixView::new(&slopes, queries, keys), &key_rows, &plain, &mut query_part);
            for (query, row) in query_part.chunks_exact(width).enumerate() {
                // SAFETY: each task writes its own heads.
                unsafe { dq.range(((sample * queries + query) * shape.heads + head) * width, width) }.copy_from_slice(row);
            }
        }
        for (key, (key_row, value_row)) in key_sum.chunks_exact(width).zip(value_sum.chunks_exact(width)).enumerate() {
            let at = ((sample * shape.key_length + key) * shape.key_value_heads + key_head) * width;
            // SAFETY: each task writes its own key head.
            unsafe { dk.range(at, width) }.copy_from_slice(key_row);
            // SAFETY: as above.
            unsafe { dv.range(at, width) }.copy_from_slice(value_row);
        }
    });
}
