//! Operands of products: strided views, and the packed right-hand side.

use crate::element::{Elements, Precision};
use crate::gemm::expansion::expand;
use crate::gemm::microkernel::VECTOR;
use crate::gemm::packing::pack_block;
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::storage::Storage;

/// Version of the layouts of packed operands, here and in [`crate::conv`] and [`crate::int8`]: to be raised with every change of them.
/// No instruction set has a layout of its own.
pub const LAYOUT: u32 = 1;
/// Columns of a packed block: four vectors of sixteen f32 sums, as many as the micro-kernel keeps in registers.
pub const BLOCK_COLUMNS: usize = 64;
/// Words of a packing task: large enough that taking it costs nothing, small enough that both ends of a job stay busy.
const TASK_WORDS: usize = 32_768;

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

    /// The columns of a range.
    pub(crate) fn columns_in(&self, range: std::ops::Range<usize>) -> Self {
        let skip = range.start * self.column_stride;
        let elements = match self.elements {
            Elements::F32(values) => Elements::F32(&values[skip.min(values.len())..]),
            Elements::Bf16(values) => Elements::Bf16(&values[skip.min(values.len())..]),
        };
        Self { elements, columns: range.len(), ..*self }
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }
}

/// The right-hand side `[k, n]` of a product: per block of 64 columns, per group of `lane` rows (1 in f32, 2 in bf16), the block's
/// words of `lane` values each. The last block is as many vectors of 16 columns wide as it needs; ragged ends are zero.
#[derive(Debug, Clone)]
pub struct PackedMatrix {
    k: usize,
    n: usize,
    precision: Precision,
    words: Storage<u32>,
}

impl PackedMatrix {
    /// Packs `b`.
    pub fn pack(b: &MatrixView<'_>, precision: Precision) -> Self {
        let mut packed = Self::empty(precision);
        packed.pack_into(b);
        packed
    }

    /// The matrix that [`Self::words`] of such a matrix make; `None` if they are not as many.
    pub fn from_words((k, n): (usize, usize), precision: Precision, words: Storage<u32>) -> Option<Self> {
        let length = n.checked_next_multiple_of(VECTOR)?.checked_mul(groups(k, precision))?;
        (words.len() == length).then_some(Self { k, n, precision, words })
    }

    /// The matrix of no values, to be packed into.
    pub fn empty(precision: Precision) -> Self {
        Self { k: 0, n: 0, precision, words: Vec::new().into() }
    }

    /// Packs another matrix in place of this one, reusing its memory.
    pub fn pack_into(&mut self, b: &MatrixView<'_>) {
        (self.k, self.n) = (b.rows, b.columns);
        let groups = self.groups();
        let length = self.n.next_multiple_of(VECTOR) * groups;
        let words = self.words.own();
        if length <= words.len() {
            words.truncate(length);
        } else {
            *words = vec![0; length];
        }
        if length == 0 {
            return;
        }
        let blocks = self.n.div_ceil(BLOCK_COLUMNS);
        // An even number of groups, so that a part starts at a whole vector of words whichever way it is read.
        let part = (TASK_WORDS / BLOCK_COLUMNS).min(groups);
        let parts = groups.div_ceil(part);
        let precision = self.precision;
        let words = SharedSlice::new(words);
        parallel_for(blocks * parts, &|task| {
            let (block, first) = (task / parts, task % parts * part);
            let width = (b.columns - block * BLOCK_COLUMNS).min(BLOCK_COLUMNS).next_multiple_of(VECTOR);
            let count = part.min(groups - first);
            // SAFETY: tasks have disjoint ranges of groups.
            let out = unsafe { words.range(block * BLOCK_COLUMNS * groups + first * width, count * width) };
            pack_block(b, (block * BLOCK_COLUMNS, width), (first, count), precision, out);
        });
    }

    /// The matrix of f32 words whose products have the bits of this one's, made of bfloat16 pairs, if the left-hand side is
    /// [expanded](crate::gemm::expansion), too.
    pub(crate) fn expanded(&self) -> Self {
        debug_assert_eq!(self.precision, Precision::Bf16);
        let mut words = Vec::with_capacity(2 * self.words.len());
        let mut buffer = Vec::new();
        for block in 0..self.n.div_ceil(BLOCK_COLUMNS) {
            let (block, vectors) = self.block(block);
            words.extend_from_slice(expand(block, vectors * VECTOR, &mut buffer));
        }
        Self { k: 2 * self.groups(), n: self.n, precision: Precision::F32, words: words.into() }
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
    /// The packed values, the same on every processor ([`LAYOUT`]).
    pub fn words(&self) -> &Storage<u32> {
        &self.words
    }
    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.words.len() * 4
    }
    /// Words per column: `k` values, one or two to a word.
    pub fn groups(&self) -> usize {
        groups(self.k, self.precision)
    }
    /// The words of one block of columns, and its width in vectors.
    pub(crate) fn block(&self, block: usize) -> (&[u32], usize) {
        let first = block * BLOCK_COLUMNS;
        let width = (self.n - first).min(BLOCK_COLUMNS).next_multiple_of(VECTOR);
        (&self.words[first * self.groups()..][..width * self.groups()], width / VECTOR)
    }
}

/// Words that `k` values take.
pub(crate) fn groups(k: usize, precision: Precision) -> usize {
    match precision {
        Precision::F32 => k,
        Precision::Bf16 => k.div_ceil(2),
    }
}

#[inline(always)]
pub(crate) fn value_at(elements: &Elements<'_>, index: usize) -> f32 {
    match elements {
        Elements::F32(values) => values[index],
        Elements::Bf16(values) => values[index].to_f32(),
    }
}
