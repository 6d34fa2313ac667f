//! Tiles with AVX-512 and VNNI.

use super::{Start, Sums, Tile, VECTOR};
use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512};
use std::array::from_fn;

/// # Safety
/// The processor has AVX-512 with VNNI, and [`Tile::multiply`] has checked the operands.
#[target_feature(enable = "avx512f,avx512vnni")]
pub unsafe fn multiply(tile: &Tile<'_>, sums: &mut [Sums]) {
    // Heights in between run the next taller tile with the last row repeated.
    // SAFETY: as for the caller.
    unsafe {
        match (tile.vectors, tile.height) {
            (4, 1) => product::<1, 4>(tile, sums),
            (4, 2) => product::<2, 4>(tile, sums),
            (4, 3..=4) => product::<4, 4>(tile, sums),
            (4, _) => product::<6, 4>(tile, sums),
            (3, 1) => product::<1, 3>(tile, sums),
            (3, 2..=4) => product::<4, 3>(tile, sums),
            (3, _) => product::<8, 3>(tile, sums),
            (2, 1) => product::<1, 2>(tile, sums),
            (2, 2..=6) => product::<6, 2>(tile, sums),
            (2, _) => product::<12, 2>(tile, sums),
            (_, 1) => product::<1, 1>(tile, sums),
            (_, 2..=6) => product::<6, 1>(tile, sums),
            _ => product::<12, 1>(tile, sums),
        }
    }
}

#[inline(always)]
unsafe fn product<const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_>, sums: &mut [Sums]) {
    // SAFETY: `Tile::multiply` has asserted that every position read lies inside the operands; rows beyond the height repeat the
    // last one; a row of sums holds four vectors, and there are as many rows as the tallest tile has.
    unsafe {
        let mut registers: [[__m512i; VECTORS]; ROWS] = [[_mm512_setzero_si512(); VECTORS]; ROWS];
        for row in 0..ROWS {
            let start = match tile.start {
                Start::Columns(starts) => starts.as_ptr(),
                Start::Sums => sums[row].as_ptr(),
            };
            for vector in 0..VECTORS {
                registers[row][vector] = _mm512_loadu_si512(start.add(vector * VECTOR).cast());
            }
        }
        let a: [*const u8; ROWS] = from_fn(|row| tile.a.as_ptr().add(tile.rows[row]).cast());
        let mut b = tile.b.as_ptr();
        for group in 0..tile.length {
            let columns: [__m512i; VECTORS] = from_fn(|vector| _mm512_loadu_si512(b.add(vector * VECTOR).cast()));
            b = b.add(VECTORS * VECTOR);
            for row in 0..ROWS {
                let word = _mm512_set1_epi32(a[row].add(4 * group).cast::<i32>().read_unaligned());
                for vector in 0..VECTORS {
                    registers[row][vector] = _mm512_dpbusd_epi32(registers[row][vector], word, columns[vector]);
                }
            }
        }
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                _mm512_storeu_si512(sums[row].as_mut_ptr().add(vector * VECTOR).cast(), registers[row][vector]);
            }
        }
    }
}
