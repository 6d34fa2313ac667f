//! One tile of sums: words of A broadcast one by one, times words of packed B.
//!
//! A word is one f32 or two bfloat16 values that follow each other along `k`. Every sum is one chain of fused multiply-adds
//! over `k` in order, the second value of a word before the first, as `vdpbf16ps` adds them; so its bits do not depend on the shape
//! of the tile that computes it.

use crate::dispatch::{SimdLevel, simd_level};
use crate::element::Precision;
use crate::matrix::BLOCK_COLUMNS;

/// The tallest tile.
pub(crate) const MAX_ROWS: usize = 12;
/// Sums of a vector: the unit in which blocks of B get narrower.
pub(crate) const VECTOR: usize = 16;

/// A row of sums; a narrow tile uses its first columns.
pub(crate) type Sums = [f32; BLOCK_COLUMNS];

/// Rows of a tile that is `vectors` vectors wide: as many as keep the sums, B and the broadcast word within 32 registers.
pub(crate) const fn tile_rows(vectors: usize) -> usize {
    match vectors {
        4 => 6,
        3 => 8,
        _ => MAX_ROWS,
    }
}

/// How the words of A follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each row's words are contiguous within a run.
    Rows,
    /// The words of neighbouring rows are contiguous; `k` advances by this many words.
    Groups(usize),
}

/// The operands of one tile. Positions in A count halves of a word, because a run of bfloat16 values may start at any of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile<'a> {
    /// The values of A.
    pub a: &'a [u16],
    /// Where each row starts, rows beyond the height included: they are read, too. In [`Order::Groups`] only the first counts.
    pub rows: [usize; MAX_ROWS],
    /// Rows in use.
    pub height: usize,
    /// Layout of A.
    pub order: Order,
    /// Number of runs that make up `k`, words of each, and halves from the start of one to the start of the next.
    pub runs: (usize, usize, usize),
    /// Words `[runs · length, vectors, 16]`.
    pub b: &'a [u32],
    /// Width of the tile in vectors, 1 to 4.
    pub vectors: usize,
    /// What a word holds.
    pub precision: Precision,
    /// The sums to start from: those already there, or zero.
    pub start: Start,
    /// Words that are wanted soon, fetched into L2 while this tile is computed.
    pub soon: &'a [u32],
}

/// What a tile adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// The sums that the tile holds.
    Sums,
}

impl Tile<'_> {
    /// Words of A in halves: the storage of words seen as what [`Tile::a`] wants.
    pub fn halves(words: &[u32]) -> &[u16] {
        // SAFETY: a u32 is two u16 of no particular alignment beyond its own, and any bits are a u16.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len() * 2) }
    }

    /// As [`Tile::halves`], of values of f32.
    pub fn halves_of(values: &[f32]) -> &[u16] {
        // SAFETY: as in `halves`.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len() * 2) }
    }

    /// As [`Tile::halves`], to write.
    pub fn halves_mut(words: &mut [u32]) -> &mut [u16] {
        // SAFETY: as in `halves`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 2) }
    }

    /// Computes the tile into the first rows and vectors of `sums`; rows behind them, up to the tallest tile, are overwritten.
    #[inline]
    pub fn multiply(&self, sums: &mut [Sums]) {
        let (runs, length, step) = self.runs;
        let groups = runs * length;
        assert!((1..=4).contains(&self.vectors) && (1..=tile_rows(self.vectors)).contains(&self.height), "impossible tile");
        assert!(sums.len() >= MAX_ROWS, "room for the tallest tile");
        if groups == 0 {
            if self.start == Start::Zero {
                sums[..MAX_ROWS].fill([0.0; BLOCK_COLUMNS]);
            }
            return;
        }
        let last = match self.order {
            Order::Rows => self.rows.iter().fold(0, |last, row| last.max(*row)) + (runs - 1) * step + 2 * length,
            Order::Groups(across) => {
                assert!(runs == 1 && across >= self.height, "interleaved rows make one run");
                self.rows[0] + 2 * ((length - 1) * across + self.height)
            }
        };
        assert!(last <= self.a.len() && self.b.len() >= groups * self.vectors * VECTOR, "tile outside its operands");
        #[cfg(target_arch = "x86_64")]
        {
            let level = simd_level();
            // SAFETY: the level says that the processor has these instructions; the assertions above bound what they read.
            unsafe {
                match self.precision {
                    Precision::F32 if level >= SimdLevel::Avx512 => return avx512::multiply_f32(self, sums),
                    Precision::Bf16 if level >= SimdLevel::Avx512Bf16 => return avx512::multiply_bf16(self, sums),
                    Precision::F32 if level >= SimdLevel::Avx2 => return avx2::multiply_f32(self, sums),
                    Precision::Bf16 if level >= SimdLevel::Avx2 => return avx2::multiply_bf16(self, sums),
                    _ => {}
                }
            }
        }
        self.multiply_portable(sums);
    }

    /// Position of the word of `row` and the `group`-th word of run `run`, in halves.
    #[inline(always)]
    fn position(&self, row: usize, run: usize, group: usize) -> usize {
        match self.order {
            Order::Rows => self.rows[row] + run * self.runs.2 + 2 * group,
            Order::Groups(across) => self.rows[0] + 2 * (group * across + row),
        }
    }

    fn multiply_portable(&self, sums: &mut [Sums]) {
        let (runs, length, _) = self.runs;
        let width = self.vectors * VECTOR;
        for (row, sums) in sums.iter_mut().enumerate().take(self.height) {
            let sums = &mut sums[..width];
            if self.start == Start::Zero {
                sums.fill(0.0);
            }
            for run in 0..runs {
                for group in 0..length {
                    let at = self.position(row, run, group);
                    let (low, high) = (u32::from(self.a[at]), u32::from(self.a[at + 1]));
                    let b = &self.b[(run * length + group) * width..][..width];
                    match self.precision {
                        Precision::F32 => {
                            let value = f32::from_bits(low | (high << 16));
                            for (sum, &b) in sums.iter_mut().zip(b) {
                                *sum = fused(value, f32::from_bits(b), *sum);
                            }
                        }
                        Precision::Bf16 => {
                            let (low, high) = (f32::from_bits(low << 16), f32::from_bits(high << 16));
                            for (sum, &b) in sums.iter_mut().zip(b) {
                                *sum = fused(low, f32::from_bits(b << 16), fused(high, f32::from_bits(b & 0xffff_0000), *sum));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `a · b + c`, rounded once where the processor can do that without a library call.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

/// Chooses the compiled tile for a height and width; heights in between run the next taller tile with the last row repeated.
#[cfg(target_arch = "x86_64")]
macro_rules! choose {
    ($tile:expr, $sums:expr, $product:ident, $bf16:literal, [$(($rows:literal, $vectors:literal)),*]) => {
        match ($tile.height, $tile.vectors) {
            $((height, $vectors) if height <= $rows => $product::<$bf16, $rows, $vectors>($tile, $sums),)*
            _ => {}
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Order, Start, Sums, Tile, VECTOR};
    use std::arch::x86_64::{
        __m512, __m512bh, _MM_HINT_T1, _mm_prefetch, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };
    use std::array::from_fn;
    use std::mem::transmute;

    #[target_feature(enable = "avx512f")]
    pub unsafe fn multiply_f32(tile: &Tile<'_>, sums: &mut [Sums]) {
        // SAFETY: the caller has checked the processor and the operands.
        unsafe {
            choose!(
                tile,
                sums,
                product,
                false,
                [
                    (1, 4),
                    (2, 4),
                    (4, 4),
                    (6, 4),
                    (1, 3),
                    (2, 3),
                    (4, 3),
                    (6, 3),
                    (8, 3),
                    (1, 2),
                    (2, 2),
                    (4, 2),
                    (6, 2),
                    (12, 2),
                    (1, 1),
                    (2, 1),
                    (4, 1),
                    (6, 1),
                    (12, 1)
                ]
            );
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub unsafe fn multiply_bf16(tile: &Tile<'_>, sums: &mut [Sums]) {
        // SAFETY: the caller has checked the processor and the operands.
        unsafe {
            choose!(
                tile,
                sums,
                product,
                true,
                [
                    (1, 4),
                    (2, 4),
                    (4, 4),
                    (6, 4),
                    (1, 3),
                    (2, 3),
                    (4, 3),
                    (6, 3),
                    (8, 3),
                    (1, 2),
                    (2, 2),
                    (4, 2),
                    (6, 2),
                    (12, 2),
                    (1, 1),
                    (2, 1),
                    (4, 1),
                    (6, 1),
                    (12, 1)
                ]
            );
        }
    }

    #[inline(always)]
    unsafe fn product<const BF16: bool, const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_>, sums: &mut [Sums]) {
        // SAFETY: `Tile::multiply` has asserted that every position read lies inside the operands; rows beyond the height repeat
        // the last one; a row of sums holds four vectors.
        unsafe {
            let mut registers: [[__m512; VECTORS]; ROWS] = [[_mm512_setzero_ps(); VECTORS]; ROWS];
            if tile.start == Start::Sums {
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        registers[row][vector] = _mm512_loadu_ps(sums[row].as_ptr().add(vector * VECTOR));
                    }
                }
            }
            let (runs, length, step) = tile.runs;
            let mut b = tile.b.as_ptr();
            let mut soon = tile.soon.as_ptr().cast::<i8>();
            let stride = (tile.soon.len() * 4).div_ceil(runs * length);
            match tile.order {
                Order::Rows => {
                    for run in 0..runs {
                        let start: [*const u16; ROWS] = from_fn(|row| tile.a.as_ptr().add(tile.rows[row] + run * step));
                        for group in 0..length {
                            group_of::<BF16, ROWS, VECTORS>(&mut registers, b, |row| {
                                start[row].add(2 * group).cast::<u32>().read_unaligned()
                            });
                            b = b.add(VECTORS * VECTOR);
                            // Fetching what nobody may read is no fault.
                            _mm_prefetch::<_MM_HINT_T1>(soon);
                            soon = soon.wrapping_add(stride);
                        }
                    }
                }
                Order::Groups(across) => {
                    let mut start = tile.a.as_ptr().add(tile.rows[0]);
                    // Rows beyond the height lie in the next group's words, or behind the last word.
                    for _ in 0..length - 1 {
                        group_of::<BF16, ROWS, VECTORS>(&mut registers, b, |row| start.add(2 * row).cast::<u32>().read_unaligned());
                        b = b.add(VECTORS * VECTOR);
                        start = start.add(2 * across);
                        _mm_prefetch::<_MM_HINT_T1>(soon);
                        soon = soon.wrapping_add(stride);
                    }
                    group_of::<BF16, ROWS, VECTORS>(&mut registers, b, |row| {
                        start.add(2 * row.min(tile.height - 1)).cast::<u32>().read_unaligned()
                    });
                }
            }
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    _mm512_storeu_ps(sums[row].as_mut_ptr().add(vector * VECTOR), registers[row][vector]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn group_of<const BF16: bool, const ROWS: usize, const VECTORS: usize>(
        registers: &mut [[__m512; VECTORS]; ROWS],
        b: *const u32,
        word: impl Fn(usize) -> u32,
    ) {
        // SAFETY: the caller has `VECTORS` vectors at `b`; only called where the processor has these instructions.
        unsafe {
            let columns: [__m512; VECTORS] = from_fn(|vector| _mm512_loadu_ps(b.cast::<f32>().add(vector * VECTOR)));
            for row in 0..ROWS {
                let word = word(row);
                for vector in 0..VECTORS {
                    registers[row][vector] = if BF16 {
                        let value: __m512bh = transmute(_mm512_set1_epi32(word.cast_signed()));
                        _mm512_dpbf16_ps(registers[row][vector], value, transmute::<__m512, __m512bh>(columns[vector]))
                    } else {
                        _mm512_fmadd_ps(_mm512_set1_ps(f32::from_bits(word)), columns[vector], registers[row][vector])
                    };
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[path = "microkernel_avx2.rs"]
mod avx2;
