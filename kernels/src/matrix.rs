//! Operands of products: strided views, and the packed right-hand side.

use crate::dispatch::{SimdLevel, simd_level};
use crate::element::{Elements, Precision};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;

/// Columns of a packed block: four vectors of sixteen f32 sums, as many as the micro-kernel keeps in registers.
pub const BLOCK_COLUMNS: usize = 64;

/// A matrix over borrowed values with any strides; a transpose is a view.
#[derive(Debug, Clone, Copy)]
pub struct MatrixView<'a> {
    /// The values.
    pub elements: Elements<'a>,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Distance between rows, in values.
    pub row_stride: usize,
    /// Distance between columns, in values.
    pub column_stride: usize,
}

impl<'a> MatrixView<'a> {
    /// A row-major f32 matrix.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::from_elements(Elements::F32(values), rows, columns)
    }

    /// A row-major matrix.
    pub fn from_elements(elements: Elements<'a>, rows: usize, columns: usize) -> Self {
        Self::strided(elements, (rows, columns), (columns, 1))
    }

    /// A matrix with `strides` (rows, columns); panics if the last value lies outside.
    pub fn strided(elements: Elements<'a>, size: (usize, usize), strides: (usize, usize)) -> Self {
        let (rows, columns) = size;
        if rows > 0 && columns > 0 {
            let last = (rows - 1) * strides.0 + (columns - 1) * strides.1;
            assert!(last < elements.len(), "a {rows}×{columns} view with strides {strides:?} reaches past {} values", elements.len());
        }
        Self { elements, rows, columns, row_stride: strides.0, column_stride: strides.1 }
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }
}

/// The right-hand side `[k, n]` of a product: per block of 64 columns, per group of `lane` rows (1 in f32, 2 in bf16), 64 words of
/// `lane` values. Ragged ends are zero.
#[derive(Debug, Clone)]
pub struct PackedMatrix {
    k: usize,
    n: usize,
    precision: Precision,
    words: Vec<u32>,
}

impl PackedMatrix {
    /// Packs `b`.
    pub fn pack(b: &MatrixView<'_>, precision: Precision) -> Self {
        let mut packed = Self { k: 0, n: 0, precision, words: Vec::new() };
        packed.pack_into(b);
        packed
    }

    /// Packs another matrix in place of this one, reusing its memory.
    pub fn pack_into(&mut self, b: &MatrixView<'_>) {
        (self.k, self.n) = (b.rows, b.columns);
        let groups = self.groups();
        let blocks = self.n.div_ceil(BLOCK_COLUMNS);
        self.words.clear();
        self.words.resize(blocks * groups * BLOCK_COLUMNS, 0);
        let precision = self.precision;
        let words = SharedSlice::new(&mut self.words);
        parallel_for(blocks, &|block| {
            // SAFETY: blocks are disjoint.
            let out = unsafe { words.range(block * groups * BLOCK_COLUMNS, groups * BLOCK_COLUMNS) };
            pack_block(b, block * BLOCK_COLUMNS, precision, out);
        });
    }

    /// Inner dimension.
    pub fn k(&self) -> usize {
        self.k
    }
    /// Columns.
    pub fn n(&self) -> usize {
        self.n
    }
    /// How values were rounded.
    pub fn precision(&self) -> Precision {
        self.precision
    }
    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.words.len() * 4
    }
    /// Words per column: `k` values, one or two to a word.
    pub fn groups(&self) -> usize {
        groups(self.k, self.precision)
    }
    /// The words of one block of columns.
    pub(crate) fn block(&self, block: usize) -> &[u32] {
        let length = self.groups() * BLOCK_COLUMNS;
        &self.words[block * length..(block + 1) * length]
    }
}

/// Words that `k` values take.
pub(crate) fn groups(k: usize, precision: Precision) -> usize {
    match precision {
        Precision::F32 => k,
        Precision::Bf16 => k.div_ceil(2),
    }
}

/// bfloat16 bits of `value`, rounded to nearest even; NaN stays NaN.
#[inline(always)]
pub(crate) fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if value.is_nan() { (bits >> 16) | 0x40 } else { rounded }
}

#[inline(always)]
pub(crate) fn value_at(elements: &Elements<'_>, index: usize) -> f32 {
    match elements {
        Elements::F32(values) => values[index],
        Elements::Bf16(values) => values[index].to_f32(),
    }
}

fn pack_block(b: &MatrixView<'_>, first: usize, precision: Precision, out: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if simd_level() >= SimdLevel::Avx512 {
        // SAFETY: the level says that the processor has these instructions.
        return unsafe { pack_block_avx512(b, first, precision, out) };
    }
    pack_block_portable(b, first, precision, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn pack_block_avx512(b: &MatrixView<'_>, first: usize, precision: Precision, out: &mut [u32]) {
    pack_block_portable(b, first, precision, out);
}

#[inline(always)]
fn pack_block_portable(b: &MatrixView<'_>, first: usize, precision: Precision, out: &mut [u32]) {
    let width = BLOCK_COLUMNS.min(b.columns - first);
    match (b.elements, precision) {
        (Elements::F32(values), Precision::Bf16) if b.column_stride == 1 => {
            for (group, words) in out.chunks_exact_mut(BLOCK_COLUMNS).enumerate() {
                let low = &values[2 * group * b.row_stride + first..][..width];
                if 2 * group + 1 < b.rows {
                    let high = &values[(2 * group + 1) * b.row_stride + first..][..width];
                    for ((word, &low), &high) in words.iter_mut().zip(low).zip(high) {
                        *word = bf16_bits(low) | (bf16_bits(high) << 16);
                    }
                } else {
                    for (word, &low) in words.iter_mut().zip(low) {
                        *word = bf16_bits(low);
                    }
                }
            }
        }
        (Elements::F32(values), Precision::F32) if b.column_stride == 1 => {
            for (row, words) in out.chunks_exact_mut(BLOCK_COLUMNS).enumerate() {
                for (word, value) in words.iter_mut().zip(&values[row * b.row_stride + first..][..width]) {
                    *word = value.to_bits();
                }
            }
        }
        (elements, precision) => {
            for column in 0..width {
                let base = (first + column) * b.column_stride;
                match precision {
                    Precision::F32 => {
                        for row in 0..b.rows {
                            out[row * BLOCK_COLUMNS + column] = value_at(&elements, base + row * b.row_stride).to_bits();
                        }
                    }
                    Precision::Bf16 => {
                        for row in 0..b.rows {
                            let bits = bf16_bits(value_at(&elements, base + row * b.row_stride));
                            out[row / 2 * BLOCK_COLUMNS + column] |= bits << (16 * (row % 2));
                        }
                    }
                }
            }
        }
    }
}
