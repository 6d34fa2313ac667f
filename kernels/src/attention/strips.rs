use crate::element::{Elements, Precision};
use crate::gemm::microkernel::VECTOR;
use crate::gemm::packing::{bf16_bits, lane};
use crate::matrix::{BLOCK_COLUMNS, MatrixView};
use crate::vectorise::vectorised;
use std::ops::Range;

/// A right-hand side `[k, n]` cut into strips of sixteen columns, as words of f32 in the order in which [`crate::gemm`] sums them.
#[derive(Clone, Default)]
pub(super) struct Strips {
    words: Vec<[u32; VECTOR]>,
    /// Words along `k`.
    groups: usize,
}

impl Strips {
    /// Takes the place of what they held, in its memory.
    pub fn fill(&mut self, b: &MatrixView<'_>, precision: Precision) {
        let Elements::F32(values) = b.elements else { unreachable!("keys and values are f32") };
        self.groups = b.rows.next_multiple_of(lane(precision));
        self.words.resize(b.columns.div_ceil(VECTOR) * self.groups, [0; VECTOR]);
        for (strip, words) in self.words.chunks_exact_mut(self.groups.max(1)).enumerate() {
            let first = strip * VECTOR;
            let size = (b.rows, VECTOR.min(b.columns - first));
            let values = values.get(first * b.column_stride..).unwrap_or_default();
            fill(values, size, (b.row_stride, b.column_stride), precision, words);
        }
    }

    /// The strips of a block of columns.
    pub fn of_block(&self, block: usize) -> Range<usize> {
        const VECTORS: usize = BLOCK_COLUMNS / VECTOR;
        let count = self.words.len().checked_div(self.groups).unwrap_or_default();
        block * VECTORS..count.min((block + 1) * VECTORS)
    }

    /// Words from `first` of a strip, or nothing behind the last one.
    pub fn part(&self, strip: usize, (first, length): (usize, usize)) -> &[u32] {
        let words = self.words.as_flattened();
        let length_of_one = self.groups * VECTOR;
        words.get(strip * length_of_one..(strip + 1) * length_of_one).map_or(&[], |words| &words[first * VECTOR..][..length * VECTOR])
    }
}

vectorised! {
    /// One strip of `size` (rows, columns) values that lie `strides` apart.
    fn fill(values: &[f32], size: (usize, usize), strides: (usize, usize), precision: Precision, words: &mut [[u32; VECTOR]]) {
        let (rows, columns) = size;
        for row in 0..rows {
            let values = &values[row * strides.0..];
            let mut lanes = [0.0; VECTOR];
            match values.first_chunk::<VECTOR>() {
                Some(whole) if strides.1 == 1 && columns == VECTOR => lanes = *whole,
                _ => for (column, lane) in lanes[..columns].iter_mut().enumerate() { *lane = values[column * strides.1]; },
            }
            match precision {
                Precision::F32 => words[row] = lanes.map(f32::to_bits),
                // Of two values that share a word, the second is summed first.
                Precision::Bf16 => words[row ^ 1] = lanes.map(|value| bf16_bits(value) << 16),
            }
        }
        if words.len() > rows { words[rows - 1] = [0; VECTOR]; }
    }
}
