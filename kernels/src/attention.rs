//! Scaled dot-product attention. A task owns one head of one sample (and, forward, one block of queries); products run through the
//! matrix micro-kernel, the softmax over exactly the keys that a query may see. So a query's bits depend neither on its
//! neighbours nor on how many masked keys follow.

mod backward;

pub use backward::{AttentionOperands, attention_backward};

use crate::element::{Elements, Precision};
use crate::gemm::{Epilogue, gemm};
use crate::matrix::{MatrixView, PackedMatrix};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;
use std::cell::RefCell;

/// Queries of a task: their logits against a few thousand keys stay in L2.
const QUERIES: usize = 96;

/// Which keys a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask<'a> {
    /// All.
    None,
    /// Query `i` sees keys `0..=i + offset`.
    Causal {
        /// Keys before the first query.
        offset: usize,
    },
    /// In sample `b`, the first `lengths[b]` keys.
    KeyLengths(&'a [usize]),
}

/// Sizes of an attention: `q [batch, query_length, heads, head_dimension]`, `k` and `v` `[batch, key_length, key_value_heads, head_dimension]`.
#[derive(Debug, Clone, Copy)]
pub struct AttentionShape<'a> {
    /// Samples.
    pub batch: usize,
    /// Heads of the queries; a multiple of `key_value_heads`.
    pub heads: usize,
    /// Heads of keys and values.
    pub key_value_heads: usize,
    /// Queries of a sample.
    pub query_length: usize,
    /// Keys of a sample.
    pub key_length: usize,
    /// Values of a head.
    pub head_dimension: usize,
    /// Multiplies the logits.
    pub scale: f32,
    /// Which keys count.
    pub mask: Mask<'a>,
}

impl AttentionShape<'_> {
    /// Keys that query `query` of sample `sample` sees.
    fn visible(&self, sample: usize, query: usize) -> usize {
        match self.mask {
            Mask::None => self.key_length,
            Mask::Causal { offset } => (query + offset + 1).min(self.key_length),
            Mask::KeyLengths(lengths) => lengths[sample].min(self.key_length),
        }
    }

    /// Leading keys of sample `sample` that take part at all: what lies behind them is padding and never read.
    fn sample_keys(&self, sample: usize) -> usize {
        match self.mask {
            Mask::KeyLengths(lengths) => lengths[sample].min(self.key_length),
            Mask::None | Mask::Causal { .. } => self.key_length,
        }
    }

    fn check(&self, q: &[f32], k: &[f32], v: &[f32]) {
        assert_eq!(q.len(), self.batch * self.query_length * self.heads * self.head_dimension, "queries");
        assert_eq!(k.len(), self.batch * self.key_length * self.key_value_heads * self.head_dimension, "keys");
        assert_eq!(v.len(), k.len(), "values");
        assert!(self.key_value_heads > 0 && self.heads.is_multiple_of(self.key_value_heads), "query heads must share key heads evenly");
    }

    /// One head's rows of a query-shaped buffer.
    fn query_view<'b>(&self, values: &'b [f32], sample: usize, head: usize, (first, count): (usize, usize)) -> MatrixView<'b> {
        let width = self.heads * self.head_dimension;
        let start = (sample * self.query_length + first) * width + head * self.head_dimension;
        MatrixView::strided(Elements::F32(&values[start.min(values.len())..]), (count, self.head_dimension), (width, 1))
    }

    /// One head's rows of a key-shaped buffer, without the padding.
    fn key_view<'b>(&self, values: &'b [f32], sample: usize, head: usize) -> MatrixView<'b> {
        let width = self.key_value_heads * self.head_dimension;
        let start = sample * self.key_length * width + head * self.head_dimension;
        MatrixView::strided(Elements::F32(&values[start.min(values.len())..]), (self.sample_keys(sample), self.head_dimension), (width, 1))
    }
}

vectorised! {
    /// Softmax of `scale * row[..visible]` in place; the rest becomes zero.
    fn softmax(row: &mut [f32], visible: usize, scale: f32) {
        let (seen, hidden) = row.split_at_mut(visible);
        hidden.fill(0.0);
        let mut lanes = [f32::NEG_INFINITY; 16];
        for chunk in seen.chunks(16) { for (lane, value) in lanes.iter_mut().zip(chunk) { *lane = lane.max(value * scale); } }
        let maximum = lanes.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        for value in seen.iter_mut() { *value = crate::element::exponential(*value * scale - maximum); }
        let factor = 1.0 / crate::elementwise::sum(seen);
        for value in seen.iter_mut() { *value *= factor; }
    }
}

thread_local! { static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) }; }

/// `out[query] = Σ softmax(scale · q·k) v`, `out` shaped as `q`; operands of both products are rounded to `precision`. A query that
/// sees no key gets zeros.
pub fn attention(q: &[f32], k: &[f32], v: &[f32], (shape, precision): (&AttentionShape<'_>, Precision), out: &mut [f32]) {
    shape.check(q, k, v);
    assert_eq!(out.len(), q.len(), "output");
    let width = shape.head_dimension;
    let group = shape.heads / shape.key_value_heads;
    let packed = pack_heads(k, v, shape, precision);
    let blocks = shape.query_length.div_ceil(QUERIES);
    let shared = SharedSlice::new(out);
    parallel_for(shape.batch * shape.heads * blocks, &|task| {
        let (block, head, sample) = (task % blocks, task / blocks % shape.heads, task / blocks / shape.heads);
        let first = block * QUERIES;
        let count = QUERIES.min(shape.query_length - first);
        let (key_matrix, value_matrix) = &packed[sample * shape.key_value_heads + head / group];
        let keys = shape.sample_keys(sample);
        SCRATCH.with_borrow_mut(|(logits, result)| {
            logits.resize(count * keys, 0.0);
            result.resize(count * width, 0.0);
            gemm(&shape.query_view(q, sample, head, (first, count)), key_matrix, &Epilogue::default(), logits);
            for (offset, row) in logits.chunks_exact_mut(keys.max(1)).enumerate() {
                softmax(row, shape.visible(sample, first + offset), shape.scale);
            }
            gemm(&MatrixView::new(logits, count, keys), value_matrix, &Epilogue::default(), result);
            for (offset, row) in result.chunks_exact(width.max(1)).enumerate() {
                let at = ((sample * shape.query_length + first + offset) * shape.heads + head) * width;
                // SAFETY: each task writes its own head of its own queries.
                unsafe { shared.range(at, width) }.copy_from_slice(row);
            }
        });
    });
}

/// Packed keys (transposed) and values of every sample's heads.
fn pack_heads(k: &[f32], v: &[f32], shape: &AttentionShape<'_>, precision: Precision) -> Vec<(PackedMatrix, PackedMatrix)> {
    let mut packed: Vec<Option<(PackedMatrix, PackedMatrix)>> = vec![None; shape.batch * shape.key_value_heads];
    let shared = SharedSlice::new(&mut packed);
    parallel_for(shape.batch * shape.key_value_heads, &|index| {
        let (sample, head) = (index / shape.key_value_heads, index % shape.key_value_heads);
        let keys = PackedMatrix::pack(&shape.key_view(k, sample, head).transposed(), precision);
        let values = PackedMatrix::pack(&shape.key_view(v, sample, head), precision);
        // SAFETY: one slot for each index.
        let slot = unsafe { shared.range(index, 1) };
        slot[0] = Some((keys, values));
    });
    packed.into_iter().flatten().collect()
}
