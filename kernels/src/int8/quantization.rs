//! Rounds rows of values to 8-bit integers.

use super::microkernel::LANE;
use crate::element::Elements;
use crate::matrix::MatrixView;
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;

/// The largest integer. -128 is not used, so that a value and its negative round alike.
const LARGEST: f32 = 127.0;
/// Rows whose largest magnitude is below count as zero: the factor that fills the range would come near the largest f32.
const SMALLEST_MAGNITUDE: f32 = 1e-30;
/// 1.5 · 2²³: adding it rounds to the nearest integer, ties to even, and leaves that integer in the last bits.
const MAGIC: f32 = 12_582_912.0;
/// Rows of a task.
const TASK_ROWS: usize = 16;
/// What turns a signed byte into one with 128 added.
const ADD_128: u8 = 0x80;

vectorised! {
    /// Bits of the largest magnitude. As integers, NaN is larger than infinity, which is larger than the rest.
    fn largest_magnitude(values: &[f32]) -> u32 {
        values.iter().fold(0, |largest, value| largest.max(value.to_bits() & 0x7fff_ffff))
    }

    /// The low byte of each rounded product, with the bits of `flip` exchanged.
    fn round_all(values: &[f32], factor: f32, flip: u8, out: &mut [u8]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = (value * factor + MAGIC).to_bits() as u8 ^ flip;
        }
    }
}

/// Writes `round(value / scale)` in -127..=127 as bytes with the bits of `flip` exchanged, and returns the scale: the largest
/// magnitude over 127. Bytes behind the values stand for zero. NaN and infinities make the scale NaN and all integers zero.
pub(crate) fn quantize_row(values: &[f32], flip: u8, out: &mut [u8]) -> f32 {
    let (out, rest) = out.split_at_mut(values.len());
    rest.fill(flip);
    let largest = f32::from_bits(largest_magnitude(values));
    if !largest.is_finite() || largest < SMALLEST_MAGNITUDE {
        out.fill(flip);
        return if largest.is_finite() { 0.0 } else { f32::NAN };
    }
    round_all(values, LARGEST / largest, flip, out);
    largest / LARGEST
}

/// Reads rows of a view of any strides and type as f32.
#[derive(Default)]
pub(crate) struct RowReader {
    values: Vec<f32>,
}

impl RowReader {
    /// One row.
    pub fn row<'a>(&'a mut self, view: &MatrixView<'a>, row: usize) -> &'a [f32] {
        let start = (row * view.row_stride).min(view.elements.len());
        self.values.clear();
        match view.elements {
            Elements::F32(values) if view.column_stride == 1 => return &values[start..][..view.columns],
            Elements::Bf16(values) if view.column_stride == 1 => {
                self.values.extend(values[start..][..view.columns].iter().map(|value| f32::from_bits(u32::from(value.to_bits()) << 16)));
            }
            Elements::F32(values) => self.values.extend(values[start..].iter().step_by(view.column_stride.max(1)).take(view.columns)),
            Elements::Bf16(values) => {
                let values = values[start..].iter().step_by(view.column_stride.max(1)).take(view.columns);
                self.values.extend(values.map(|value| value.to_f32()));
            }
        }
        &self.values
    }
}

/// Rows of activations as bytes, 128 added to each integer, and their scales.
pub(super) struct QuantizedRows {
    groups: usize,
    words: Vec<[u8; LANE]>,
    scales: Vec<f32>,
    reader: RowReader,
}

impl QuantizedRows {
    /// None.
    pub const fn new() -> Self {
        Self { groups: 0, words: Vec::new(), scales: Vec::new(), reader: RowReader { values: Vec::new() } }
    }

    /// All rows of `a`, on the pool.
    pub fn of(a: &MatrixView<'_>) -> Self {
        let groups = a.columns.div_ceil(LANE);
        let (mut words, mut scales) = (vec![[0; LANE]; a.rows * groups], vec![0.0; a.rows]);
        {
            let (words, scales) = (SharedSlice::new(&mut words), SharedSlice::new(&mut scales));
            parallel_for(a.rows.div_ceil(TASK_ROWS), &|task| {
                let first = task * TASK_ROWS;
                let count = TASK_ROWS.min(a.rows - first);
                // SAFETY: tasks have disjoint rows.
                let (words, scales) = unsafe { (words.range(first * groups, count * groups), scales.range(first, count)) };
                fill(a, first, &mut RowReader::default(), (words, scales));
            });
        }
        Self { groups, words, scales, reader: RowReader::default() }
    }

    /// Replaces the content by some rows of `a`.
    pub fn fill(&mut self, a: &MatrixView<'_>, first: usize, rows: usize) {
        self.groups = a.columns.div_ceil(LANE);
        let length = rows * self.groups;
        self.words.resize(length.max(self.words.len()), [0; LANE]);
        self.scales.resize(rows.max(self.scales.len()), 0.0);
        fill(a, first, &mut self.reader, (&mut self.words[..length], &mut self.scales[..rows]));
    }

    /// Words `[count, groups]` and scales of rows from `first`.
    pub fn rows(&self, first: usize, count: usize) -> (&[[u8; LANE]], &[f32]) {
        (&self.words[first * self.groups..][..count * self.groups], &self.scales[first..][..count])
    }
}

fn fill(a: &MatrixView<'_>, first: usize, reader: &mut RowReader, (words, scales): (&mut [[u8; LANE]], &mut [f32])) {
    let groups = a.columns.div_ceil(LANE);
    for (row, scale) in scales.iter_mut().enumerate() {
        *scale = quantize_row(reader.row(a, first + row), ADD_128, words[row * groups..][..groups].as_flattened_mut());
    }
}
