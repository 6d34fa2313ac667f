//! bfloat16 products by f32 instructions: words of two values become two words of one, in the order in which the dot product
//! of a word adds them, so the sums have the same bits.
//!
//! A product of two bfloat16 values is exact in f32, and `vdpbf16ps` is two chained multiply-adds, the high halves first. Processors
//! that lack it have nothing faster; Intel's have it at half the rate of their f32 multiply-adds.

use super::microkernel::{Order, VECTOR};
use crate::dispatch::bf16_by_f32;
use crate::element::Precision;
use crate::vectorise::vectorised;

/// Fewer rows do not repay the expansion of B that they share.
const FEWEST_ROWS: usize = 6;

/// Whether a product of `rows` rows is computed from expanded words.
pub(crate) fn expands(precision: Precision, rows: usize) -> bool {
    precision == Precision::Bf16 && rows >= FEWEST_ROWS && bf16_by_f32()
}

/// Twice as many words for `words`, whose rows along `k` are `width` wide.
pub(crate) fn expand<'a>(words: &[u32], width: usize, out: &'a mut Vec<u32>) -> &'a [u32] {
    let length = 2 * words.len();
    if out.len() < length {
        out.resize(length, 0);
    }
    let out = &mut out[..length];
    match width {
        1 => expand_runs(words, out),
        _ if width.is_multiple_of(VECTOR) => expand_vectors(words, width, out),
        _ => expand_rows(words, width, out),
    }
    out
}

/// As [`expand`], for a panel of A.
pub(crate) fn expand_panel<'a>(panel: &[u32], order: Order, out: &'a mut Vec<u32>) -> &'a [u32] {
    let width = match order {
        Order::Rows => 1,
        Order::Groups(across) => across,
    };
    expand(panel, width, out)
}

/// The two values of a word, as words of f32.
#[inline(always)]
pub(crate) const fn halves(word: u32) -> (u32, u32) {
    (word & 0xffff_0000, word << 16)
}

vectorised! {
    fn expand_runs(words: &[u32], out: &mut [u32]) {
        for (word, out) in words.iter().zip(out.as_chunks_mut::<2>().0) { (out[0], out[1]) = halves(*word); }
    }

    fn expand_vectors(words: &[u32], width: usize, out: &mut [u32]) {
        for (words, out) in words.chunks_exact(width).zip(out.chunks_exact_mut(2 * width)) {
            let (high, low) = out.split_at_mut(width);
            for ((word, high), low) in
                words.as_chunks::<VECTOR>().0.iter().zip(high.as_chunks_mut::<VECTOR>().0).zip(low.as_chunks_mut::<VECTOR>().0)
            {
                // One loop for each: in one, the compiler shuffles words instead.
                for (word, high) in word.iter().zip(high) { *high = halves(*word).0; }
                for (word, low) in word.iter().zip(low) { *low = halves(*word).1; }
            }
        }
    }

    fn expand_rows(words: &[u32], width: usize, out: &mut [u32]) {
        for (words, out) in words.chunks_exact(width).zip(out.chunks_exact_mut(2 * width)) {
            let (high, low) = out.split_at_mut(width);
            for ((word, high), low) in words.iter().zip(high).zip(low) { (*high, *low) = halves(*word); }
        }
    }
}
