//! Tiles with AVX2. Bytes are widened to 16 bits before they are multiplied: the instruction that multiplies bytes saturates.

use super::{Start, Sums, Tile, VECTOR};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi16,
    _mm256_srai_epi16, _mm256_storeu_si256,
};

/// The first and third byte of a word, each in 16 bits.
const EVEN_BYTES: u32 = 0x00ff_00ff;

/// # Safety
/// The processor has AVX2, and [`Tile::multiply`] has checked the operands.
#[target_feature(enable = "avx2")]
pub unsafe fn multiply(tile: &Tile<'_>, sums: &mut [Sums]) {
    for vector in 0..tile.vectors {
        let mut row = 0;
        while row < tile.height {
            // Sixteen registers hold four rows of one vector of sums; a strip stays within the tile's height.
            // SAFETY: as for the caller.
            row += unsafe {
                match tile.height - row {
                    1 => strip::<1>(tile, row, vector, sums),
                    2 | 3 => strip::<2>(tile, row, vector, sums),
                    _ => strip::<4>(tile, row, vector, sums),
                }
            };
        }
    }
}

/// Returns its height.
#[inline(always)]
unsafe fn strip<const ROWS: usize>(tile: &Tile<'_>, first: usize, vector: usize, sums: &mut [Sums]) -> usize {
    // SAFETY: `Tile::multiply` has asserted that every position read lies inside the operands; a row of sums holds four vectors.
    unsafe {
        let mut registers: [[__m256i; 2]; ROWS] = [[_mm256_setzero_si256(); 2]; ROWS];
        for row in 0..ROWS {
            let start = match tile.start {
                Start::Columns(starts) => starts.as_ptr(),
                Start::Sums => sums[first + row].as_ptr(),
            };
            let start = start.add(vector * VECTOR);
            registers[row] = [_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(8).cast())];
        }
        let mut b = tile.b.as_ptr().add(vector * VECTOR);
        for group in 0..tile.length {
            let columns = [_mm256_loadu_si256(b.cast()), _mm256_loadu_si256(b.add(8).cast())];
            b = b.add(tile.vectors * VECTOR);
            let even = columns.map(|bytes| _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)));
            let odd = columns.map(|bytes| _mm256_srai_epi16::<8>(bytes));
            for row in 0..ROWS {
                let word = tile.a.as_ptr().add(tile.rows[first + row] + group).cast::<u32>().read_unaligned();
                let even_word = _mm256_set1_epi32((word & EVEN_BYTES).cast_signed());
                let odd_word = _mm256_set1_epi32((word >> 8 & EVEN_BYTES).cast_signed());
                for half in 0..2 {
                    let products = _mm256_add_epi32(_mm256_madd_epi16(even_word, even[half]), _mm256_madd_epi16(odd_word, odd[half]));
                    registers[row][half] = _mm256_add_epi32(registers[row][half], products);
                }
            }
        }
        for row in 0..ROWS {
            let sums = sums[first + row].as_mut_ptr().add(vector * VECTOR);
            _mm256_storeu_si256(sums.cast(), registers[row][0]);
            _mm256_storeu_si256(sums.add(8).cast(), registers[row][1]);
        }
        ROWS
    }
}
