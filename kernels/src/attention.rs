//! Scaled dot-product attention. A task owns one head of one sample (and, forward, one block of queries); products run through the
//! matrix micro-kernel, the softmax over exactly the keys that a query may see. So a query's bits depend neither on its
//! neighbours nor on how many masked keys follow.

mod backward;

pub use backward::{AttentionOperands, attention_backward};

use crate::element::{Elements, Precision};
use crate::gemm::expansion::{expand, expands};
use crate::gemm::multiply_words;
use crate::gemm::packing::{pack_rows, pack_run};
use crate::matrix::{MatrixView, PackedMatrix, groups};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;
use std::cell::RefCell;

/// Queries of a block; a multiple of the tiles.
const QUERIES: usize = 96;
/// Logits of a block that stay in L2 together with the keys and values: more keys make smaller blocks.
const LOGITS: usize = 98_304;

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

    /// Queries that are treated together. No query's bits depend on it; the order in which gradients are summed does.
    fn block(&self) -> usize {
        (LOGITS / self.key_length.max(1)).clamp(12, QUERIES) / 12 * 12
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

    fn scale_into(values: &[f32], factor: f32, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) { *out = value * factor; }
    }
}

/// What a task computes in; kept by its thread.
#[derive(Default)]
struct Scratch {
    logits: Vec<f32>,
    slopes: Vec<f32>,
    words: Vec<u32>,
    expanded: Vec<u32>,
    factors: Vec<f32>,
}

thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default()); }

/// Makes room for `length` values, old ones left in place.
fn room<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    &mut buffer[..length]
}

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
    pack_rows(a, (0, a.rows), precision, words);
    let panel = as_in(b, precision, words, expanded);
    multiply_words(panel, (a.rows, panel.len() / a.rows.max(1)), b, columns, &mut |row, column, sums| {
        out[row * columns + column..][..sums.len()].copy_from_slice(sums);
    });
}

/// The right-hand side of products whose left-hand sides have `rows` rows in all.
fn operand(b: &MatrixView<'_>, precision: Precision, rows: usize) -> PackedMatrix {
    let packed = PackedMatrix::pack(b, precision);
    if expands(precision, rows) { packed.expanded() } else { packed }
}

/// Rows of words of `precision` as `b` wants them: expanded where it is.
fn as_in<'a>(b: &PackedMatrix, precision: Precision, words: &'a [u32], expanded: &'a mut Vec<u32>) -> &'a [u32] {
    if b.precision() == precision { words } else { expand(words, 1, expanded) }
}

/// `out[query] = Σ softmax(scale · q·k) v`, `out` shaped as `q`; operands of both products are rounded to `precision`, the
/// probabilities before they are divided by their sum. A query that sees no key gets zeros.
pub fn attention(q: &[f32], k: &[f32], v: &[f32], (shape, precision): (&AttentionShape<'_>, Precision), out: &mut [f32]) {
    shape.check(q, k, v);
    assert_eq!(out.len(), q.len(), "output");
    let (width, group) = (shape.head_dimension, shape.heads / shape.key_value_heads);
    let packed = pack_heads(k, v, shape, precision);
    let blocks = shape.query_length.div_ceil(shape.block());
    let shared = SharedSlice::new(out);
    parallel_for(shape.batch * shape.heads * blocks, &|task| {
        let (block, head, sample) = (task % blocks, task / blocks % shape.heads, task / blocks / shape.heads);
        let first = block * shape.block();
        let count = shape.block().min(shape.query_length - first);
        let (key_matrix, value_matrix) = &packed[sample * shape.key_value_heads + head / group];
        // The last query of a block sees the most keys.
        let keys = shape.visible(sample, first + count - 1);
        SCRATCH.with_borrow_mut(|Scratch { logits, words, expanded, factors, .. }| {
            let (logits, factors) = (room(logits, count * keys), room(factors, count));
            let queries = shape.query_view(q, sample, head, (first, count));
            product(&queries, key_matrix, precision, (keys, words, expanded), logits);
            let length = groups(keys, precision);
            let words = room(words, count * length);
            factors.fill(0.0);
            for (offset, row) in logits.chunks_exact_mut(keys.max(1)).enumerate() {
                let sum = exponentials(row, shape.visible(sample, first + offset), shape.scale);
                factors[offset] = if sum > 0.0 { 1.0 / sum } else { 0.0 };
                pack_run(row, precision, &mut words[offset * length..][..length]);
            }
            let panel = as_in(value_matrix, precision, words, expanded);
            multiply_words(panel, (count, panel.len() / count), value_matrix, width, &mut |row, column, sums| {
                let at = ((sample * shape.query_length + first + row) * shape.heads + head) * width + column;
                // SAFETY: each task writes its own head of its own queries.
                scale_into(sums, factors[row], unsafe { shared.range(at, sums.len()) });
            });
        });
    });
}

/// Packed keys (transposed) and values of every sample's heads.
fn pack_heads(k: &[f32], v: &[f32], shape: &AttentionShape<'_>, precision: Precision) -> Vec<(PackedMatrix, PackedMatrix)> {
    let pack = |view: &MatrixView<'_>| operand(view, precision, shape.query_length);
    let mut packed: Vec<Option<(PackedMatrix, PackedMatrix)>> = vec![None; shape.batch * shape.key_value_heads];
    let shared = SharedSlice::new(&mut packed);
    parallel_for(shape.batch * shape.key_value_heads, &|index| {
        let (sample, head) = (index / shape.key_value_heads, index % shape.key_value_heads);
        let (keys, values) = (pack(&shape.key_view(k, sample, head).transposed()), pack(&shape.key_view(v, sample, head)));
        // SAFETY: one slot for each index.
        let slot = unsafe { shared.range(index, 1) };
        slot[0] = Some((keys, values));
    });
    packed.into_iter().flatten().collect()
}
