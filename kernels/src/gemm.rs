//! Matrix products with fused epilogues.
//!
//! Each element of the result is one chain of fused multiply-adds over `k`, in order, whatever tile it falls into: its
//! bits depend on its own row, its own column and the epilogue alone.

mod microkernel;

use crate::element::{Activation, Elements, Precision};

use crate::matrix::{BLOCK_COLUMNS, MatrixView, PackedMatrix, bf16_bits, groups, value_at};
use crate::pool::{parallel_for, threads};
use crate::shared::SharedSlice;
use std::cell::RefCell;

/// Rows of a micro-tile: 6 × 4 sums, 4 vectors of B and 2 of A fit the 32 registers.
const TILE_ROWS: usize = 6;
/// Rows of a task's panel of A; a multiple of the tile, small enough that the panel stays in L2 for K up to 4096.
const PANEL_ROWS: usize = 96;
/// Tasks per thread that keep both ends of a job busy.
const TASKS_PER_THREAD: usize = 8;

/// Whether a product replaces what the output held or adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accumulate {
    /// The output's old values are not read.
    #[default]
    Replace,
    /// The product is added to them.
    Add,
}

/// A factor for each column that groups of rows share.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// `[groups, n]`.
    pub values: &'a [f32],
    /// Rows that one group stands for.
    pub rows_per_group: usize,
}

/// What happens to a sum before it is stored: `residual + gate * activation(sum + bias)`, then stored or added.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// `[n]`.
    pub bias: Option<&'a [f32]>,
    /// Applied after the bias.
    pub activation: Activation,
    /// Applied after the activation.
    pub gate: Option<Gate<'a>>,
    /// `[m, n]`.
    pub residual: Option<&'a [f32]>,
    /// Replace or add.
    pub accumulate: Accumulate,
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Self { bias: None, activation: Activation::Identity, gate: None, residual: None, accumulate: Accumulate::Replace }
    }
}

thread_local! { static PANEL: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) }; }

/// `out[m, n] = epilogue(a[m, k] · b[k, n])`.
pub fn gemm(a: &MatrixView<'_>, b: &PackedMatrix, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    assert_eq!(a.columns, b.k(), "inner dimensions differ");
    gemm_rows(a.rows, b, epilogue, out, &|first, rows, panel| pack_rows(a, first, rows, b.precision(), panel));
}

/// The product of rows that `pack(first, rows, panel)` writes as words `[rows, groups]`: the convolution gathers its patches there.
pub(crate) fn gemm_rows(
    m: usize,
    b: &PackedMatrix,
    epilogue: &Epilogue<'_>,
    out: &mut [f32],
    pack: &(dyn Fn(usize, usize, &mut [u32]) + Sync),
) {
    let n = b.n();
    assert_eq!(out.len(), m * n, "the output is not [m, n]");
    if m == 0 || n == 0 {
        return;
    }
    let blocks = n.div_ceil(BLOCK_COLUMNS);
    let panels = m.div_ceil(PANEL_ROWS);
    let wanted = (threads() * TASKS_PER_THREAD).div_ceil(panels).clamp(1, blocks);
    let blocks_per_task = blocks.div_ceil(wanted);
    let column_tasks = blocks.div_ceil(blocks_per_task);
    let length = b.groups();
    let out = SharedSlice::new(out);
    parallel_for(panels * column_tasks, &|task| {
        let (panel_index, column_task) = (task / column_tasks, task % column_tasks);
        let first = panel_index * PANEL_ROWS;
        let rows = PANEL_ROWS.min(m - first);
        PANEL.with_borrow_mut(|panel| {
            panel.resize(PANEL_ROWS.max(rows) * length.max(1), 0);
            let panel = &mut panel[..rows * length];
            pack(first, rows, panel);
            for block in column_task * blocks_per_task..((column_task + 1) * blocks_per_task).min(blocks) {
                let columns = BLOCK_COLUMNS.min(n - block * BLOCK_COLUMNS);
                let mut row = 0;
                while row < rows {
                    let height = TILE_ROWS.min(rows - row);
                    let mut sums = [[0.0_f32; BLOCK_COLUMNS]; TILE_ROWS];
                    microkernel::tile(
                        &panel[row * length..(row + height) * length],
                        length,
                        b.block(block),
                        b.precision(),
                        columns,
                        &mut sums,
                    );
                    for (offset, sums) in sums.iter_mut().take(height).enumerate() {
                        let at = (first + row + offset) * n + block * BLOCK_COLUMNS;
                        // SAFETY: tasks write disjoint rectangles of the output.
                        let out = unsafe { out.range(at, columns) };
                        finish(&mut sums[..columns], first + row + offset, block * BLOCK_COLUMNS, (n, epilogue), out);
                    }
                    row += height;
                }
            }
        });
    });
}

#[inline(always)]
fn finish(sums: &mut [f32], row: usize, column: usize, (n, epilogue): (usize, &Epilogue<'_>), out: &mut [f32]) {
    if let Some(bias) = epilogue.bias {
        for (sum, bias) in sums.iter_mut().zip(&bias[column..]) {
            *sum += bias;
        }
    }
    if epilogue.activation != Activation::Identity {
        epilogue.activation.apply_all(sums);
    }
    if let Some(gate) = &epilogue.gate {
        let gate = &gate.values[row / gate.rows_per_group * n + column..];
        for (sum, gate) in sums.iter_mut().zip(gate) {
            *sum *= gate;
        }
    }
    if let Some(residual) = epilogue.residual {
        for (sum, residual) in sums.iter_mut().zip(&residual[row * n + column..]) {
            *sum += residual;
        }
    }
    match epilogue.accumulate {
        Accumulate::Replace => out.copy_from_slice(sums),
        Accumulate::Add => {
            for (out, sum) in out.iter_mut().zip(sums.iter()) {
                *out += sum;
            }
        }
    }
}

/// Words `[rows, groups]` of `rows` rows of `a`.
fn pack_rows(a: &MatrixView<'_>, first: usize, rows: usize, precision: Precision, panel: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::dispatch::simd_level() >= crate::dispatch::SimdLevel::Avx512 {
        // SAFETY: the level says that the processor has these instructions.
        return unsafe { pack_rows_avx512(a, first, rows, precision, panel) };
    }
    pack_rows_portable(a, first, rows, precision, panel);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn pack_rows_avx512(a: &MatrixView<'_>, first: usize, rows: usize, precision: Precision, panel: &mut [u32]) {
    pack_rows_portable(a, first, rows, precision, panel);
}

#[inline(always)]
fn pack_rows_portable(a: &MatrixView<'_>, first: usize, rows: usize, precision: Precision, panel: &mut [u32]) {
    let length = groups(a.columns, precision);
    if length == 0 {
        return;
    }
    match a.elements {
        Elements::F32(values) if a.column_stride == 1 => {
            for (row, words) in panel.chunks_exact_mut(length).enumerate() {
                pack_run(&values[(first + row) * a.row_stride..][..a.columns], precision, words);
            }
        }
        Elements::F32(values) if a.row_stride == 1 => pack_transposed(values, a, (first, rows), precision, panel),
        elements => {
            for (row, words) in panel.chunks_exact_mut(length).enumerate() {
                let at = |column: usize| value_at(&elements, (first + row) * a.row_stride + column * a.column_stride);
                match precision {
                    Precision::F32 => {
                        for (column, word) in words.iter_mut().enumerate() {
                            *word = at(column).to_bits();
                        }
                    }
                    Precision::Bf16 => {
                        for (group, word) in words.iter_mut().enumerate() {
                            let high = if 2 * group + 1 < a.columns { bf16_bits(at(2 * group + 1)) } else { 0 };
                            *word = bf16_bits(at(2 * group)) | (high << 16);
                        }
                    }
                }
            }
        }
    }
}

/// Words of one contiguous run of values.
#[inline(always)]
pub(crate) fn pack_run(values: &[f32], precision: Precision, words: &mut [u32]) {
    match precision {
        Precision::F32 => {
            for (word, value) in words.iter_mut().zip(values) {
                *word = value.to_bits();
            }
        }
        Precision::Bf16 => {
            let pairs = values.chunks_exact(2);
            if let [last] = pairs.remainder() {
                words[values.len() / 2] = bf16_bits(*last);
            }
            for (word, pair) in words.iter_mut().zip(pairs) {
                *word = bf16_bits(pair[0]) | (bf16_bits(pair[1]) << 16);
            }
        }
    }
}

/// As [`pack_rows`] where rows lie next to each other: small square blocks keep both sides in L1.
#[inline(always)]
fn pack_transposed(values: &[f32], a: &MatrixView<'_>, (first, rows): (usize, usize), precision: Precision, panel: &mut [u32]) {
    let length = groups(a.columns, precision);
    match precision {
        Precision::F32 => {
            for column in 0..a.columns {
                for (row, value) in values[column * a.column_stride + first..][..rows].iter().enumerate() {
                    panel[row * length + column] = value.to_bits();
                }
            }
        }
        Precision::Bf16 => {
            const STEP: usize = 16;
            for start in (0..length).step_by(STEP) {
                let count = STEP.min(length - start);
                for row in (0..rows).step_by(STEP) {
                    let height = STEP.min(rows - row);
                    let mut block = [[0_u32; STEP]; STEP];
                    for (group, block) in block.iter_mut().enumerate().take(count) {
                        let column = 2 * (start + group);
                        let low = &values[column * a.column_stride + first + row..][..height];
                        for (word, value) in block.iter_mut().zip(low) {
                            *word = bf16_bits(*value);
                        }
                        if column + 1 < a.columns {
                            let high = &values[(column + 1) * a.column_stride + first + row..][..height];
                            for (word, value) in block.iter_mut().zip(high) {
                                *word |= bf16_bits(*value) << 16;
                            }
                        }
                    }
                    for offset in 0..height {
                        for (group, block) in block.iter().enumerate().take(count) {
                            panel[(row + offset) * length + start + group] = block[offset];
                        }
                    }
                }
            }
        }
    }
}
