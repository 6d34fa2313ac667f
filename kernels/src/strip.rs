//! All rows of a panel against one strip of B, for processors whose registers hold one vector of sums of a few rows (AVX2).
//!
//! There a tile is too small to repay the work of describing it, and a block of B as wide as other processors' tiles does not stay in
//! L1. So blocks are cut into strips one vector wide, each contiguous along `k`, and a call meets all rows with one. Every
//! sum is the chain that [`crate::gemm`] promises: f32 values in order, or integers, whose order does not matter.

mod packed;

pub(crate) use packed::Packed;

use crate::dispatch::{SimdLevel, simd_level};
use crate::gemm::microkernel::VECTOR;
use crate::matrix::BLOCK_COLUMNS;
use packed::{room, widen};
use std::ops::Range;

/// Words along `k` of a part: a strip of that length stays in L1 beside the rows that pass, and its sums are loaded and stored seldom.
pub(crate) const PART: usize = 320;
/// Rows that meet a strip together: their sums fit into sixteen registers beside two vectors of B and a word of A.
pub(crate) const ROWS: usize = 6;
/// Fewer rows do not repay the copy of a block into strips.
const FEWEST_ROWS: usize = 24;

/// The parts of about one length that `length` words along `k` are multiplied in, each from an even word, where a pair of bfloat16 values
/// begins; one that is empty if there are no words.
pub(crate) fn parts(length: usize) -> impl Iterator<Item = Range<usize>> {
    let count = length.div_ceil(PART).max(1);
    let start = move |part: usize| if part == count { length } else { (part * length / count) & !1 };
    (0..count).map(move |part| start(part)..start(part + 1))
}

/// Whether `rows` rows are multiplied strip by strip.
pub(crate) fn strips(rows: usize) -> bool {
    rows >= FEWEST_ROWS && simd_level() == SimdLevel::Avx2
}

/// What a word of A and B holds, and its sum.
pub(crate) trait Word {
    /// One sum.
    type Sum: Copy;
    /// Whether a word is a pair of 16-bit integers.
    const PAIR: bool;
}

/// A word is one f32.
pub(crate) struct Single;
impl Word for Single {
    type Sum = f32;
    const PAIR: bool = false;
}

/// A word is two 16-bit integers.
pub(crate) struct Pair;
impl Word for Pair {
    type Sum = i32;
    const PAIR: bool = true;
}

/// What sums start from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// Zero.
    Zero,
    /// A value for each column.
    Columns(&'a [T; BLOCK_COLUMNS]),
    /// What is there.
    Sums,
}

/// The operands of a strip.
pub(crate) struct Strip<'a, T> {
    /// Words of A.
    pub a: &'a [u32],
    /// Where each row begins.
    pub rows: &'a [usize],
    /// Number of runs that make up this part of `k`, words of each, and words from the start of one to the start of the next.
    pub runs: (usize, usize, usize),
    /// Words `[runs · length, 16]`.
    pub b: &'a [u32],
    /// What the sums start from.
    pub start: Start<'a, T>,
    /// Which vector of a row of sums these columns are.
    pub vector: usize,
    /// What is wanted soon, fetched into L2 meanwhile.
    pub soon: Packed<'a>,
}

impl<T: Copy> Strip<'_, T> {
    /// Computes one vector of the first `rows.len()` rows of `sums`.
    pub fn multiply<W: Word<Sum = T>>(&self, sums: &mut [[T; BLOCK_COLUMNS]]) {
        let (runs, length, step) = self.runs;
        let last = self.rows.iter().fold(0, |last, row| last.max(*row)) + runs.saturating_sub(1) * step + length;
        assert!(self.rows.len() <= sums.len() && self.vector < BLOCK_COLUMNS / VECTOR, "sums outside their room");
        assert!(self.rows.is_empty() || last <= self.a.len(), "rows outside A");
        assert!(self.b.len() >= runs * length * VECTOR, "a strip shorter than its rows");
        assert!(simd_level() >= SimdLevel::Avx2, "strips are for AVX2");
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the instructions, and the assertions above bound what is read and written.
        unsafe {
            avx2::multiply::<W>(self, sums);
        }
    }
}

/// A part of a block of B, and the rows that meet it.
pub(crate) struct Block<'a, T> {
    /// As [`Strip::a`], from where the part begins.
    pub a: &'a [u32],
    /// As [`Strip::rows`].
    pub rows: &'a [usize],
    pub b: Packed<'a>,
    /// Width in vectors.
    pub vectors: usize,
    pub start: Start<'a, T>,
    /// As [`Strip::soon`].
    pub soon: Packed<'a>,
}

impl<T: Copy> Block<'_, T> {
    /// Computes the block's vectors of the first `rows.len()` rows of `sums`. Strips are cut one by one, and meet the rows from L1.
    pub fn multiply<W: Word<Sum = T>>(&self, buffer: &mut Vec<u32>, sums: &mut [[T; BLOCK_COLUMNS]]) {
        for vector in 0..self.vectors {
            let b = self.b.cut((vector, self.vectors), buffer);
            let strip = Strip {
                a: self.a,
                rows: self.rows,
                runs: (1, b.len() / VECTOR, 0),
                b,
                start: self.start,
                vector,
                soon: self.soon.share(vector, self.vectors),
            };
            strip.multiply::<W>(sums);
        }
    }
}

/// The pairs of a part of every row of `length` words of unsigned bytes, in the order of [`Packed::Bytes`].
pub(crate) fn pairs<'a>(words: &[[u8; 4]], (length, part): (usize, &Range<usize>), out: &'a mut Vec<u32>) -> &'a [u32] {
    let rows = words.len() / length.max(1);
    let out = room(out, 2 * rows * part.len());
    if !part.is_empty() {
        for (row, out) in words.chunks_exact(length).zip(out.chunks_exact_mut(2 * part.len())) {
            widen(&row[part.clone()], out);
        }
    }
    out
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{ROWS, Start, Strip, Word};
    use crate::gemm::microkernel::VECTOR;
    use crate::matrix::BLOCK_COLUMNS;
    use std::arch::x86_64::{
        __m256i, _MM_HINT_T1, _mm_prefetch, _mm256_add_epi32, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_fmadd_ps,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
    };
    use std::array::from_fn;

    /// # Safety
    /// The processor has AVX2 and FMA, and [`Strip::multiply`] has checked the operands.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn multiply<W: Word>(strip: &Strip<'_, W::Sum>, sums: &mut [[W::Sum; BLOCK_COLUMNS]]) {
        let count = strip.rows.len();
        let mut row = 0;
        let tiles = count.div_ceil(ROWS);
        // SAFETY: as for the caller; fetching reads nothing.
        unsafe {
            while row + ROWS <= count {
                for line in strip.soon.share(row / ROWS, tiles).lines() {
                    _mm_prefetch::<_MM_HINT_T1>(line);
                }
                part::<W, ROWS>(strip, row, sums);
                row += ROWS;
            }
            match count - row {
                1 => part::<W, 1>(strip, row, sums),
                2 => part::<W, 2>(strip, row, sums),
                3 => part::<W, 3>(strip, row, sums),
                4 => part::<W, 4>(strip, row, sums),
                5 => part::<W, 5>(strip, row, sums),
                _ => {}
            }
        }
    }

    #[inline(always)]
    unsafe fn part<W: Word, const ROWS: usize>(strip: &Strip<'_, W::Sum>, first: usize, sums: &mut [[W::Sum; BLOCK_COLUMNS]]) {
        // SAFETY: `Strip::multiply` has asserted that rows, strip and sums lie inside their slices; a sum is 32 bits wide.
        unsafe {
            let at = |row: usize, sums: &mut [[W::Sum; BLOCK_COLUMNS]]| {
                sums.as_mut_ptr().add(first + row).cast::<W::Sum>().add(strip.vector * VECTOR).cast::<__m256i>()
            };
            let mut registers: [[__m256i; 2]; ROWS] = match strip.start {
                Start::Zero => [[_mm256_setzero_si256(); 2]; ROWS],
                Start::Columns(values) => {
                    let values = values.as_ptr().add(strip.vector * VECTOR).cast::<__m256i>();
                    [[_mm256_loadu_si256(values), _mm256_loadu_si256(values.add(1))]; ROWS]
                }
                Start::Sums => from_fn(|row| {
                    let place = at(row, sums);
                    [_mm256_loadu_si256(place), _mm256_loadu_si256(place.add(1))]
                }),
            };
            let (runs, length, step) = strip.runs;
            let mut b = strip.b.as_ptr();
            for run in 0..runs {
                let starts: [*const u32; ROWS] = from_fn(|row| strip.a.as_ptr().add(*strip.rows.get_unchecked(first + row) + run * step));
                for group in 0..length {
                    let columns = [_mm256_loadu_si256(b.cast()), _mm256_loadu_si256(b.add(VECTOR / 2).cast())];
                    b = b.add(VECTOR);
                    for row in 0..ROWS {
                        let word = _mm256_set1_epi32((*starts[row].add(group)).cast_signed());
                        for half in 0..2 {
                            registers[row][half] = if W::PAIR {
                                _mm256_add_epi32(registers[row][half], _mm256_madd_epi16(word, columns[half]))
                            } else {
                                let (word, column) = (_mm256_castsi256_ps(word), _mm256_castsi256_ps(columns[half]));
                                _mm256_castps_si256(_mm256_fmadd_ps(word, column, _mm256_castsi256_ps(registers[row][half])))
                            };
                        }
                    }
                }
            }
            for row in 0..ROWS {
                let place = at(row, sums);
                _mm256_storeu_si256(place, registers[row][0]);
                _mm256_storeu_si256(place.add(1), registers[row][1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, parts};

    #[test]
    fn parts_cover_a_length_and_begin_at_even_words() {
        for length in (0..=3 * PART).chain([3072, 8191, 8192]) {
            let parts: Vec<_> = parts(length).collect();
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, length));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(parts.iter().all(|part| part.start.is_multiple_of(2) && part.len() <= PART + 1), "{length}: {parts:?}");
            assert!(length == 0 || parts.iter().all(|part| !part.is_empty()));
        }
    }
}
