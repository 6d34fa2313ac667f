//! Tiles with AVX2 and FMA.

use super::{Start, Sums, Tile, VECTOR};
use std::arch::x86_64::{
    __m256, _mm256_and_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
};

#[target_feature(enable = "avx2,fma")]
pub unsafe fn multiply_f32(tile: &Tile<'_>, sums: &mut [Sums]) {
    // SAFETY: the caller has checked the processor and the operands.
    unsafe { strips::<false>(tile, sums) }
}

#[target_feature(enable = "avx2,fma")]
pub unsafe fn multiply_bf16(tile: &Tile<'_>, sums: &mut [Sums]) {
    // SAFETY: the caller has checked the processor and the operands.
    unsafe { strips::<true>(tile, sums) }
}

/// Sixteen registers hold six rows of one vector of sums.
#[inline(always)]
unsafe fn strips<const BF16: bool>(tile: &Tile<'_>, sums: &mut [Sums]) {
    for vector in 0..tile.vectors {
        let mut row = 0;
        while row < tile.height {
            // SAFETY: as for the caller; a strip stays within the tile's height.
            unsafe {
                match tile.height - row {
                    1 => strip::<BF16, 1>(tile, row, vector, sums),
                    2 | 3 => strip::<BF16, 2>(tile, row, vector, sums),
                    4 | 5 => strip::<BF16, 4>(tile, row, vector, sums),
                    _ => strip::<BF16, 6>(tile, row, vector, sums),
                }
            }
            row += match tile.height - row {
                1 => 1,
                2 | 3 => 2,
                4 | 5 => 4,
                _ => 6,
            };
        }
    }
}

#[inline(always)]
unsafe fn strip<const BF16: bool, const ROWS: usize>(tile: &Tile<'_>, first: usize, vector: usize, sums: &mut [Sums]) {
    // SAFETY: `Tile::multiply` has asserted that every position read lies inside the operands; a row of sums holds four vectors.
    unsafe {
        let mut registers: [[__m256; 2]; ROWS] = [[_mm256_setzero_ps(); 2]; ROWS];
        for row in 0..ROWS {
            if tile.start == Start::Sums {
                let sums = sums[first + row].as_ptr().add(vector * VECTOR);
                registers[row] = [_mm256_loadu_ps(sums), _mm256_loadu_ps(sums.add(8))];
            }
        }
        let (runs, length, _) = tile.runs;
        let high_half = _mm256_castsi256_ps(_mm256_set1_epi32(0xffff_0000_u32.cast_signed()));
        let mut b = tile.b.as_ptr().cast::<f32>().add(vector * VECTOR);
        for run in 0..runs {
            for group in 0..length {
                let columns = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
                b = b.add(tile.vectors * VECTOR);
                let low = columns.map(|b| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(b))));
                let high = columns.map(|b| _mm256_and_ps(b, high_half));
                for row in 0..ROWS {
                    let word = tile.a.as_ptr().add(tile.position(first + row, run, group)).cast::<u32>().read_unaligned();
                    for half in 0..2 {
                        registers[row][half] = if BF16 {
                            let first = _mm256_set1_ps(f32::from_bits(word << 16));
                            let second = _mm256_set1_ps(f32::from_bits(word & 0xffff_0000));
                            _mm256_fmadd_ps(first, low[half], _mm256_fmadd_ps(second, high[half], registers[row][half]))
                        } else {
                            _mm256_fmadd_ps(_mm256_set1_ps(f32::from_bits(word)), columns[half], registers[row][half])
                        };
                    }
                }
            }
        }
        for row in 0..ROWS {
            let sums = sums[first + row].as_mut_ptr().add(vector * VECTOR);
            _mm256_storeu_ps(sums, registers[row][0]);
            _mm256_storeu_ps(sums.add(8), registers[row][1]);
        }
    }
}
