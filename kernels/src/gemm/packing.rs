//! Turns values into words of operands: rounding, pairing along `k`, and transposing.

use super::microkernel::{Tile, VECTOR};
use crate::dispatch::{SimdLevel, simd_level};
use crate::element::{Elements, Precision};
use crate::matrix::MatrixView;
use crate::vectorise::vectorised;
use half::bf16;

/// bfloat16 bits of `value`, rounded to nearest even; NaN stays NaN.
#[inline(always)]
pub(crate) fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if value.is_nan() { (bits >> 16) | 0x40 } else { rounded }
}

/// Values along `k` that one word holds.
#[inline(always)]
pub(crate) const fn lane(precision: Precision) -> usize {
    match precision {
        Precision::F32 => 1,
        Precision::Bf16 => 2,
    }
}

/// A value of either type as f32.
trait Value: Copy {
    fn get(self) -> f32;
}
impl Value for f32 {
    #[inline(always)]
    fn get(self) -> f32 {
        self
    }
}
impl Value for bf16 {
    #[inline(always)]
    fn get(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// Words `[groups, width]` of the groups `first_group..` of B's columns from `first`; columns and rows beyond the matrix are zero.
pub(crate) fn pack_block(
    b: &MatrixView<'_>,
    (first, width): (usize, usize),
    (first_group, count): (usize, usize),
    precision: Precision,
    out: &mut [u32],
) {
    assert_eq!(out.len(), count * width, "the words of the block");
    let columns = width.min(b.columns - first);
    let rows = (first_group * lane(precision), b.rows.min((first_group + count) * lane(precision)));
    #[cfg(target_arch = "x86_64")]
    if simd_level() >= SimdLevel::Avx512Bf16 && (b.column_stride == 1 || b.row_stride == 1) {
        let start = first * b.column_stride + rows.0 * b.row_stride;
        // SAFETY: the level says that the processor has these instructions; the view's constructor has checked its last value.
        return unsafe {
            match (b.elements, b.column_stride == 1) {
                (Elements::F32(values), true) => {
                    avx512::block_of_rows(&values[start..], b.row_stride, (rows.1 - rows.0, columns), precision, (out, width));
                }
                (Elements::Bf16(values), true) => {
                    avx512::block_of_rows(&values[start..], b.row_stride, (rows.1 - rows.0, columns), precision, (out, width));
                }
                (Elements::F32(values), false) => {
                    avx512::block_of_columns(&values[start..], b.column_stride, (rows.1 - rows.0, columns), precision, (out, width));
                }
                (Elements::Bf16(values), false) => {
                    avx512::block_of_columns(&values[start..], b.column_stride, (rows.1 - rows.0, columns), precision, (out, width));
                }
            }
        };
    }
    match b.elements {
        Elements::F32(values) => pack_block_portable(values, b, (first, columns, width), rows, precision, out),
        Elements::Bf16(values) => pack_block_portable(values, b, (first, columns, width), rows, precision, out),
    }
}

fn pack_block_portable<T: Value>(
    values: &[T],
    b: &MatrixView<'_>,
    (first, columns, width): (usize, usize, usize),
    (top, bottom): (usize, usize),
    precision: Precision,
    out: &mut [u32],
) {
    out.fill(0);
    for column in 0..columns {
        let base = (first + column) * b.column_stride;
        for row in top..bottom {
            let value = values[base + row * b.row_stride].get();
            let offset = row - top;
            match precision {
                Precision::F32 => out[offset * width + column] = value.to_bits(),
                Precision::Bf16 => out[offset / 2 * width + column] |= bf16_bits(value) << (16 * (offset % 2)),
            }
        }
    }
}

/// Words of one contiguous run of values.
#[inline]
pub(crate) fn pack_run(values: &[f32], precision: Precision, words: &mut [u32]) {
    match precision {
        Precision::F32 => {
            for (word, value) in words.iter_mut().zip(values) {
                *word = value.to_bits();
            }
        }
        Precision::Bf16 => {
            assert!(words.len() * 2 >= values.len(), "a word for each pair");
            #[cfg(target_arch = "x86_64")]
            if simd_level() >= SimdLevel::Avx512Bf16 {
                // SAFETY: the level says that the processor has these instructions.
                return unsafe { avx512::run(values, words) };
            }
            let halves = Tile::halves_mut(words);
            round_run(values, halves);
            if values.len() % 2 == 1 {
                halves[values.len()] = 0;
            }
        }
    }
}

vectorised! {
    fn round_run(values: &[f32], halves: &mut [u16]) {
        for (half, value) in halves.iter_mut().zip(values) { *half = bf16_bits(*value) as u16; }
    }
}

/// The words of rows `first..first + rows` of `a`, for any strides, each row's `distance` words behind the one before; what lies between
/// is left as it is.
pub(crate) fn pack_rows(a: &MatrixView<'_>, (first, rows): (usize, usize), precision: Precision, (panel, distance): (&mut [u32], usize)) {
    let length = a.columns.div_ceil(lane(precision));
    assert!(distance >= length && panel.len() == rows * distance, "the words of the panel");
    if length == 0 {
        return;
    }
    for (row, words) in panel.chunks_exact_mut(distance).enumerate() {
        let words = &mut words[..length];
        let start = (first + row) * a.row_stride;
        match a.elements {
            Elements::F32(values) if a.column_stride == 1 => pack_run(&values[start..][..a.columns], precision, words),
            Elements::F32(values) => pack_strided(&values[start..], (a.columns, a.column_stride), precision, words),
            Elements::Bf16(values) => pack_strided(&values[start..], (a.columns, a.column_stride), precision, words),
        }
    }
}

fn pack_strided<T: Value>(values: &[T], (count, stride): (usize, usize), precision: Precision, words: &mut [u32]) {
    let at = |index: usize| if index < count { values[index * stride].get() } else { 0.0 };
    for (group, word) in words.iter_mut().enumerate() {
        *word = match precision {
            Precision::F32 => at(group).to_bits(),
            Precision::Bf16 => bf16_bits(at(2 * group)) | (bf16_bits(at(2 * group + 1)) << 16),
        };
    }
}

/// Words `[tiles, groups, across]` of rows `first..first + rows` of `a`, whose rows must be neighbours (`row_stride` 1): nothing is
/// transposed, each pair of vectors along `k` becomes one vector of words.
pub(crate) fn pack_interleaved(
    a: &MatrixView<'_>,
    values: &[f32],
    (first, rows): (usize, usize),
    across: usize,
    precision: Precision,
    panel: &mut [u32],
) {
    let groups = a.columns.div_ceil(lane(precision));
    assert!(a.row_stride == 1 && across <= VECTOR && panel.len() == rows.div_ceil(across) * across * groups, "an interleaved panel");
    #[cfg(target_arch = "x86_64")]
    if simd_level() >= SimdLevel::Avx512Bf16 && groups > 0 && rows > 0 {
        // SAFETY: the level says that the processor has these instructions; the view's constructor has checked its last value.
        return unsafe { avx512::interleaved(&values[first..], a.column_stride, (a.columns, rows), (across, precision), panel) };
    }
    for (index, word) in panel.iter_mut().enumerate() {
        let (tile, group, row) = (index / (groups * across), index / across % groups, index % across);
        let row = first + tile * across + row;
        let at = |k: usize| if row < first + rows && k < a.columns { values[k * a.column_stride + row] } else { 0.0 };
        *word = match precision {
            Precision::F32 => at(group).to_bits(),
            Precision::Bf16 => bf16_bits(at(2 * group)) | (bf16_bits(at(2 * group + 1)) << 16),
        };
    }
}

/// Transposes `[count, rows]` values, `stride` apart along `count`, to `rows` runs of `count` rounded values, `step` halves apart.
/// The halves of a last odd value's missing partner are left as they are.
pub(crate) fn transpose_runs(
    values: &[f32],
    (count, stride): (usize, usize),
    rows: usize,
    precision: Precision,
    (out, step): (&mut [u16], usize),
) {
    if count == 0 || rows == 0 {
        return;
    }
    let run = count * 2 / lane(precision);
    assert!((count - 1) * stride + rows <= values.len() && (rows - 1) * step + run <= out.len(), "runs outside their buffers");
    #[cfg(target_arch = "x86_64")]
    if simd_level() >= SimdLevel::Avx512Bf16 {
        // SAFETY: the level says that the processor has these instructions; the assertion bounds what is read and written.
        return unsafe { avx512::transpose(values, (count, stride), rows, precision, (out, step)) };
    }
    for row in 0..rows {
        let out = &mut out[row * step..][..run];
        for index in 0..count {
            let value = values[index * stride + row];
            match precision {
                Precision::F32 => {
                    out[2 * index] = value.to_bits() as u16;
                    out[2 * index + 1] = (value.to_bits() >> 16) as u16;
                }
                Precision::Bf16 => out[index] = bf16_bits(value) as u16,
            }
        }
    }
}

/// Writes `count` pixels of `channels` values as halves, `padded` values to a pixel; the padding is zero.
pub(crate) fn pack_pixels(values: &[f32], (channels, padded): (usize, usize), precision: Precision, words: &mut [u32]) {
    if channels == padded {
        return pack_run(values, precision, words);
    }
    words.fill(0);
    match precision {
        Precision::F32 => {
            for (words, pixel) in words.chunks_exact_mut(padded).zip(values.chunks_exact(channels)) {
                for (word, value) in words.iter_mut().zip(pixel) {
                    *word = value.to_bits();
                }
            }
        }
        Precision::Bf16 => {
            #[cfg(target_arch = "x86_64")]
            if simd_level() >= SimdLevel::Avx512Bf16 && VECTOR.is_multiple_of(padded) {
                // SAFETY: the level says that the processor has these instructions.
                return unsafe { avx512::pixels(values, (channels, padded), words) };
            }
            let halves = Tile::halves_mut(words);
            for (halves, pixel) in halves.chunks_exact_mut(padded).zip(values.chunks_exact(channels)) {
                for (half, value) in halves.iter_mut().zip(pixel) {
                    *half = bf16_bits(*value) as u16;
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[path = "packing_avx512.rs"]
mod avx512;
