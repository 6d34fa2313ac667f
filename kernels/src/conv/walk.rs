//! The product behind a convolution: tiles whose rows are pixels, reading a band of rounded rows tap row by tap row.

use super::bands::Band;
use crate::element::Precision;
use crate::gemm::expansion::{expand, expands};
use crate::gemm::microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use crate::gemm::packing::{lane, pack_pixels};
use crate::gemm::{Epilogue, finish};
use crate::matrix::{BLOCK_COLUMNS, PackedMatrix};
use crate::shared::SharedSlice;
use crate::strip::{self, Packed, Single, strips};
use std::cell::RefCell;

thread_local! { static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default()); }

/// What a task writes along the way.
#[derive(Default)]
struct Scratch {
    band: Vec<u32>,
    /// The band and a block of filters, where bfloat16 values are multiplied as f32.
    expanded: (Vec<u32>, Vec<u32>),
    /// For every pixel, where its patch begins, which output it is, and its sums, where they are computed strip by strip.
    starts: Vec<usize>,
    targets: Vec<usize>,
    sums: Vec<Sums>,
}

/// Channels of a pixel in a band: whole words.
pub(super) fn padded_channels(channels: usize, precision: Precision) -> usize {
    channels.next_multiple_of(lane(precision))
}

/// Which pixels are read for which outputs.
pub(super) struct Walk<'a> {
    /// `[batch, height, width, channels]`.
    pub source: &'a [f32],
    pub batch: usize,
    /// Height, width, channels.
    pub size: (usize, usize, usize),
    /// Rows and columns of the kernel.
    pub taps: (usize, usize),
    /// Pixels of the source from one output to the next.
    pub stride: usize,
    /// Where the first tap of the first output lies in the source.
    pub origin: (isize, isize),
    /// Rows and columns of outputs.
    pub outputs: (usize, usize),
    pub target: Target,
}

/// Where outputs lie in a picture of `size` (height, width).
pub(super) struct Target {
    pub size: (usize, usize),
    pub first: (usize, usize),
    pub step: usize,
}

impl Walk<'_> {
    /// Stores `epilogue(patches · matrix)`; outputs of different walks into one picture must be different pixels.
    pub fn multiply(&self, matrix: &PackedMatrix, epilogue: &Epilogue<'_>, out: &SharedSlice<'_, f32>) {
        let (rows, columns) = self.outputs;
        Band::for_each((self.batch, rows, columns), matrix.n(), &|band, blocks| {
            SCRATCH.with_borrow_mut(|scratch| self.multiply_band(band, (matrix, blocks), scratch, epilogue, out));
        });
    }

    /// Rounds the rows that a band reads, with their zero padding; returns their number and the words of a row.
    fn fill(&self, band: Band, precision: Precision, words: &mut Vec<u32>) -> (usize, usize) {
        let (height, width, channels) = self.size;
        let padded = padded_channels(channels, precision);
        let reach = (band.columns - 1) * self.stride + self.taps.1;
        let row_words = reach * padded / lane(precision);
        let rows = (band.rows - 1) * self.stride + self.taps.0;
        if words.len() < rows * row_words {
            words.resize(rows * row_words, 0);
        }
        let begin = self.origin.1.clamp(0, width.cast_signed());
        let end = (self.origin.1 + reach.cast_signed()).clamp(begin, width.cast_signed());
        let (begin, count) = (begin.cast_unsigned(), (end - begin).cast_unsigned());
        let skipped = (begin.cast_signed() - self.origin.1).clamp(0, reach.cast_signed()).cast_unsigned() * padded / lane(precision);
        let kept = count * padded / lane(precision);
        for (row, words) in words.chunks_exact_mut(row_words.max(1)).enumerate().take(rows) {
            let y = self.origin.0 + (band.first * self.stride + row).cast_signed();
            if y < 0 || y >= height.cast_signed() || count == 0 {
                words.fill(0);
                continue;
            }
            let start = ((band.picture * height + y.cast_unsigned()) * width + begin) * channels;
            words[..skipped].fill(0);
            pack_pixels(&self.source[start..start + count * channels], (channels, padded), precision, &mut words[skipped..skipped + kept]);
            words[skipped + kept..].fill(0);
        }
        (rows, row_words)
    }

    fn multiply_band(
        &self,
        band: Band,
        (matrix, blocks): (&PackedMatrix, std::ops::Range<usize>),
        scratch: &mut Scratch,
        epilogue: &Epilogue<'_>,
        out: &SharedSlice<'_, f32>,
    ) {
        let (n, mut precision) = (matrix.n(), matrix.precision());
        let mut pixel_words = padded_channels(self.size.2, precision) / lane(precision);
        let Scratch { band: filled, expanded, starts, targets, sums } = scratch;
        let (rows, mut row_words) = self.fill(band, precision, filled);
        let mut words = &filled[..rows * row_words];
        let expands = expands(precision, band.len());
        if expands {
            words = expand(words, 1, &mut expanded.0);
            (precision, row_words, pixel_words) = (Precision::F32, 2 * row_words, 2 * pixel_words);
        }
        if precision == Precision::F32 && strips(band.len()) {
            starts.clear();
            targets.clear();
            for (row, column) in band.pixels() {
                starts.push(self.stride * (row * row_words + column * pixel_words));
                targets.push(self.target.pixel(band.picture, band.first + row, column));
            }
            let pixels = Pixels { words, row_words, run: self.taps.1 * pixel_words, starts, targets };
            return self.multiply_strips(&pixels, (matrix, blocks), (&mut expanded.1, sums), epilogue, out);
        }
        let mut sums: [Sums; MAX_ROWS] = [[0.0; BLOCK_COLUMNS]; MAX_ROWS];
        for block in blocks {
            let (mut b, vectors) = matrix.block(block);
            if expands {
                b = expand(b, vectors * VECTOR, &mut expanded.1);
            }
            let height = tile_rows(vectors);
            let mut pixels = band.pixels();
            for first in (0..band.len()).step_by(height) {
                let count = height.min(band.len() - first);
                let (mut rows, mut targets) = ([0; MAX_ROWS], [0; MAX_ROWS]);
                for ((start, target), (row, column)) in rows.iter_mut().zip(&mut targets).zip(pixels.by_ref().take(count)) {
                    *start = 2 * self.stride * (row * row_words + column * pixel_words);
                    *target = self.target.pixel(band.picture, band.first + row, column);
                }
                let last = rows[count - 1];
                rows[count..].fill(last);
                let tile = Tile {
                    a: Tile::halves(words),
                    rows,
                    height: count,
                    order: Order::Rows,
                    runs: (self.taps.0, self.taps.1 * pixel_words, 2 * row_words),
                    b,
                    vectors,
                    precision,
                    start: Start::Zero,
                    soon: &[],
                };
                tile.multiply(&mut sums);
                finish(&mut sums, &targets[..count], (block * BLOCK_COLUMNS, n), epilogue, out);
            }
        }
    }

    fn multiply_strips(
        &self,
        pixels: &Pixels<'_>,
        (matrix, blocks): (&PackedMatrix, std::ops::Range<usize>),
        (strips, sums): (&mut Vec<u32>, &mut Vec<Sums>),
        epilogue: &Epilogue<'_>,
        out: &SharedSlice<'_, f32>,
    ) {
        let Pixels { words, row_words, run, starts, targets } = *pixels;
        sums.resize(starts.len().max(sums.len()), [0.0; BLOCK_COLUMNS]);
        if self.taps.0 * run == 0 {
            // A phase of a gradient that no tap reaches.
            sums.fill([0.0; BLOCK_COLUMNS]);
        }
        let (packed, lane) = match matrix.precision() {
            Precision::F32 => (Packed::Singles as fn(_) -> _, 1),
            Precision::Bf16 => (Packed::Halves as fn(_) -> _, 2),
        };
        for block in blocks {
            let (b, vectors) = matrix.block(block);
            let part = |first: usize, length: usize| {
                let width = vectors * VECTOR / lane;
                packed(&b[(first * width).min(b.len())..((first + length) * width).min(b.len())])
            };
            for (tap_row, words_in_run) in (0..self.taps.0).flat_map(|row| strip::parts(run).map(move |part| (row, part))) {
                let (place, length) = (tap_row * run + words_in_run.start, words_in_run.len());
                let block = strip::Block {
                    a: &words[tap_row * row_words + words_in_run.start..],
                    rows: starts,
                    b: part(place, length),
                    vectors,
                    start: if place == 0 { strip::Start::Zero } else { strip::Start::Sums },
                    soon: part(place + length, strip::PART),
                };
                block.multiply::<Single>(strips, sums);
            }
            finish(sums, targets, (block * BLOCK_COLUMNS, matrix.n()), epilogue, out);
        }
    }
}

/// A band of pixels to be multiplied strip by strip.
struct Pixels<'a> {
    /// Rows of words of f32.
    words: &'a [u32],
    row_words: usize,
    /// Words of a row of taps.
    run: usize,
    /// Where each pixel's patch begins.
    starts: &'a [usize],
    /// Which output it is.
    targets: &'a [usize],
}

impl Target {
    fn pixel(&self, picture: usize, row: usize, column: usize) -> usize {
        let (y, x) = (self.first.0 + row * self.step, self.first.1 + column * self.step);
        (picture * self.size.0 + y) * self.size.1 + x
    }
}

const _: () = assert!(BLOCK_COLUMNS == 4 * VECTOR, "a block is as wide as the widest tile");
