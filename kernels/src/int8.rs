//! Products of 8-bit integers: weights with a scale for each output column, activations with a scale for each row, found anew in
//! every call (W8A8, symmetric, rounded to nearest even).
//!
//! [`conv2d`] convolves with scales for each input channel that were measured beforehand.
//!
//! Sums are exact 32-bit integers, so every instruction set, tile and number of threads gives the same bits, and a row's result
//! depends on that row alone.

mod convolution;
mod microkernel;
pub(crate) mod quantization;
mod rotation;
mod strips;

pub use convolution::{ChannelSteps, MAX_K as MAX_CONVOLUTION_K, QuantizedFilter, conv2d, conv2d_at};
pub use rotation::{is_rotation, rotate_rows};

use crate::dispatch::{Int8Level, int8_level};
use crate::gemm::microkernel::VECTOR;
use crate::gemm::{ColumnSplit, Epilogue, finish};
use crate::matrix::{BLOCK_COLUMNS, MatrixView};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::storage::Storage;
use crate::strip;
use crate::vectorise::vectorised;
use microkernel::{LANE, MAX_ROWS, Start, Sums, Tile, tile_rows};
use quantization::{QuantizedRows, RowReader, quantize_row};
use std::array;
use std::cell::RefCell;
use std::ops::Range;
use strips::StripScratch;

/// Rows of a task's panel of A: as many bytes as the bfloat16 product's panel.
const PANEL_ROWS: usize = 192;
/// Words of a row that are multiplied at a time: that part of the panel and of a block of B stay in L2. Longer sums are interrupted.
const PART_GROUPS: usize = 1_024;
/// Blocks of columns whose interrupted sums stay in L2.
const INTERRUPTED_BLOCKS: usize = 4;
/// The longest sum: 127² times as many still fit into 32 bits.
pub const MAX_K: usize = 133_144;

/// The right-hand side `[k, n]` of a product, as integers in -127..=127 and a scale for each column. Per block of 64 columns, per group
/// of 4 rows, the block's words of 4 values each; ragged ends are zero.
#[derive(Debug, Clone)]
pub struct QuantizedMatrix {
    k: usize,
    n: usize,
    words: Storage<[i8; LANE]>,
    /// Of whole blocks.
    scales: Storage<f32>,
    /// What sums of whole blocks start from: activations are stored with 128 added, so that much times the column is taken off.
    starts: Storage<i32>,
}

impl QuantizedMatrix {
    /// Rounds and packs `b [k, n]`, no more than [`MAX_K`] rows; the scale of a column is its largest magnitude over 127.
    pub fn quantize(b: &MatrixView<'_>) -> Self {
        let columns = b.transposed();
        Self::build((b.rows, b.columns), &|column, reader, row| quantize_row(reader.row(&columns, column), 0, row))
    }

    /// Packs integers `[n, k]`, as checkpoints store them, with the scale of each of the `n` columns.
    pub fn from_rows(values: &[i8], (k, n): (usize, usize), scales: &[f32]) -> Self {
        assert!(values.len() == k * n && scales.len() == n, "integers [n, k] and a scale for each column");
        Self::build((k, n), &|column, _, row| {
            for (byte, value) in row.iter_mut().zip(&values[column * k..][..k]) {
                *byte = value.cast_unsigned();
            }
            scales[column]
        })
    }

    /// `fill` writes the integers of a column, behind which there is room, and returns its scale.
    fn build((k, n): (usize, usize), fill: &(dyn Fn(usize, &mut RowReader, &mut [u8]) -> f32 + Sync)) -> Self {
        assert!(k <= MAX_K, "sums of {k} products may not fit into 32 bits");
        let (groups, blocks) = (k.div_ceil(LANE), n.div_ceil(BLOCK_COLUMNS));
        let mut words = vec![[0; LANE]; n.next_multiple_of(VECTOR) * groups];
        let (mut scales, mut starts) = (vec![0.0; blocks * BLOCK_COLUMNS], vec![0; blocks * BLOCK_COLUMNS]);
        {
            let (words, scales, starts) = (SharedSlice::new(&mut words), SharedSlice::new(&mut scales), SharedSlice::new(&mut starts));
            parallel_for(blocks, &|block| {
                let first = block * BLOCK_COLUMNS;
                let count = BLOCK_COLUMNS.min(n - first);
                let width = count.next_multiple_of(VECTOR);
                // SAFETY: every task has its own block.
                let (words, scales, starts) = unsafe {
                    (words.range(first * groups, width * groups), scales.range(first, BLOCK_COLUMNS), starts.range(first, BLOCK_COLUMNS))
                };
                let (mut reader, mut square) = (RowReader::default(), vec![[0_u8; LANE]; VECTOR * groups]);
                for vector in (0..count).step_by(VECTOR) {
                    let end = count.min(vector + VECTOR);
                    for column in vector..end {
                        let row = square[(column - vector) * groups..][..groups].as_flattened_mut();
                        row.fill(0);
                        scales[column] = fill(first + column, &mut reader, row);
                        starts[column] = row.iter().map(|value| i32::from(value.cast_signed())).sum::<i32>().wrapping_mul(-128);
                    }
                    transpose(&square, (groups, end - vector), &mut words[vector..], width);
                }
            });
        }
        Self { k, n, words: words.into(), scales: scales.into(), starts: starts.into() }
    }

    /// The matrix that [`Self::parts`] of such a matrix make; `None` if they have other lengths.
    pub fn from_parts((k, n): (usize, usize), (words, scales, starts): (Storage<[i8; LANE]>, Storage<f32>, Storage<i32>)) -> Option<Self> {
        let length = n.checked_next_multiple_of(VECTOR)?.checked_mul(k.div_ceil(LANE))?;
        let columns = n.checked_next_multiple_of(BLOCK_COLUMNS)?;
        let fits = k <= MAX_K && words.len() == length && scales.len() == columns && starts.len() == columns;
        fits.then_some(Self { k, n, words, scales, starts })
    }

    /// The integers, the scales of columns and what their sums start from, the same on every processor ([`crate::matrix::LAYOUT`]).
    pub fn parts(&self) -> (&Storage<[i8; LANE]>, &Storage<f32>, &Storage<i32>) {
        (&self.words, &self.scales, &self.starts)
    }

    /// Inner dimension.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.words.len() * LANE + (self.scales.len() + self.starts.len()) * 4
    }

    /// What one step of the integers of each column stands for, `[n]`.
    pub fn scales(&self) -> &[f32] {
        &self.scales[..self.n]
    }

    fn block_scales(&self, block: usize) -> &[f32; BLOCK_COLUMNS] {
        &self.scales.as_chunks().0[block]
    }

    fn groups(&self) -> usize {
        self.k.div_ceil(LANE)
    }

    /// The words of one block of columns, and its width in vectors.
    fn block(&self, block: usize) -> (&[[i8; LANE]], usize) {
        let first = block * BLOCK_COLUMNS;
        let width = (self.n - first).min(BLOCK_COLUMNS).next_multiple_of(VECTOR);
        (&self.words[first * self.groups()..][..width * self.groups()], width / VECTOR)
    }
}

/// Integers and scales of rows of `width` values, each rounded as [`QuantizedMatrix::quantize`] rounds a column.
pub fn quantize_rows(values: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    let mut integers = vec![0_u8; values.len()];
    let scales = values.chunks_exact(width).zip(integers.chunks_exact_mut(width)).map(|(row, out)| quantize_row(row, 0, out)).collect();
    (integers.into_iter().map(u8::cast_signed).collect(), scales)
}

/// Words `[columns, groups]` to the first columns of `[groups, width]`, in squares that stay in L1.
fn transpose(square: &[[u8; LANE]], (groups, columns): (usize, usize), words: &mut [[i8; LANE]], width: usize) {
    for first in (0..groups).step_by(VECTOR) {
        for column in 0..columns {
            let part = &square[column * groups + first..][..VECTOR.min(groups - first)];
            for (group, word) in part.iter().enumerate() {
                words[(first + group) * width + column] = word.map(u8::cast_signed);
            }
        }
    }
}

/// `out[m, n] = epilogue(a[m, k] · b[k, n])`, the rows of `a` rounded to integers first. A row that holds a NaN or an infinity gives NaN.
pub fn gemm(a: &MatrixView<'_>, b: &QuantizedMatrix, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    gemm_at(int8_level(), a, b, epilogue, out);
}

/// As [`gemm`], with the instructions of a level, to compare levels; panics if the processor lacks them.
pub fn gemm_at(level: Int8Level, a: &MatrixView<'_>, b: &QuantizedMatrix, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    let (m, n) = (a.rows, b.n());
    assert!(level <= int8_level(), "this processor lacks {level:?}");
    assert_eq!(a.columns, b.k(), "inner dimensions differ");
    assert_eq!(out.len(), m * n, "the output is not [m, n]");
    epilogue.check(m, n);
    if m == 0 || n == 0 {
        return;
    }
    let panels = m.div_ceil(PANEL_ROWS);
    let split = ColumnSplit::new(n, panels);
    // Tasks that share a panel share its integers, too; a panel of one task is rounded there, and never leaves that core's cache.
    let shared = (split.tasks > 1).then(|| QuantizedRows::of(a));
    let out = SharedSlice::new(out);
    parallel_for(panels * split.tasks, &|task| {
        let first = task / split.tasks * PANEL_ROWS;
        let rows = PANEL_ROWS.min(m - first);
        let task = Task { level, b, epilogue, first, rows, blocks: split.blocks(task % split.tasks) };
        SCRATCH.with_borrow_mut(|Scratch { panel, sums, values, strips }| {
            let panel = if let Some(shared) = &shared {
                shared.rows(first, rows)
            } else {
                panel.fill(a, first, rows);
                panel.rows(0, rows)
            };
            if level == Int8Level::Avx2 && strip::strips(rows) {
                task.run_strips(panel, (strips, values), &out);
            } else {
                task.run(panel, (sums, values), &out);
            }
        });
    });
}

thread_local! { static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) }; }

/// What a task of a product writes along the way.
struct Scratch {
    panel: QuantizedRows,
    sums: Vec<Sums>,
    values: Values,
    strips: StripScratch,
}

impl Scratch {
    const fn new() -> Self {
        Self { panel: QuantizedRows::new(), sums: Vec::new(), values: [[0.0; BLOCK_COLUMNS]; MAX_ROWS], strips: StripScratch::new() }
    }
}

/// What a tile's sums stand for.
type Values = [[f32; BLOCK_COLUMNS]; MAX_ROWS];

/// Rows of A, and the blocks of columns that meet them.
struct Task<'a> {
    level: Int8Level,
    b: &'a QuantizedMatrix,
    epilogue: &'a Epilogue<'a>,
    first: usize,
    rows: usize,
    blocks: Range<usize>,
}

impl Task<'_> {
    /// `panel` holds the words `[rows, groups]` and the rows' scales.
    fn run(&self, panel: (&[[u8; LANE]], &[f32]), (sums, values): (&mut Vec<Sums>, &mut Values), out: &SharedSlice<'_, f32>) {
        let length = self.b.groups();
        let parts = length.div_ceil(PART_GROUPS).max(1);
        let most = if parts == 1 { self.blocks.len() } else { INTERRUPTED_BLOCKS };
        // A whole tile's height of room behind the last row, because the tallest tile may write that far.
        let rows = self.rows + MAX_ROWS;
        sums.resize(if parts == 1 { MAX_ROWS } else { most * rows }.max(sums.len()), [0; BLOCK_COLUMNS]);
        for start in self.blocks.clone().step_by(most) {
            let blocks = start..self.blocks.end.min(start + most);
            for part in 0..parts {
                let groups = part * length / parts..(part + 1) * length / parts;
                for block in blocks.clone() {
                    let height = tile_rows(self.b.block(block).1);
                    for row in (0..self.rows).step_by(height) {
                        let sums = if parts == 1 { &mut *sums } else { &mut sums[(block - start) * rows + row..] };
                        let height = height.min(self.rows - row);
                        let place = (row, height, block);
                        let is_last = part + 1 == parts;
                        if is_last {
                            self.fetch(place, out);
                        }
                        self.multiply(place, &groups, panel.0, sums);
                        if is_last {
                            scale_back(&sums[..height], &panel.1[row..][..height], self.b.block_scales(block), values);
                            self.store(place, values, out);
                        }
                    }
                }
            }
        }
    }

    fn multiply(&self, (row, height, block): (usize, usize, usize), groups: &Range<usize>, panel: &[[u8; LANE]], sums: &mut [Sums]) {
        let (words, vectors) = self.b.block(block);
        let length = self.b.groups();
        let starts = self.b.starts[block * BLOCK_COLUMNS..].first_chunk();
        let tile = Tile {
            a: panel,
            rows: array::from_fn(|offset| (row + offset.min(height - 1)) * length + groups.start),
            height,
            length: groups.len(),
            b: &words[groups.start * vectors * VECTOR..groups.end * vectors * VECTOR],
            vectors,
            start: if groups.start == 0 { starts.map_or(Start::Sums, Start::Columns) } else { Start::Sums },
        };
        tile.multiply(self.level, sums);
    }

    fn store(&self, (row, height, block): (usize, usize, usize), values: &mut Values, out: &SharedSlice<'_, f32>) {
        let targets: [usize; MAX_ROWS] = array::from_fn(|offset| self.first + row + offset);
        finish(values, &targets[..height], (block * BLOCK_COLUMNS, self.b.n()), self.epilogue, out);
    }

    /// Asks for the tile's place in the output while its sums are still being computed: a tile's stores would wait for memory.
    fn fetch(&self, (row, height, block): (usize, usize, usize), out: &SharedSlice<'_, f32>) {
        let (first, n) = (block * BLOCK_COLUMNS, self.b.n());
        for row in self.first + row..self.first + row + height {
            for column in (first..n.min(first + BLOCK_COLUMNS)).step_by(VECTOR) {
                // SAFETY: tasks write disjoint rectangles of the output.
                fetch(unsafe { out.range(row * n + column, 1) });
            }
        }
    }
}

#[inline(always)]
fn fetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that neither reads nor faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(values.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

vectorised! {
    /// Integers to what they stand for.
    fn scale_back(sums: &[Sums], rows: &[f32], columns: &[f32; BLOCK_COLUMNS], values: &mut Values) {
        for ((sums, row), values) in sums.iter().zip(rows).zip(values) {
            for ((value, sum), column) in values.iter_mut().zip(sums).zip(columns) {
                *value = *sum as f32 * column * row;
            }
        }
    }
}
