//! Matrix products with fused epilogues.
//!
//! Each element of the result is one chain of fused multiply-adds over `k`, in order, whatever tile it falls into: its
//! bits depend on its own row, its own column and the epilogue alone.

pub(crate) mod microkernel;
pub(crate) mod packing;

use crate::element::{Activation, Elements};
use crate::matrix::{BLOCK_COLUMNS, MatrixView, PackedMatrix};
use crate::pool::{parallel_for, threads};
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;
use microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use std::cell::RefCell;

/// Rows of a task's panel of A: a multiple of every tile's height, small enough that the panel stays in L2 for K up to 4096.
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

impl Epilogue<'_> {
    /// Panics unless its operands fit an output `[m, n]`.
    pub(crate) fn check(&self, m: usize, n: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() == n), "the bias is not [n]");
        assert!(self.residual.is_none_or(|residual| residual.len() == m * n), "the residual is not [m, n]");
        let fits = |gate: Gate<'_>| gate.rows_per_group > 0 && gate.values.len() >= m.div_ceil(gate.rows_per_group) * n;
        assert!(self.gate.is_none_or(fits), "the gate is not [groups, n]");
    }
}

thread_local! { static PANEL: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) }; }

/// `out[m, n] = epilogue(a[m, k] · b[k, n])`.
pub fn gemm(a: &MatrixView<'_>, b: &PackedMatrix, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    let (m, n) = (a.rows, b.n());
    assert_eq!(a.columns, b.k(), "inner dimensions differ");
    assert_eq!(out.len(), m * n, "the output is not [m, n]");
    epilogue.check(m, n);
    if m == 0 || n == 0 {
        return;
    }
    let panels = m.div_ceil(PANEL_ROWS);
    let split = ColumnSplit::new(n, panels);
    let out = SharedSlice::new(out);
    parallel_for(panels * split.tasks, &|task| {
        let first = task / split.tasks * PANEL_ROWS;
        let rows = PANEL_ROWS.min(m - first);
        PANEL.with_borrow_mut(|panel| multiply_panel(a, b, (first, rows), split.blocks(task % split.tasks), epilogue, (panel, &out)));
    });
}

/// Blocks of columns dealt to tasks, so that few rows occupy all threads too.
pub(crate) struct ColumnSplit {
    blocks: usize,
    per_task: usize,
    /// Tasks that share a panel.
    pub tasks: usize,
}

impl ColumnSplit {
    /// For `n` columns and a job of `panels` panels.
    pub fn new(n: usize, panels: usize) -> Self {
        let blocks = n.div_ceil(BLOCK_COLUMNS);
        let wanted = (threads() * TASKS_PER_THREAD).div_ceil(panels).clamp(1, blocks);
        let per_task = blocks.div_ceil(wanted);
        Self { blocks, per_task, tasks: blocks.div_ceil(per_task) }
    }

    /// The blocks of one task.
    pub fn blocks(&self, task: usize) -> std::ops::Range<usize> {
        task * self.per_task..((task + 1) * self.per_task).min(self.blocks)
    }
}

fn multiply_panel(
    a: &MatrixView<'_>,
    b: &PackedMatrix,
    (first, rows): (usize, usize),
    blocks: std::ops::Range<usize>,
    epilogue: &Epilogue<'_>,
    (panel, out): (&mut Vec<u32>, &SharedSlice<'_, f32>),
) {
    let (n, length, precision) = (b.n(), b.groups(), b.precision());
    let height = tile_rows(n.min(BLOCK_COLUMNS).div_ceil(VECTOR));
    panel.resize((rows.next_multiple_of(height) * length).max(panel.len()), 0);
    let neighbours = match a.elements {
        Elements::F32(values) if a.row_stride == 1 && a.column_stride != 1 => Some(values),
        _ => None,
    };
    let order = if let Some(values) = neighbours {
        let panel = &mut panel[..rows.next_multiple_of(height) * length];
        packing::pack_interleaved(a, values, (first, rows), height, precision, panel);
        Order::Groups(height)
    } else {
        packing::pack_rows(a, (first, rows), precision, &mut panel[..rows * length]);
        Order::Rows
    };
    let mut sums: Sums = [[0.0; BLOCK_COLUMNS]; MAX_ROWS];
    for block in blocks {
        let (words, vectors) = b.block(block);
        for row in (0..rows).step_by(height) {
            let tile = Tile {
                a: Tile::halves(panel),
                rows: std::array::from_fn(|offset| 2 * (row + offset) * length),
                height: height.min(rows - row),
                order,
                runs: (1, length, 0),
                b: words,
                vectors,
                precision,
                start: Start::Zero,
            };
            tile.multiply(&mut sums);
            let targets: [usize; MAX_ROWS] = std::array::from_fn(|offset| first + row + offset);
            finish(&mut sums, &targets[..tile.height], (block * BLOCK_COLUMNS, n), epilogue, out);
        }
    }
}

/// Passes the first `columns` columns of the product of packed rows, words `[rows, length]`, with `b` to `store(row, column, sums)`.
/// The rows may be shorter than `b` is high: what is missing counts as zero.
pub(crate) fn multiply_words(
    panel: &[u32],
    (rows, length): (usize, usize),
    b: &PackedMatrix,
    columns: usize,
    store: &mut dyn FnMut(usize, usize, &[f32]),
) {
    assert!(panel.len() == rows * length && length <= b.groups() && columns <= b.n(), "a part outside the product");
    let mut sums: Sums = [[0.0; BLOCK_COLUMNS]; MAX_ROWS];
    for column in (0..columns).step_by(BLOCK_COLUMNS) {
        let (words, vectors) = b.block(column / BLOCK_COLUMNS);
        let (height, width) = (tile_rows(vectors), BLOCK_COLUMNS.min(columns - column));
        for row in (0..rows).step_by(height) {
            let tile = Tile {
                a: Tile::halves(panel),
                rows: std::array::from_fn(|offset| 2 * (row + offset) * length),
                height: height.min(rows - row),
                order: Order::Rows,
                runs: (1, length, 0),
                b: words,
                vectors,
                precision: b.precision(),
                start: Start::Zero,
            };
            tile.multiply(&mut sums);
            for (offset, sums) in sums.iter().take(tile.height).enumerate() {
                store(row + offset, column, &sums[..width]);
            }
        }
    }
}

vectorised! {
    /// Applies the epilogue to a tile whose rows belong to the output's rows `targets`, at `place` (first column, `n`), and stores it.
    pub(crate) fn finish(
        sums: &mut Sums,
        targets: &[usize],
        place: (usize, usize),
        epilogue: &Epilogue<'_>,
        out: &SharedSlice<'_, f32>,
    ) {
        let (column, n) = place;
        let columns = BLOCK_COLUMNS.min(n - column);
        for (sums, &row) in sums.iter_mut().zip(targets) {
            let sums = &mut sums[..columns];
            if let Some(bias) = epilogue.bias {
                for (sum, bias) in sums.iter_mut().zip(&bias[column..]) {
                    *sum += bias;
                }
            }
            epilogue.activation.apply_portable(sums);
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
            // SAFETY: tasks write disjoint rectangles of the output.
            let out = unsafe { out.range(row * n + column, columns) };
            match epilogue.accumulate {
                Accumulate::Replace => out.copy_from_slice(sums),
                Accumulate::Add => {
                    for (out, sum) in out.iter_mut().zip(sums.iter()) {
                        *out += sum;
                    }
                }
            }
        }
    }
}
