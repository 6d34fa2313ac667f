//! Words of B, as they are packed and as strips hold them.

use crate::gemm::expansion::halves;
use crate::gemm::microkernel::{Tile, VECTOR};
use crate::vectorise::vectorised;

/// Words of a block of B as they are packed, `[groups, vectors, 16]`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packed<'a> {
    /// Words of f32.
    Singles(&'a [u32]),
    /// Words of two bfloat16 values: each becomes two words of f32, in the order in which [`crate::gemm`] sums them.
    Halves(&'a [u32]),
    /// Words of four bytes: each becomes two pairs, the first and third, the second and fourth.
    Bytes(&'a [[i8; 4]]),
}

impl<'a> Packed<'a> {
    /// Words that a strip takes.
    fn strip_words(self, vectors: usize) -> usize {
        match self {
            Self::Singles(words) => words.len() / vectors,
            Self::Halves(words) => 2 * words.len() / vectors,
            Self::Bytes(words) => 2 * words.len() / vectors,
        }
    }

    /// The words of one vector, contiguous along `k`.
    pub fn cut(self, (vector, vectors): (usize, usize), out: &mut Vec<u32>) -> &[u32] {
        let out = room(out, self.strip_words(vectors));
        match self {
            Self::Singles(words) => cut_singles(words, vector, vectors, out),
            Self::Halves(words) => cut_halves(words, vector, vectors, out),
            Self::Bytes(words) => cut_bytes(words, vector, vectors, out),
        }
        out
    }

    /// The `index`-th of `count` shares.
    pub fn share(self, index: usize, count: usize) -> Self {
        fn share<T>(all: &[T], index: usize, count: usize) -> &[T] {
            &all[index * all.len() / count..(index + 1) * all.len() / count]
        }
        match self {
            Self::Singles(words) => Self::Singles(share(words, index, count)),
            Self::Halves(words) => Self::Halves(share(words, index, count)),
            Self::Bytes(words) => Self::Bytes(share(words, index, count)),
        }
    }

    /// One place in every line of cache.
    pub fn lines(self) -> impl Iterator<Item = *const i8> + use<'a> {
        let (start, words) = match self {
            Self::Singles(words) | Self::Halves(words) => (words.as_ptr().cast(), words.len()),
            Self::Bytes(words) => (words.as_ptr().cast::<i8>(), words.len()),
        };
        (0..words).step_by(VECTOR).map(move |word| start.wrapping_add(4 * word))
    }
}

/// Room for `length` words at the start of a line of cache, so that no vector lies across two.
pub(super) fn room(buffer: &mut Vec<u32>, length: usize) -> &mut [u32] {
    const LINE: usize = 64;
    if buffer.len() < length + LINE / 4 {
        buffer.resize(length + LINE / 4, 0);
    }
    let first = buffer.as_ptr().align_offset(LINE).min(LINE / 4);
    &mut buffer[first..first + length]
}

vectorised! {
    fn cut_singles(words: &[u32], vector: usize, vectors: usize, out: &mut [u32]) {
        let (out, words) = (out.as_chunks_mut::<VECTOR>().0, words.as_chunks::<VECTOR>().0);
        for (words, out) in words.chunks_exact(vectors).zip(out) { *out = words[vector]; }
    }

    fn cut_halves(words: &[u32], vector: usize, vectors: usize, out: &mut [u32]) {
        let (out, words) = (out.as_chunks_mut::<{ 2 * VECTOR }>().0, words.as_chunks::<VECTOR>().0);
        for (words, out) in words.chunks_exact(vectors).zip(out) {
            let (high, low) = out.split_at_mut(VECTOR);
            for (word, high) in words[vector].iter().zip(high) { *high = halves(*word).0; }
            for (word, low) in words[vector].iter().zip(low) { *low = halves(*word).1; }
        }
    }

    fn cut_bytes(words: &[[i8; 4]], vector: usize, vectors: usize, out: &mut [u32]) {
        let (out, words) = (Tile::halves_mut(out).as_chunks_mut::<{ 4 * VECTOR }>().0, words.as_chunks::<VECTOR>().0);
        for (words, out) in words.chunks_exact(vectors).zip(out) {
            let (even, odd) = out.split_at_mut(2 * VECTOR);
            let pairs = words[vector].as_flattened().as_chunks::<2>().0;
            let pair = |bytes: [i8; 2]| i16::from_le_bytes(bytes.map(i8::cast_unsigned));
            for (even, bytes) in even.iter_mut().zip(pairs) { *even = (pair(*bytes) << 8 >> 8).cast_unsigned(); }
            for (odd, bytes) in odd.iter_mut().zip(pairs) { *odd = (pair(*bytes) >> 8).cast_unsigned(); }
        }
    }

    pub(super) fn widen(words: &[[u8; 4]], out: &mut [u32]) {
        for (word, out) in words.iter().zip(out.as_chunks_mut::<2>().0) {
            let word = u32::from_le_bytes(*word);
            *out = [word & 0x00ff_00ff, word >> 8 & 0x00ff_00ff];
        }
    }
}
