//! Scaled dot-product attention. A task owns one head of one sample (and, forward, one block of queries); products run through the
//! matrix micro-kernel, the softmax over exactly the keys that a query may see. So a query's bits depend neither on its
//! neighbours nor on how many masked keys follow.

mod backward;
mod forward;
mod softmax;
mod strips;

pub use backward::{AttentionOperands, attention_backward};
pub use forward::attention;

use crate::element::{Elements, Precision};
use crate::gemm::expansion::expands;
use crate::matrix::{MatrixView, PackedMatrix};

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

/// Makes room for `length` values, old ones left in place.
fn room<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    &mut buffer[..length]
}

/// The right-hand side of products whose left-hand sides have `rows` rows in all.
fn operand(b: &MatrixView<'_>, precision: Precision, rows: usize) -> PackedMatrix {
    let packed = PackedMatrix::pack(b, precision);
    if expands(precision, rows) { packed.expanded() } else { packed }
}
