use super::{AttentionShape, operand, room};
use crate::element::Precision;
use crate::gemm::expansion::expand;
use crate::gemm::microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use crate::gemm::packing::{bf16_bits, lane, pack_rows, pack_run};
use crate::matrix::{BLOCK_COLUMNS, MatrixView, PackedMatrix, groups};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::strip::{self, Single, Strip, strips};
use crate::vectorise::vectorised;
use std::array;
use std::cell::RefCell;

/// Queries of a task; a multiple of the tiles' heights. Keys and values pass through its caches once.
const QUERIES: usize = 192;
/// The same where products are computed strip by strip: their logits stay in half a megabyte of L2.
const STRIP_QUERIES: usize = 96;
/// Keys whose logits are computed before their values are summed; whole blocks. A query's bits depend on it.
const KEYS: usize = 512;
/// Words of keys or values that all of a task's tiles meet before the next ones: they stay in L1.
const STEP: usize = 128;

/// `out[query] = Σ softmax(scale · q·k) v`, `out` shaped as `q`; operands of both products are rounded to `precision`, the
/// probabilities before they are divided by their sum. A query that sees no key gets zeros.
///
/// The softmax goes on from chunk to chunk of the keys: where a chunk holds a larger logit than those before, the sums so far shrink
/// (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). So logits stay in L2, however many keys there are.
pub fn attention(q: &[f32], k: &[f32], v: &[f32], (shape, precision): (&AttentionShape<'_>, Precision), out: &mut [f32]) {
    shape.check(q, k, v);
    assert_eq!(out.len(), q.len(), "output");
    let (width, group) = (shape.head_dimension, shape.heads / shape.key_value_heads);
    let packed = pack_heads(k, v, shape, precision);
    let most = if strips(shape.query_length) { STRIP_QUERIES } else { QUERIES };
    let blocks = shape.query_length.div_ceil(most);
    let shared = SharedSlice::new(out);
    parallel_for(shape.batch * shape.heads * blocks, &|task| {
        let (block, head, sample) = (task % blocks, task / blocks % shape.heads, task / blocks / shape.heads);
        let first = block * most;
        let count = most.min(shape.query_length - first);
        let Head { keys, values, strips } = &packed[sample * shape.key_value_heads + head / group];
        let queries = shape.query_view(q, sample, head, (first, count));
        let task = Task { queries, keys, values, strips: strips.as_ref(), precision, scale: shape.scale };
        SCRATCH.with_borrow_mut(|scratch| {
            task.run(scratch, &|row| shape.visible(sample, first + row));
            for (row, state) in scratch.states.iter().enumerate() {
                let factor = if state.sum > 0.0 { 1.0 / state.sum } else { 0.0 };
                let sums = scratch.sums.iter().skip(row).step_by(task.distance());
                for (sums, column) in sums.zip((0..width).step_by(BLOCK_COLUMNS)) {
                    let columns = BLOCK_COLUMNS.min(width - column);
                    let at = ((sample * shape.query_length + first + row) * shape.heads + head) * width + column;
                    // SAFETY: each task writes its own head of its own queries.
                    scale_into(&sums[..columns], factor, unsafe { shared.range(at, columns) });
                }
            }
        });
    });
}

/// Keys (transposed) and values of a head of a sample.
#[derive(Clone)]
struct Head {
    keys: PackedMatrix,
    values: PackedMatrix,
    /// The same in strips, where products are computed so.
    strips: Option<(Strips, Strips)>,
}

/// Blocks of a matrix cut into strips, as words of f32.
#[derive(Clone)]
struct Strips {
    words: Vec<u32>,
    /// Words along `k`.
    groups: usize,
}

impl Strips {
    fn of(packed: &PackedMatrix) -> Self {
        let expands = packed.precision() == Precision::Bf16;
        let (mut words, mut buffer) = (Vec::new(), Vec::new());
        for block in 0..packed.n().div_ceil(BLOCK_COLUMNS) {
            let (block, vectors) = packed.block(block);
            let split = if expands { strip::split_expanded } else { strip::split };
            words.extend_from_slice(split(block, vectors, &mut buffer));
        }
        Self { words, groups: if expands { 2 * packed.groups() } else { packed.groups() } }
    }

    /// A part of the strip that is the `vector`-th of all blocks'.
    fn part(&self, vector: usize, (first, length): (usize, usize)) -> &[u32] {
        &self.words[strip::place(vector, self.groups)][first * VECTOR..][..length * VECTOR]
    }
}

/// Those of every sample's heads.
fn pack_heads(k: &[f32], v: &[f32], shape: &AttentionShape<'_>, precision: Precision) -> Vec<Head> {
    let strips = strips(shape.query_length);
    let pack =
        |view: &MatrixView<'_>| if strips { PackedMatrix::pack(view, precision) } else { operand(view, precision, shape.query_length) };
    let mut packed: Vec<Option<Head>> = vec![None; shape.batch * shape.key_value_heads];
    let shared = SharedSlice::new(&mut packed);
    parallel_for(shape.batch * shape.key_value_heads, &|index| {
        let (sample, head) = (index / shape.key_value_heads, index % shape.key_value_heads);
        let (keys, values) = (pack(&shape.key_view(k, sample, head).transposed()), pack(&shape.key_view(v, sample, head)));
        let strips = strips.then(|| (Strips::of(&keys), Strips::of(&values)));
        // SAFETY: one slot for each index.
        let slot = unsafe { shared.range(index, 1) };
        slot[0] = Some(Head { keys, values, strips });
    });
    packed.into_iter().flatten().collect()
}

/// A query's softmax so far.
#[derive(Clone, Copy)]
struct Softmax {
    maximum: f32,
    sum: f32,
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
    keys: &'a PackedMatrix,
    values: &'a PackedMatrix,
    strips: Option<&'a (Strips, Strips)>,
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
        let (columns, chunk) = (self.values.n().div_ceil(BLOCK_COLUMNS), KEYS / BLOCK_COLUMNS * self.distance());
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
            match self.strips {
                Some((keys, _)) => self.multiply_key_strips(queries, (first, end), keys, &mut scratch.logits),
                None => self.multiply_keys(queries, (first, end), &mut scratch.logits),
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
            if let Some((_, values)) = self.strips {
                self.multiply_value_strips(&scratch.logits, (first, end), values, &mut scratch.sums);
                continue;
            }
            let probabilities = match self.values.precision() {
                Precision::F32 => Tile::halves_of(scratch.logits.as_flattened()),
                Precision::Bf16 => Tile::halves(&scratch.words),
            };
            self.multiply_values(probabilities, (first, end), &mut scratch.sums);
        }
    }

    /// Whether bfloat16 values are multiplied as f32.
    fn is_expanded(&self) -> bool {
        self.precision == Precision::Bf16 && (self.strips.is_some() || self.keys.precision() == Precision::F32)
    }

    /// Products of all queries with the keys of a range.
    fn multiply_keys(&self, queries: &[u32], (first, end): (usize, usize), logits: &mut [Sums]) {
        let length = queries.len() / self.queries.rows;
        let blocks = first / BLOCK_COLUMNS..end.div_ceil(BLOCK_COLUMNS);
        for (block, logits) in blocks.zip(logits.chunks_exact_mut(self.distance())) {
            let (words, vectors) = self.keys.block(block);
            // At least once, where there is nothing to multiply, too.
            for start in (0..length.max(1)).step_by(STEP) {
                let count = STEP.min(length - start);
                let b = (&words[start * vectors * VECTOR..][..count * vectors * VECTOR], vectors);
                let begin = if start == 0 { Start::Zero } else { Start::Sums };
                self.multiply((Tile::halves(queries), start, length), (1, count, 0), b, (begin, logits));
            }
        }
    }

    /// Adds the products of probabilities, words of `[blocks, rows, 64]` values, with the values of a range of keys.
    fn multiply_values(&self, probabilities: &[u16], (first, end): (usize, usize), sums: &mut [Sums]) {
        let lane = lane(self.values.precision());
        let row_words = BLOCK_COLUMNS / lane;
        for (column, sums) in sums.chunks_exact_mut(self.distance()).enumerate().take(self.values.n().div_ceil(BLOCK_COLUMNS)) {
            let (words, vectors) = self.values.block(column);
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
                self.multiply((probabilities, place, row_words), runs, b, (begin, sums));
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
            for vector in 0..self.keys.block(block).1 {
                // At least once, where there is nothing to multiply, too.
                for start in (0..length.max(1)).step_by(strip::PART) {
                    let count = strip::PART.min(length - start);
                    let strip = Strip {
                        a: &queries[start..],
                        rows: &rows[..self.queries.rows],
                        runs: (1, count, 0),
                        b: keys.part(block * (BLOCK_COLUMNS / VECTOR) + vector, (start, count)),
                        start: if start == 0 { strip::Start::Zero } else { strip::Start::Sums },
                        vector,
                        soon: &[],
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
        for (column, sums) in sums.chunks_exact_mut(self.distance()).enumerate().take(self.values.n().div_ceil(BLOCK_COLUMNS)) {
            for vector in 0..self.values.block(column).1 {
                let mut start = first;
                while start < end {
                    // Whole blocks of keys, then what is left of the last one.
                    let (blocks, keys) = match (end - start).min(strip::PART) / BLOCK_COLUMNS {
                        0 => (1, end - start),
                        whole => (whole, BLOCK_COLUMNS),
                    };
                    let length = keys.next_multiple_of(lane(self.precision));
                    let strip = Strip {
                        a: &probabilities[(start - first) / BLOCK_COLUMNS * distance..],
                        rows: &rows[..self.queries.rows],
                        runs: (blocks, length, distance),
                        b: values.part(column * (BLOCK_COLUMNS / VECTOR) + vector, (start, blocks * length)),
                        start: if start == 0 { strip::Start::Zero } else { strip::Start::Sums },
                        vector,
                        soon: &[],
                    };
                    strip.multiply::<Single>(sums);
                    start += blocks * keys;
                }
            }
        }
    }

    /// Tiles of all rows, `distance` words from each to the next, the first at word `place`.
    fn multiply(
        &self,
        (a, place, distance): (&[u16], usize, usize),
        runs: (usize, usize, usize),
        (b, vectors): (&[u32], usize),
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
                precision: self.keys.precision(),
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

vectorised! {
    /// Goes on with a query's softmax: of a chunk's logits, in blocks that lie `distance` apart, the first `seen` become
    /// `exp(scale · logit - maximum)`, the rest of the blocks zero. Returns what sums of earlier chunks are to be multiplied by.
    fn exponentials(logits: &mut [Sums], distance: usize, seen: usize, scale: f32, state: &mut Softmax) -> f32 {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let mut lanes = [f32::NEG_INFINITY; BLOCK_COLUMNS];
        for (block, values) in logits.iter().step_by(distance).enumerate() {
            let count = seen.saturating_sub(block * BLOCK_COLUMNS);
            if count >= BLOCK_COLUMNS {
                for lane in 0..BLOCK_COLUMNS { lanes[lane] = larger(lanes[lane], values[lane] * scale); }
            } else {
                for lane in 0..BLOCK_COLUMNS {
                    lanes[lane] = larger(lanes[lane], if lane < count { values[lane] * scale } else { f32::NEG_INFINITY });
                }
            }
        }
        for half in [32, 16, 8, 4, 2, 1] {
            let (low, high) = lanes.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) { *low = larger(*low, *high); }
        }
        let before = state.maximum;
        let maximum = larger(before, lanes[0]);
        state.maximum = maximum;
        let mut sums = [0.0; VECTOR];
        for (block, values) in logits.iter_mut().step_by(distance).enumerate() {
            let count = seen.saturating_sub(block * BLOCK_COLUMNS);
            if count >= BLOCK_COLUMNS {
                for values in values.as_chunks_mut::<VECTOR>().0 {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *value = crate::element::exponential(value.mul_add(scale, -maximum));
                        *sum += *value;
                    }
                }
            } else {
                for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
                    for lane in 0..VECTOR {
                        let value = crate::element::exponential(values[lane].mul_add(scale, -maximum));
                        values[lane] = if vector * VECTOR + lane < count { value } else { 0.0 };
                        sums[lane] += values[lane];
                    }
                }
            }
        }
        let factor = if maximum > before { crate::element::exponential(before - maximum) } else { 1.0 };
        state.sum = state.sum * factor + sums.iter().sum::<f32>();
        factor
    }

    /// Rounds values to bfloat16 and exchanges the two of each pair, as their words are expanded.
    fn round_pairs(rows: &mut [Sums], distance: usize) {
        for values in rows.iter_mut().step_by(distance) {
            for pair in values.as_chunks_mut::<2>().0 {
                *pair = [f32::from_bits(bf16_bits(pair[1]) << 16), f32::from_bits(bf16_bits(pair[0]) << 16)];
            }
        }
    }

    fn scale(values: &mut Sums, factor: f32) {
        for value in values { *value *= factor; }
    }

    fn scale_into(values: &[f32], factor: f32, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) { *out = value * factor; }
    }
}
