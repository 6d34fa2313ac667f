//! Matrix products with fused epilogues.
//!
//! Each element of the result is one chain of fused multiply-adds over `k`, in order (of two bfloat16 values that share a word, the
//! second comes first), whatever tile it falls into: its bits depend on its own row, its own column and the epilogue alone.

pub(crate) mod expansion;
pub(crate) mod microkernel;
pub(crate) mod packing;

use crate::element::{Activation, Elements, Precision};
use crate::matrix::{BLOCK_COLUMNS, MatrixView, PackedMatrix};
use crate::pool::{parallel_for, width};
use crate::shared::SharedSlice;
use crate::strip::{self, Packed, Single, strips};
use crate::vectorise::vectorised;
use expansion::{expand, expand_panel, expands};
use microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use packing::lane;
use std::array;
use std::cell::RefCell;
use std::ops::Range;

/// Rows of a task's panel of A: a multiple of every tile's height. Twice as many where they share the expansion of B.
const PANEL_ROWS: usize = 96;
/// Tasks per thread that keep both ends of a job busy.
const TASKS_PER_THREAD: usize = 4;
/// Words of a row of a panel: the panel and a block of B of that length stay in L2. Longer sums are interrupted and go on, in order.
const PANEL_GROUPS: usize = 1_024;
/// Words between the rows of a panel: rows a multiple of 4 KiB apart would all want the same few lines of L1.
const GAP: usize = 16;
/// Groups of f32 values of B that every tile of a panel meets before the next ones: they stay in L1.
const F32_GROUPS: usize = 128;
/// Blocks of columns whose interrupted sums stay in L2.
const CHUNKED_BLOCKS: usize = 16;
/// Rows and words of a panel that is multiplied strip by strip: it stays in half a megabyte of L2 beside a strip and sums that pass.
const STRIP_PANEL: (usize, usize) = (192, strip::PART);
/// Rows that a panel keeps where there are more threads than panels.
const FEWEST_PANEL_ROWS: usize = 48;
/// Rows of the tallest panel.
const MOST_ROWS: usize = 2 * PANEL_ROWS;

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

/// `out[m, n] = epilogue(a[m, k] · b[k, n])`.
pub fn gemm(a: &MatrixView<'_>, b: &PackedMatrix, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    let (m, n) = (a.rows, b.n());
    assert_eq!(a.columns, b.k(), "inner dimensions differ");
    assert_eq!(out.len(), m * n, "the output is not [m, n]");
    epilogue.check(m, n);
    if m == 0 || n == 0 {
        return;
    }
    let panel_rows = if strips(m) {
        strip_panel_rows(m)
    } else if expands(b.precision(), m) {
        2 * PANEL_ROWS
    } else {
        PANEL_ROWS
    };
    let panels = m.div_ceil(panel_rows);
    let split = ColumnSplit::new(n, panels);
    let out = SharedSlice::new(out);
    parallel_for(panels * split.tasks, &|task| {
        let first = task / split.tasks * panel_rows;
        let height = tile_rows(n.min(BLOCK_COLUMNS).div_ceil(VECTOR));
        let work = Task { a, b, epilogue, first, rows: panel_rows.min(m - first), height };
        SCRATCH.with_borrow_mut(|scratch| work.run(split.blocks(task % split.tasks), scratch, &out));
    });
}

/// Rows of each of the panels that are multiplied strip by strip: as many panels for one thread as for another, if they are tall enough.
fn strip_panel_rows(m: usize) -> usize {
    let fewest = m.div_ceil(STRIP_PANEL.0);
    let panels = fewest.next_multiple_of(width()).min(m.div_ceil(FEWEST_PANEL_ROWS)).max(fewest);
    m.div_ceil(panels).next_multiple_of(strip::ROWS)
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
        // Alone, a thread gains nothing from tasks that each pack the panel again.
        let wanted = if width() == 1 { 1 } else { (width() * TASKS_PER_THREAD).div_ceil(panels).clamp(1, blocks) };
        let per_task = blocks.div_ceil(wanted);
        Self { blocks, per_task, tasks: blocks.div_ceil(per_task) }
    }

    /// The blocks of one task.
    pub fn blocks(&self, task: usize) -> Range<usize> {
        task * self.per_task..((task + 1) * self.per_task).min(self.blocks)
    }
}

thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default()); }

/// What a task of a product writes along the way.
#[derive(Default)]
struct Scratch {
    panel: Vec<u32>,
    sums: Vec<Sums>,
    /// The panel and a block of B, where bfloat16 values are multiplied as f32.
    expanded: (Vec<u32>, Vec<u32>),
}

/// Rows of `a`, and the blocks of columns that meet them.
struct Task<'a> {
    a: &'a MatrixView<'a>,
    b: &'a PackedMatrix,
    epilogue: &'a Epilogue<'a>,
    first: usize,
    rows: usize,
    /// Rows of a tile.
    height: usize,
}

impl Task<'_> {
    fn run(&self, blocks: Range<usize>, scratch: &mut Scratch, out: &SharedSlice<'_, f32>) {
        let length = self.b.groups();
        let precision = self.b.precision();
        let expands = expands(precision, self.rows);
        let strips = self.strips();
        let most_words = if strips { STRIP_PANEL.1 } else { PANEL_GROUPS };
        let chunks = length.div_ceil(if expands { most_words / 2 } else { most_words }).max(1);
        let most = if chunks == 1 { blocks.len() } else { CHUNKED_BLOCKS };
        // A whole tile's height of room behind the last row, because the tallest tile may write that far.
        let rows = self.rows + MAX_ROWS;
        scratch.sums.resize(if chunks == 1 { rows } else { most * rows }.max(scratch.sums.len()), [0.0; BLOCK_COLUMNS]);
        let chunk_groups = |chunk: usize| chunk * length / chunks..(chunk + 1) * length / chunks;
        for start in blocks.clone().step_by(most) {
            let behind = blocks.end;
            let blocks = start..behind.min(start + most);
            for chunk in 0..chunks {
                let groups = chunk_groups(chunk);
                let (order, distance, packed) = self.pack(&groups, &mut scratch.panel);
                let mut panel = &scratch.panel[..packed];
                if expands {
                    panel = expand_panel(panel, order, &mut scratch.expanded.0);
                }
                let count = groups.len();
                let step = match precision {
                    _ if strips => count.max(1),
                    Precision::F32 => F32_GROUPS,
                    Precision::Bf16 if expands => F32_GROUPS / 2,
                    Precision::Bf16 => count.max(1),
                };
                for block in blocks.clone() {
                    let (words, vectors) = self.words(block, &groups);
                    let next = match () {
                        () if block + 1 < blocks.end => self.words(block + 1, &groups).0,
                        () if chunk + 1 < chunks => self.words(start, &chunk_groups(chunk + 1)).0,
                        () if blocks.end < behind => self.words(blocks.end, &chunk_groups(0)).0,
                        () => &[],
                    };
                    let sums = &mut scratch.sums[if chunks == 1 { 0 } else { (block - start) * rows }..];
                    // At least once, where `k` is zero, too.
                    for first in (0..count.max(1)).step_by(step) {
                        let end = count.min(first + step);
                        let b = &words[first * vectors * VECTOR..end * vectors * VECTOR];
                        let next = &next[first * next.len() / count.max(1)..end * next.len() / count.max(1)];
                        let place = Place { block, first: chunk == 0 && first == 0, last: chunk + 1 == chunks && end == count };
                        if strips {
                            let packed = if expands { Packed::Halves } else { Packed::Singles };
                            let b = (packed(b), packed(next), vectors, &mut scratch.expanded.1);
                            self.multiply_strips(&place, (panel, panel.len() / self.rows), b, sums, out);
                            continue;
                        }
                        let mut part = Part { panel, order, groups: first..end, distance, b, vectors, precision, next };
                        if expands {
                            part.b = expand(b, vectors * VECTOR, &mut scratch.expanded.1);
                            (part.precision, part.groups, part.distance) = (Precision::F32, 2 * first..2 * end, 2 * distance);
                        }
                        self.tiles(&place, &part, sums, out);
                    }
                }
            }
        }
    }

    /// The words of a block for a range of groups, and its width in vectors.
    fn words(&self, block: usize, groups: &Range<usize>) -> (&[u32], usize) {
        let (words, vectors) = self.b.block(block);
        (&words[groups.start * vectors * VECTOR..groups.end * vectors * VECTOR], vectors)
    }

    /// Rounds a range of words of every row; returns how they lie, the distance between rows, and how many they are in all.
    fn pack(&self, groups: &Range<usize>, panel: &mut Vec<u32>) -> (Order, usize, usize) {
        let precision = self.b.precision();
        let a = self.a.columns_in(groups.start * lane(precision)..(groups.end * lane(precision)).min(self.a.columns));
        let rows = (self.first, self.rows);
        let padded = self.rows.next_multiple_of(self.height);
        let distance = groups.len() + GAP;
        panel.resize((padded * distance).max(panel.len()), 0);
        match a.elements {
            Elements::F32(values) if a.row_stride == 1 && a.column_stride != 1 => {
                packing::pack_interleaved(&a, values, rows, self.height, precision, &mut panel[..padded * groups.len()]);
                (Order::Groups(self.height), groups.len(), padded * groups.len())
            }
            _ => {
                packing::pack_rows(&a, rows, precision, (&mut panel[..self.rows * distance], distance));
                (Order::Rows, distance, self.rows * distance)
            }
        }
    }

    /// Whether the panel's rows are contiguous, and enough of them to be multiplied strip by strip.
    fn strips(&self) -> bool {
        let interleaves = matches!(self.a.elements, Elements::F32(_)) && self.a.row_stride == 1 && self.a.column_stride != 1;
        strips(self.rows) && !interleaves
    }

    /// All rows of a panel, words `distance` apart, against the strips of a block.
    fn multiply_strips(
        &self,
        place: &Place,
        (panel, distance): (&[u32], usize),
        (b, soon, vectors, buffer): (Packed<'_>, Packed<'_>, usize, &mut Vec<u32>),
        sums: &mut [Sums],
        out: &SharedSlice<'_, f32>,
    ) {
        let rows: [usize; MOST_ROWS] = array::from_fn(|row| row * distance);
        let start = if place.first { strip::Start::Zero } else { strip::Start::Sums };
        let block = strip::Block { a: panel, rows: &rows[..self.rows], b, vectors, start, soon };
        block.multiply::<Single>(buffer, sums);
        if place.last {
            let targets: [usize; MOST_ROWS] = array::from_fn(|row| self.first + row);
            finish(sums, &targets[..self.rows], (place.block * BLOCK_COLUMNS, self.b.n()), self.epilogue, out);
        }
    }

    fn tiles(&self, place: &Place, part: &Part<'_>, sums: &mut [Sums], out: &SharedSlice<'_, f32>) {
        for row in (0..self.rows).step_by(self.height) {
            let height = self.height.min(self.rows - row);
            let across = if let Order::Groups(across) = part.order { across } else { 1 };
            let start = |row: usize| 2 * (row * part.distance + part.groups.start * across);
            let tile = Tile {
                a: Tile::halves(part.panel),
                rows: array::from_fn(|offset| start(row + offset.min(height - 1))),
                height,
                order: part.order,
                runs: (1, part.groups.len(), 0),
                b: part.b,
                vectors: part.vectors,
                precision: part.precision,
                start: if place.first { Start::Zero } else { Start::Sums },
                soon: &part.next[row * part.next.len() / self.rows..(row + height) * part.next.len() / self.rows],
            };
            let sums = &mut sums[row..];
            tile.multiply(sums);
            if place.last {
                let targets: [usize; MAX_ROWS] = array::from_fn(|offset| self.first + row + offset);
                finish(sums, &targets[..height], (place.block * BLOCK_COLUMNS, self.b.n()), self.epilogue, out);
            }
        }
    }
}

/// Words of a panel and of one block of B that meet, over a part of `k`.
struct Part<'a> {
    panel: &'a [u32],
    order: Order,
    /// The part of each of the panel's rows, in words, and the words from one row to the next.
    groups: Range<usize>,
    distance: usize,
    b: &'a [u32],
    vectors: usize,
    precision: Precision,
    /// Words of B that are wanted after these.
    next: &'a [u32],
}

/// Which sums: those of a panel and a block of columns, at which part of `k`.
struct Place {
    block: usize,
    first: bool,
    last: bool,
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
    let mut sums: [Sums; MAX_ROWS] = [[0.0; BLOCK_COLUMNS]; MAX_ROWS];
    for column in (0..columns).step_by(BLOCK_COLUMNS) {
        let (words, vectors) = b.block(column / BLOCK_COLUMNS);
        let (height, width) = (tile_rows(vectors), BLOCK_COLUMNS.min(columns - column));
        for row in (0..rows).step_by(height) {
            let count = height.min(rows - row);
            let tile = Tile {
                a: Tile::halves(panel),
                rows: array::from_fn(|offset| 2 * (row + offset.min(count - 1)) * length),
                height: count,
                order: Order::Rows,
                runs: (1, length, 0),
                b: words,
                vectors,
                precision: b.precision(),
                start: Start::Zero,
                soon: &[],
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
        sums: &mut [Sums],
        targets: &[usize],
        place: (usize, usize),
        epilogue: &Epilogue<'_>,
        out: &SharedSlice<'_, f32>,
    ) {
        let n = place.1;
        let columns = place.0..n.min(place.0 + BLOCK_COLUMNS);
        for (index, column) in columns.clone().step_by(VECTOR).enumerate() {
            let width = VECTOR.min(columns.end - column);
            let bias = epilogue.bias.map(|bias| padded(&bias[column..][..width]));
            for (sums, &row) in sums.iter().zip(targets) {
                let mut values = sums.as_chunks::<VECTOR>().0[index];
                if let Some(bias) = bias {
                    add(&mut values, bias);
                }
                epilogue.activation.apply_portable(&mut values);
                if let Some(gate) = &epilogue.gate {
                    let gate = padded(&gate.values[row / gate.rows_per_group * n + column..][..width]);
                    values.iter_mut().zip(gate).for_each(|(value, gate)| *value *= gate);
                }
                if let Some(residual) = epilogue.residual {
                    add(&mut values, padded(&residual[row * n + column..][..width]));
                }
                // SAFETY: tasks write disjoint rectangles of the output.
                let out = unsafe { out.range(row * n + column, width) };
                if epilogue.accumulate == Accumulate::Add {
                    add(&mut values, padded(out));
                }
                if let Ok(out) = <&mut [f32; VECTOR]>::try_from(&mut *out) {
                    *out = values;
                } else {
                    out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
                }
            }
        }
    }
}

#[inline(always)]
fn add(values: &mut [f32; VECTOR], others: [f32; VECTOR]) {
    values.iter_mut().zip(others).for_each(|(value, other)| *value += other);
}

/// A vector of values, zero behind them.
#[inline(always)]
fn padded(values: &[f32]) -> [f32; VECTOR] {
    if let Ok(values) = <[f32; VECTOR]>::try_from(values) {
        return values;
    }
    let mut vector = [0.0; VECTOR];
    vector.iter_mut().zip(values).for_each(|(place, value)| *place = *value);
    vector
}
