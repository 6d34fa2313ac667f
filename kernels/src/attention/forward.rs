use super::softmax::{Softmax, exponentials, round_pairs, scale, scale_into};
use super::strips::Strips;
use super::{AttentionShape, operand, room};
use crate::element::Precision;
use crate::gemm::expansion::expand;
use crate::gemm::microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use crate::gemm::packing::{lane, pack_rows, pack_run};
use crate::matrix::{BLOCK_COLUMNS, MatrixView, PackedMatrix, groups};
use crate::pool::{parallel_chunks_mut, parallel_for, width};
use crate::shared::SharedSlice;
use crate::strip::{self, Packed, Single, Strip, strips};
use std::array;
use std::cell::RefCell;

/// Queries of a task; a multiple of the tiles' heights. Keys and values pass through its caches once.
const QUERIES: usize = 192;
/// The same where products are computed strip by strip: their logits stay in half a megabyte of L2.
const STRIP_QUERIES: usize = 108;
/// Keys whose logits are computed before their values are summed; whole blocks. A query's bits depend on it.
const KEYS: usize = 512;
/// Words of keys or values that all of a task's tiles meet before the next ones: they stay in L1.
const STEP: usize = 128;
/// Values of packed keys and values that tasks work on before the next heads are packed: they stay in the last cache.
const PACKED_VALUES: usize = 1 << 21;
/// Heads that are packed together at least, for each thread.
const HEADS_PER_THREAD: usize = 2;

/// `out[query] = Σ softmax(scale · q·k) v`, `out` shaped as `q`; operands of both products are rounded to `precision`, the
/// probabilities before they are divided by their sum. A query that sees no key gets zeros.
///
/// The softmax goes on from chunk to chunk of the keys: where a chunk holds a larger logit than those before, the sums so far shrink
/// (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). So logits stay in L2, however many keys there are.
pub fn attention(q: &[f32], k: &[f32], v: &[f32], (shape, precision): (&AttentionShape<'_>, Precision), out: &mut [f32]) {
    shape.check(q, k, v);
    assert_eq!(out.len(), q.len(), "output");
    let (heads, group) = (shape.batch * shape.key_value_heads, shape.heads / shape.key_value_heads);
    let most = if strips(shape.query_length) { STRIP_QUERIES } else { QUERIES };
    let blocks = shape.query_length.div_ceil(most);
    // Blocks of one height, or the last would repay its keys less.
    let most = shape.query_length.div_ceil(blocks.max(1)).next_multiple_of(MAX_ROWS).min(most);
    let head_values = 2 * shape.key_length * shape.head_dimension;
    let together = (PACKED_VALUES / head_values.max(1)).max(HEADS_PER_THREAD * width()).min(heads);
    // Sample and head of the keys.
    let place = |head: usize| (head / shape.key_value_heads, head % shape.key_value_heads);
    let shared = SharedSlice::new(out);
    let mut packed = vec![Head::new(shape.query_length); together];
    for start in (0..heads).step_by(together.max(1)) {
        let count = together.min(heads - start);
        parallel_chunks_mut(&mut packed[..count], 1, &|index, head| {
            let (sample, key_head) = place(start + index);
            let (keys, values) = (shape.key_view(k, sample, key_head).transposed(), shape.key_view(v, sample, key_head));
            head[0].fill(&keys, &values, (precision, shape.query_length));
        });
        parallel_for(count * group * blocks, &|task| {
            let (block, index) = (task % blocks, task / blocks / group);
            let (sample, key_head) = place(start + index);
            let (head, first) = (key_head * group + task / blocks % group, block * most);
            let queries = shape.query_view(q, sample, head, (first, most.min(shape.query_length - first)));
            let task = Task { queries, head: &packed[index], precision, scale: shape.scale };
            SCRATCH.with_borrow_mut(|scratch| {
                task.run(scratch, &|row| shape.visible(sample, first + row));
                task.store(
                    scratch,
                    &|row| ((sample * shape.query_length + first + row) * shape.heads + head) * shape.head_dimension,
                    &shared,
                );
            });
        });
    }
}

/// Keys (transposed) and values of a head of a sample.
#[derive(Clone)]
enum Head {
    Blocks {
        keys: PackedMatrix,
        values: PackedMatrix,
    },
    /// Where products are computed strip by strip.
    Strips {
        keys: Strips,
        values: Strips,
    },
}

impl Head {
    /// One of nothing yet, for so many queries.
    fn new(queries: usize) -> Self {
        if strips(queries) {
            Self::Strips { keys: Strips::default(), values: Strips::default() }
        } else {
            let nothing = || PackedMatrix::empty(Precision::F32);
            Self::Blocks { keys: nothing(), values: nothing() }
        }
    }

    fn fill(&mut self, k: &MatrixView<'_>, v: &MatrixView<'_>, (precision, queries): (Precision, usize)) {
        match self {
            Self::Blocks { keys, values } => (*keys, *values) = (operand(k, precision, queries), operand(v, precision, queries)),
            Self::Strips { keys, values } => {
                keys.fill(k, precision);
                values.fill(v, precision);
            }
        }
    }
}

/// What a task computes in; kept by its thread.
#[derive(Default)]
struct Scratch {
    queries: Vec<u32>,
    expanded: Vec<u32>,
    /// Blocks of keys, each `[rows, 64]`.
    logits: Vec<Sums>,
    /// The same as words of two bfloat16 values, where those are multiplied.
    words: Vec<u32>,
    /// Blocks of values' columns, each `[rows, 64]`.
    sums: Vec<Sums>,
    /// For each row.
    states: Vec<Softmax>,
}

thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default()); }

/// Queries of one head of one sample, and what they look at.
struct Task<'a> {
    queries: MatrixView<'a>,
    head: &'a Head,
    precision: Precision,
    scale: f32,
}

impl Task<'_> {
    /// Rows of a block of sums: a whole tile's height of room behind the last, because the tallest tile may write that far.
    fn distance(&self) -> usize {
        self.queries.rows + MAX_ROWS
    }

    /// Leaves every row's weighted values in `scratch.sums`, and what they are to be divided by in `scratch.states`.
    fn run(&self, scratch: &mut Scratch, visible: &dyn Fn(usize) -> usize) {
        let rows = self.queries.rows;
        let (columns, chunk) = (self.queries.columns.div_ceil(BLOCK_COLUMNS), KEYS / BLOCK_COLUMNS * self.distance());
        scratch.states.clear();
        scratch.states.resize(rows, Softmax { maximum: f32::NEG_INFINITY, sum: 0.0 });
        scratch.logits.resize(chunk.max(scratch.logits.len()), [0.0; BLOCK_COLUMNS]);
        scratch.sums.resize((columns * self.distance()).max(scratch.sums.len()), [0.0; BLOCK_COLUMNS]);
        let length = groups(self.queries.columns, self.precision);
        let words = room(&mut scratch.queries, rows * length);
        pack_rows(&self.queries, (0, rows), self.precision, (words, length));
        let queries = if self.is_expanded() { expand(words, 1, &mut scratch.expanded) } else { words };
        // The last query sees the most keys.
        let keys = visible(rows - 1);
        if keys == 0 {
            scratch.sums.fill([0.0; BLOCK_COLUMNS]);
        }
        for first in (0..keys).step_by(KEYS) {
            let end = keys.min(first + KEYS);
            match self.head {
                Head::Blocks { keys, .. } => self.multiply_keys(queries, (first, end), keys, &mut scratch.logits),
                Head::Strips { keys, .. } => self.multiply_key_strips(queries, (first, end), keys, &mut scratch.logits),
            }
            for (row, state) in scratch.states.iter_mut().enumerate() {
                let last = (end - first).div_ceil(BLOCK_COLUMNS) * self.distance() - self.distance() + row;
                let logits = &mut scratch.logits[row..=last];
                let seen = visible(row).clamp(first, end) - first;
                let factor = exponentials(logits, self.distance(), seen, self.scale, state);
                if first > 0 && factor < 1.0 {
                    scratch.sums.iter_mut().skip(row).step_by(self.distance()).take(columns).for_each(|sums| scale(sums, factor));
                }
                if self.is_expanded() {
                    round_pairs(logits, self.distance());
                } else if self.precision == Precision::Bf16 {
                    let words = room(&mut scratch.words, chunk * BLOCK_COLUMNS / 2).chunks_exact_mut(BLOCK_COLUMNS / 2);
                    for (logits, words) in logits.iter().zip(words.skip(row)).step_by(self.distance()) {
                        pack_run(logits, Precision::Bf16, words);
                    }
                }
            }
            match self.head {
                Head::Blocks { values, .. } => {
                    let probabilities = match values.precision() {
                        Precision::F32 => Tile::halves_of(scratch.logits.as_flattened()),
                        Precision::Bf16 => Tile::halves(&scratch.words),
                    };
                    self.multiply_values(probabilities, (first, end), values, &mut scratch.sums);
                }
                Head::Strips { values, .. } => self.multiply_value_strips(&scratch.logits, (first, end), values, &mut scratch.sums),
            }
        }
    }

    /// Divides the sums and stores every row behind the place that `at` gives.
    fn store(&self, scratch: &Scratch, at: &dyn Fn(usize) -> usize, out: &SharedSlice<'_, f32>) {
        let width = self.queries.columns;
        for (row, state) in scratch.states.iter().enumerate() {
            let factor = if state.sum > 0.0 { 1.0 / state.sum } else { 0.0 };
            let sums = scratch.sums.iter().skip(row).step_by(self.distance());
            for (sums, column) in sums.zip((0..width).step_by(BLOCK_COLUMNS)) {
                let columns = BLOCK_COLUMNS.min(width - column);
                // SAFETY: each task writes its own head of its own queries.
                scale_into(&sums[..columns], factor, unsafe { out.range(at(row) + column, columns) });
            }
        }
    }

    /// Whether bfloat16 values are multiplied as f32.
    fn is_expanded(&self) -> bool {
        let as_f32 = match self.head {
            Head::Blocks { keys, .. } => keys.precision() == Precision::F32,
            Head::Strips { .. } => true,
        };
        self.precision == Precision::Bf16 && as_f32
    }

    /// Products of all queries with the keys of a range.
    fn multiply_keys(&self, queries: &[u32], (first, end): (usize, usize), keys: &PackedMatrix, logits: &mut [Sums]) {
        let length = queries.len() / self.queries.rows;
        let blocks = first / BLOCK_COLUMNS..end.div_ceil(BLOCK_COLUMNS);
        for (block, logits) in blocks.zip(logits.chunks_exact_mut(self.distance())) {
            let (words, vectors) = keys.block(block);
            // At least once, where there is nothing to multiply, too.
            for start in (0..length.max(1)).step_by(STEP) {
                let count = STEP.min(length - start);
                let b = (&words[start * vectors * VECTOR..][..count * vectors * VECTOR], vectors);
                let begin = if start == 0 { Start::Zero } else { Start::Sums };
                self.multiply((Tile::halves(queries), start, length), (1, count, 0), (b, keys.precision()), (begin, logits));
            }
        }
    }

    /// Adds the products of probabilities, words of `[blocks, rows, 64]` values, with the values of a range of keys.
    fn multiply_values(&self, probabilities: &[u16], (first, end): (usize, usize), values: &PackedMatrix, sums: &mut [Sums]) {
        let lane = lane(values.precision());
        let row_words = BLOCK_COLUMNS / lane;
        for (column, sums) in sums.chunks_exact_mut(self.distance()).enumerate().take(values.n().div_ceil(BLOCK_COLUMNS)) {
            let (words, vectors) = values.block(column);
            let mut start = first;
            while start < end {
                // Whole blocks of keys, then what is left of the last one.
                let (blocks, keys) = match (end - start).min(STEP) / BLOCK_COLUMNS {
                    0 => (1, end - start),
                    whole => (whole, BLOCK_COLUMNS),
                };
                let length = keys.next_multiple_of(self::lane(self.precision)) / lane;
                let b = (&words[start / lane * vectors * VECTOR..][..blocks * length * vectors * VECTOR], vectors);
                let begin = if start == 0 { Start::Zero } else { Start::Sums };
                let place = (start - first) / BLOCK_COLUMNS * self.distance() * row_words;
                let runs = (blocks, length, 2 * self.distance() * row_words);
                self.multiply((probabilities, place, row_words), runs, (b, values.precision()), (begin, sums));
                start += blocks * keys;
            }
        }
    }

    /// As [`Self::multiply_keys`].
    fn multiply_key_strips(&self, queries: &[u32], (first, end): (usize, usize), keys: &Strips, logits: &mut [Sums]) {
        let length = queries.len() / self.queries.rows;
        let rows = row_starts(length);
        let blocks = first / BLOCK_COLUMNS..end.div_ceil(BLOCK_COLUMNS);
        for (block, logits) in blocks.zip(logits.chunks_exact_mut(self.distance())) {
            for (vector, place) in keys.of_block(block).enumerate() {
                // At least once, where there is nothing to multiply, too.
                for start in (0..length.max(1)).step_by(strip::PART) {
                    let part = (start, strip::PART.min(length - start));
                    let strip = Strip {
                        a: &queries[start..],
                        rows: &rows[..self.queries.rows],
                        runs: (1, part.1, 0),
                        b: keys.part(place, part),
                        start: if start == 0 { strip::Start::Zero } else { strip::Start::Sums },
                        vector,
                        soon: Packed::Singles(keys.part(place + 1, part)),
                    };
                    strip.multiply::<Single>(logits);
                }
            }
        }
    }

    /// As [`Self::multiply_values`].
    fn multiply_value_strips(&self, probabilities: &[Sums], (first, end): (usize, usize), values: &Strips, sums: &mut [Sums]) {
        let (probabilities, rows) = (words_of(probabilities), row_starts(BLOCK_COLUMNS));
        let distance = self.distance() * BLOCK_COLUMNS;
        let columns = self.queries.columns.div_ceil(BLOCK_COLUMNS);
        for (column, sums) in sums.chunks_exact_mut(self.distance()).enumerate().take(columns) {
            for (vector, place) in values.of_block(column).enumerate() {
                let mut start = first;
                while start < end {
                    // Whole blocks of keys, then what is left of the last one.
                    let (blocks, keys) = match (end - start).min(strip::PART) / BLOCK_COLUMNS {
                        0 => (1, end - start),
                        whole => (whole, BLOCK_COLUMNS),
                    };
                    let length = keys.next_multiple_of(lane(self.precision));
                    let behind = start + blocks * keys;
                    let next = if behind < end { (place, behind) } else { (place + 1, first) };
                    let strip = Strip {
                        a: &probabilities[(start - first) / BLOCK_COLUMNS * distance..],
                        rows: &rows[..self.queries.rows],
                        runs: (blocks, length, distance),
                        b: values.part(place, (start, blocks * length)),
                        start: if start == 0 { strip::Start::Zero } else { strip::Start::Sums },
                        vector,
                        soon: Packed::Singles(values.part(next.0, (next.1, strip::PART.min(end - next.1)))),
                    };
                    strip.multiply::<Single>(sums);
                    start = behind;
                }
            }
        }
    }

    /// Tiles of all rows, `distance` words from each to the next, the first at word `place`.
    fn multiply(
        &self,
        (a, place, distance): (&[u16], usize, usize),
        runs: (usize, usize, usize),
        ((b, vectors), precision): ((&[u32], usize), Precision),
        (start, sums): (Start, &mut [Sums]),
    ) {
        let rows = self.queries.rows;
        for row in (0..rows).step_by(tile_rows(vectors)) {
            let height = tile_rows(vectors).min(rows - row);
            let tile = Tile {
                a,
                rows: array::from_fn(|offset| 2 * (place + (row + offset.min(height - 1)) * distance)),
                height,
                order: Order::Rows,
                runs,
                b,
                vectors,
                precision,
                start,
                soon: &[],
            };
            tile.multiply(&mut sums[row..]);
        }
    }
}

/// Where rows begin that lie `distance` words apart.
fn row_starts(distance: usize) -> [usize; STRIP_QUERIES] {
    array::from_fn(|row| row * distance)
}

/// Sums as the words that a product reads.
fn words_of(sums: &[Sums]) -> &[u32] {
    let values = sums.as_flattened();
    // SAFETY: an f32 is as wide and aligned as a u32, and any bits are a u32.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}
