//! Rotary embeddings in the half-split form.

use crate::elementwise::parallel_parts;
use crate::shared::SharedSlice;

/// Sizes of a rotary embedding of `x [batch, tokens, heads, dimension]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RopeShape {
    /// Batch × tokens.
    pub rows: usize,
    /// Rows of the tables: `tokens`, or `batch × tokens`; row `r` of `x` uses row `r mod table_rows`.
    pub table_rows: usize,
    /// Heads that share a row's angles.
    pub heads: usize,
    /// Values of a head.
    pub dimension: usize,
    /// Leading values that are rotated; even.
    pub rotary: usize,
}

/// `out = x * cos + concat(-x₂, x₁) * sin` over the first `rotary` values of each head, the rest copied. `cos` and `sin` are
/// `[table_rows, rotary]` and need not repeat in their second half.
pub fn rotate_half(x: &[f32], cos: &[f32], sin: &[f32], shape: &RopeShape, out: &mut [f32]) {
    for_each_head(x, (cos, sin), shape, out, |x, cos, sin, out| {
        let half = cos.len() / 2;
        for d in 0..half {
            out[d] = x[d] * cos[d] - x[d + half] * sin[d];
            out[d + half] = x[d + half] * cos[d + half] + x[d] * sin[d + half];
        }
    });
}

/// The transpose of [`rotate_half`]: from the gradient of its result to that of its input.
pub fn rotate_half_backward(dy: &[f32], cos: &[f32], sin: &[f32], shape: &RopeShape, dx: &mut [f32]) {
    for_each_head(dy, (cos, sin), shape, dx, |dy, cos, sin, dx| {
        let half = cos.len() / 2;
        for d in 0..half {
            dx[d] = dy[d] * cos[d] + dy[d + half] * sin[d + half];
            dx[d + half] = dy[d + half] * cos[d + half] - dy[d] * sin[d];
        }
    });
}

fn for_each_head(
    x: &[f32],
    (cos, sin): (&[f32], &[f32]),
    shape: &RopeShape,
    out: &mut [f32],
    rotate: impl Fn(&[f32], &[f32], &[f32], &mut [f32]) + Sync,
) {
    const ROWS: usize = 32;
    let width = shape.heads * shape.dimension;
    assert!(x.len() == shape.rows * width && out.len() == x.len() && shape.rotary <= shape.dimension && shape.rotary.is_multiple_of(2));
    assert!(cos.len() == shape.table_rows * shape.rotary && sin.len() == cos.len());
    let shared = SharedSlice::new(out);
    parallel_parts(shape.rows, ROWS, &|first, count| {
        for row in first..first + count {
            let table = row % shape.table_rows * shape.rotary..row % shape.table_rows * shape.rotary + shape.rotary;
            // SAFETY: rows are disjoint.
            let out = unsafe { shared.range(row * width, width) };
            for (x, out) in x[row * width..][..width].chunks_exact(shape.dimension).zip(out.chunks_exact_mut(shape.dimension)) {
                rotate(&x[..shape.rotary], &cos[table.clone()], &sin[table.clone()], &mut out[..shape.rotary]);
                out[shape.rotary..].copy_from_slice(&x[shape.rotary..]);
            }
        }
    });
}
