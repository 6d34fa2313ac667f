//! Packing with AVX-512 and its bfloat16 conversions.

use super::{Precision, VECTOR, lane};
use half::bf16;
use std::arch::x86_64::{
    __m512, __m512i, _mm256_maskz_loadu_epi16, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh,
    _mm512_loadu_si512, _mm512_mask_storeu_epi16, _mm512_mask_storeu_epi32, _mm512_maskz_expand_ps, _mm512_maskz_loadu_ps,
    _mm512_permutexvar_epi16, _mm512_set_epi16, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_slli_epi32,
    _mm512_storeu_si512, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};
use std::mem::transmute;

/// Loads up to sixteen values as f32; the rest is zero.
pub(super) trait Load: Copy {
    /// # Safety
    /// The first `count` values at `at` exist, and the processor has AVX-512.
    unsafe fn load(at: *const Self, count: usize) -> __m512;
}

impl Load for f32 {
    #[inline(always)]
    unsafe fn load(at: *const Self, count: usize) -> __m512 {
        // SAFETY: masked lanes are not read.
        unsafe { _mm512_maskz_loadu_ps(mask(count), at) }
    }
}

impl Load for bf16 {
    #[inline(always)]
    unsafe fn load(at: *const Self, count: usize) -> __m512 {
        // SAFETY: masked lanes are not read.
        unsafe {
            let halves = _mm256_maskz_loadu_epi16(mask(count), at.cast());
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
        }
    }
}

#[inline(always)]
const fn mask(count: usize) -> u16 {
    if count >= 16 { u16::MAX } else { (1 << count) - 1 }
}

/// Thirty-two bfloat16 values: those of `low`, then those of `high`.
#[inline(always)]
unsafe fn rounded(low: __m512, high: __m512) -> __m512i {
    // SAFETY: only called where the processor has these instructions.
    unsafe { transmute(_mm512_cvtne2ps_pbh(high, low)) }
}

/// Sixteen words: a value of `low` in the low half, the value of `high` at the same place in the high half.
#[inline(always)]
unsafe fn paired(low: __m512, high: __m512) -> __m512i {
    // SAFETY: only called where the processor has these instructions.
    unsafe {
        let order = _mm512_set_epi16(
            31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0,
        );
        _mm512_permutexvar_epi16(order, rounded(low, high))
    }
}

/// Sixteen words of group `group` of neighbouring values, `stride` apart along `k`, of which there are `count`.
///
/// # Safety
/// The group's values exist, and the processor has AVX-512 with bfloat16.
#[inline(always)]
unsafe fn across<T: Load>(values: *const T, stride: usize, (group, count): (usize, usize), wide: usize, precision: Precision) -> __m512i {
    // SAFETY: as for the caller.
    unsafe {
        match precision {
            Precision::F32 => _mm512_castps_si512(T::load(values.add(group * stride), wide)),
            Precision::Bf16 => {
                let low = T::load(values.add(2 * group * stride), wide);
                let high = if 2 * group + 1 < count { T::load(values.add((2 * group + 1) * stride), wide) } else { _mm512_setzero_ps() };
                paired(low, high)
            }
        }
    }
}

/// Sixteen words of a contiguous run of `count` values, from word `first`.
///
/// # Safety
/// The values exist, and the processor has AVX-512 with bfloat16.
#[inline(always)]
unsafe fn along<T: Load>(values: *const T, first: usize, count: usize, precision: Precision) -> __m512i {
    // SAFETY: as for the caller; a load that begins behind the run is masked whole.
    unsafe {
        match precision {
            Precision::F32 => _mm512_castps_si512(T::load(values.wrapping_add(first), count.saturating_sub(first))),
            Precision::Bf16 => rounded(
                T::load(values.wrapping_add(2 * first), count.saturating_sub(2 * first)),
                T::load(values.wrapping_add(2 * first + 16), count.saturating_sub(2 * first + 16)),
            ),
        }
    }
}

/// A block of B whose rows are contiguous.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn block_of_rows<T: Load>(
    values: &[T],
    stride: usize,
    (rows, columns): (usize, usize),
    precision: Precision,
    (out, width): (&mut [u32], usize),
) {
    assert!(rows > 0 && columns > 0 && (rows - 1) * stride + columns <= values.len());
    for (group, words) in out.chunks_exact_mut(width).enumerate().take(rows.div_ceil(lane(precision))) {
        for (vector, words) in words.chunks_exact_mut(VECTOR).enumerate() {
            let first = vector * VECTOR;
            // SAFETY: the assertion bounds what is read; a vector of words holds sixteen.
            unsafe {
                let packed = across(values.as_ptr().add(first), stride, (group, rows), columns - first, precision);
                _mm512_storeu_si512(words.as_mut_ptr().cast(), packed);
            }
        }
    }
}

/// A block of B whose columns are contiguous.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn block_of_columns<T: Load>(
    values: &[T],
    stride: usize,
    (rows, columns): (usize, usize),
    precision: Precision,
    (out, width): (&mut [u32], usize),
) {
    assert!(rows > 0 && columns > 0 && (columns - 1) * stride + rows <= values.len());
    let groups = out.len() / width;
    for vector in (0..width).step_by(VECTOR) {
        for first in (0..groups).step_by(VECTOR) {
            // SAFETY: the assertion bounds what is read; groups and vectors stay inside the block.
            unsafe {
                let mut square = [_mm512_setzero_si512(); VECTOR];
                for (column, words) in square.iter_mut().enumerate().take(columns - vector) {
                    *words = along(values.as_ptr().add((vector + column) * stride), first, rows, precision);
                }
                transpose_square(&mut square);
                for (group, words) in square.iter().enumerate().take(groups - first) {
                    _mm512_storeu_si512(out.as_mut_ptr().add((first + group) * width + vector).cast(), *words);
                }
            }
        }
    }
}

/// bfloat16 words of a run.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn run(values: &[f32], words: &mut [u32]) {
    let length = values.len().div_ceil(2);
    assert!(length <= words.len());
    for first in (0..length).step_by(VECTOR) {
        // SAFETY: reads and writes are masked to the run.
        unsafe {
            let packed = along(values.as_ptr(), first, values.len(), Precision::Bf16);
            _mm512_mask_storeu_epi32(words.as_mut_ptr().add(first).cast(), mask(length - first), packed);
        }
    }
}

/// bfloat16 words of pixels whose padded channels divide a vector.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn pixels(values: &[f32], (channels, padded): (usize, usize), words: &mut [u32]) {
    let pixels = values.len() / channels;
    assert!(channels <= padded && VECTOR.is_multiple_of(padded) && 2 * words.len() >= pixels * padded);
    let across = VECTOR / padded;
    let spread = (0..across).fold(0_u16, |spread, pixel| spread | mask(channels) << (pixel * padded));
    for first in (0..pixels).step_by(across) {
        let count = across.min(pixels - first);
        // SAFETY: reads and writes are masked to the pixels.
        unsafe {
            let dense = f32::load(values.as_ptr().add(first * channels), count * channels);
            let packed = rounded(_mm512_maskz_expand_ps(spread, dense), _mm512_setzero_ps());
            _mm512_mask_storeu_epi32(words.as_mut_ptr().add(first * padded / 2).cast(), mask(count * padded / 2), packed);
        }
    }
}

/// A panel of A whose rows are neighbours.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn interleaved(
    values: &[f32],
    stride: usize,
    (count, rows): (usize, usize),
    (tile_rows, precision): (usize, Precision),
    panel: &mut [u32],
) {
    /// Rows of a strip: a stack buffer, plus a vector that the last tile may read beyond it.
    const STRIP: usize = 48;
    let groups = count.div_ceil(lane(precision));
    assert!((count - 1) * stride + rows <= values.len() && panel.len() >= rows.div_ceil(tile_rows) * groups * tile_rows);
    assert!(STRIP.is_multiple_of(tile_rows));
    let mut buffer = [0_u32; STRIP + VECTOR];
    for first in (0..rows).step_by(STRIP) {
        let height = STRIP.min(rows - first);
        for group in 0..groups {
            // SAFETY: the assertions bound what is read and written.
            unsafe {
                for vector in (0..height).step_by(VECTOR) {
                    let packed = across(values.as_ptr().add(first + vector), stride, (group, count), height - vector, precision);
                    _mm512_storeu_si512(buffer.as_mut_ptr().add(vector).cast(), packed);
                }
                for row in (0..height).step_by(tile_rows) {
                    let words = _mm512_loadu_si512(buffer.as_ptr().add(row).cast());
                    let at = (first + row) * groups + group * tile_rows;
                    _mm512_mask_storeu_epi32(panel.as_mut_ptr().add(at).cast(), mask(tile_rows), words);
                }
            }
        }
    }
}

/// See [`super::transpose_runs`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn transpose(
    values: &[f32],
    (count, stride): (usize, usize),
    rows: usize,
    precision: Precision,
    (out, step): (&mut [u16], usize),
) {
    let groups = count.div_ceil(lane(precision));
    let halves = count * 2 / lane(precision);
    for first_row in (0..rows).step_by(VECTOR) {
        let height = VECTOR.min(rows - first_row);
        for first in (0..groups).step_by(VECTOR) {
            // SAFETY: the caller has asserted that values and runs lie inside their buffers; stores are masked to the run.
            unsafe {
                let mut square = [_mm512_setzero_si512(); VECTOR];
                for (group, words) in square.iter_mut().enumerate().take(groups - first) {
                    *words = across(values.as_ptr().add(first_row), stride, (first + group, count), height, precision);
                }
                transpose_square(&mut square);
                let left = halves - 2 * first;
                let mask = if left >= 32 { u32::MAX } else { (1 << left) - 1 };
                for (row, words) in square.iter().enumerate().take(height) {
                    _mm512_mask_storeu_epi16(out.as_mut_ptr().add((first_row + row) * step + 2 * first).cast(), mask, *words);
                }
            }
        }
    }
}

/// Exchanges the rows and columns of 16 × 16 words.
#[inline(always)]
unsafe fn transpose_square(square: &mut [__m512i; 16]) {
    // SAFETY: only called where the processor has these instructions.
    unsafe {
        let mut pairs = [_mm512_setzero_si512(); 16];
        for i in 0..8 {
            pairs[2 * i] = _mm512_unpacklo_epi32(square[2 * i], square[2 * i + 1]);
            pairs[2 * i + 1] = _mm512_unpackhi_epi32(square[2 * i], square[2 * i + 1]);
        }
        // Now fours[4 i + j] holds, in each 128-bit part p, column 4 p + j of rows 4 i to 4 i + 3.
        let mut fours = [_mm512_setzero_si512(); 16];
        for i in 0..4 {
            fours[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
            fours[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
            fours[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
            fours[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        }
        for j in 0..4 {
            let low_even = _mm512_shuffle_i32x4::<0x88>(fours[j], fours[4 + j]);
            let low_odd = _mm512_shuffle_i32x4::<0xdd>(fours[j], fours[4 + j]);
            let high_even = _mm512_shuffle_i32x4::<0x88>(fours[8 + j], fours[12 + j]);
            let high_odd = _mm512_shuffle_i32x4::<0xdd>(fours[8 + j], fours[12 + j]);
            square[j] = _mm512_shuffle_i32x4::<0x88>(low_even, high_even);
            square[8 + j] = _mm512_shuffle_i32x4::<0xdd>(low_even, high_even);
            square[4 + j] = _mm512_shuffle_i32x4::<0x88>(low_odd, high_odd);
            square[12 + j] = _mm512_shuffle_i32x4::<0xdd>(low_odd, high_odd);
        }
    }
}
