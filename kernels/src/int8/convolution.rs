//! Convolutions of 8-bit integers over NHWC: as in [`crate::conv`], a task rounds the band of input rows that it needs once, and tiles
//! read each tap's neighbours from there.
//!
//! A sum runs over pixels, so pixels cannot have a scale each. A channel has one for all pictures, found beforehand: what a pixel becomes
//! depends on its own values and on the filter alone, however the picture is cut. Activations behind a SiLU are hardly ever negative, so
//! the byte that stands for zero is the channel's, too: their range fills all 256 steps.

mod strips;

use super::microkernel::{LANE, MAX_ROWS, Start, Sums, Tile, tile_rows};
use super::{QuantizedMatrix, Values, scale_back};
use crate::conv::{Band, ConvShape};
use crate::dispatch::{Int8Level, int8_level};
use crate::gemm::microkernel::VECTOR;
use crate::gemm::{Epilogue, finish};
use crate::matrix::BLOCK_COLUMNS;
use crate::shared::SharedSlice;
use crate::strip;
use crate::vectorise::vectorised;
use std::cell::RefCell;
use std::ops::Range;
use strips::StripScratch;

/// The largest byte of an activation.
const LARGEST: f32 = 255.0;
/// The longest sum: 255 · 127 times as many still fit into 32 bits.
pub const MAX_K: usize = 66_311;
/// 1.5 · 2²³: adding it rounds to the nearest integer, ties to even, and leaves that integer in the last bits.
const MAGIC: f32 = 12_582_912.0;
/// Bits of infinity. Magnitudes from there on are not numbers.
const INFINITE: u32 = 0x7f80_0000;

/// How values of each input channel become bytes: `round(x * factor + zero)`, no less than 0 and no more than 255.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSteps {
    /// Steps of one, `[inputs]`.
    pub factors: Vec<f32>,
    /// The byte of a value of zero, `[inputs]`.
    pub zeros: Vec<u8>,
}

/// A filter bank in integers, `[kernel row, kernel column, input]` by output, and what its activations become.
#[derive(Debug, Clone)]
pub struct QuantizedFilter {
    matrix: QuantizedMatrix,
    factors: Vec<f32>,
    /// Zeros as values to be added, and as words of a pixel.
    shifts: Vec<f32>,
    zero_pixel: Vec<[u8; LANE]>,
    size: (usize, usize, usize),
}

impl QuantizedFilter {
    /// Packs integers `[outputs, inputs, kernel, kernel]`; `size` is (outputs, inputs, kernel). A sum of products of steps of
    /// activations and the integers of output `o` stands for `scales[o]` times as much.
    pub fn from_integers(values: &[i8], size: (usize, usize, usize), scales: &[f32], steps: &ChannelSteps) -> Self {
        let (outputs, inputs, kernel) = size;
        let taps = kernel * kernel;
        assert!(values.len() == outputs * inputs * taps, "integers [outputs, inputs, kernel, kernel]");
        assert!(steps.factors.len() == inputs && steps.zeros.len() == inputs, "a factor and a zero for each input");
        let padded = inputs.next_multiple_of(LANE);
        assert!(taps * padded <= MAX_K, "sums of {taps} · {padded} products may not fit into 32 bits");
        let mut rows = vec![0; outputs * taps * padded];
        let mut starts = vec![0_i32; outputs.next_multiple_of(BLOCK_COLUMNS)];
        for (index, value) in values.iter().enumerate() {
            let (output, input, tap) = (index / (inputs * taps), index / taps % inputs, index % taps);
            rows[(output * taps + tap) * padded + input] = *value;
            starts[output] = starts[output].wrapping_sub(i32::from(steps.zeros[input]) * i32::from(*value));
        }
        let mut matrix = QuantizedMatrix::from_rows(&rows, (taps * padded, outputs), scales);
        matrix.starts = starts.into();
        let mut zero_pixel = vec![[0; LANE]; padded / LANE];
        zero_pixel.as_flattened_mut()[..inputs].copy_from_slice(&steps.zeros);
        let shifts = steps.zeros.iter().map(|zero| f32::from(*zero)).collect();
        Self { matrix, factors: steps.factors.clone(), shifts, zero_pixel, size }
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.matrix.bytes() + self.factors.len() * 9
    }
}

thread_local! { static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) }; }

/// What a task writes along the way.
struct Scratch {
    band: Vec<[u8; LANE]>,
    /// One for each row of the band: NaN where the row holds what is not a number, otherwise 1.
    rows: Vec<f32>,
    values: Values,
    strips: StripScratch,
}

impl Scratch {
    const fn new() -> Self {
        Self { band: Vec::new(), rows: Vec::new(), values: [[0.0; BLOCK_COLUMNS]; MAX_ROWS], strips: StripScratch::new() }
    }
}

/// `out = epilogue(conv(x))`, `x [batch, height, width, inputs]`, `out [batch, height', width', outputs]`; the epilogue's rows are pixels.
/// Padding is zero. Rows of the output that a NaN or an infinity reaches are NaN.
pub fn conv2d(x: &[f32], filter: &QuantizedFilter, shape: &ConvShape, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    conv2d_at(int8_level(), x, filter, shape, epilogue, out);
}

/// As [`conv2d`], with the instructions of a level, to compare levels; panics if the processor lacks them.
pub fn conv2d_at(level: Int8Level, x: &[f32], filter: &QuantizedFilter, shape: &ConvShape, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    shape.check();
    assert!(level <= int8_level(), "this processor lacks {level:?}");
    assert_eq!(x.len(), shape.input_values(), "x is not [batch, height, width, inputs]");
    assert_eq!(filter.size, (shape.out_channels, shape.in_channels, shape.kernel), "the filter is not [outputs, inputs, kernel, kernel]");
    assert_eq!(out.len(), shape.out_pixels() * shape.out_channels, "the output is not [batch, height', width', outputs]");
    epilogue.check(shape.out_pixels(), shape.out_channels);
    let walk = Walk { level, x, filter, shape, epilogue };
    let out = SharedSlice::new(out);
    Band::for_each((shape.batch, shape.out_height(), shape.out_width()), shape.out_channels, &|band, blocks| {
        SCRATCH.with_borrow_mut(|scratch| walk.multiply(band, blocks, scratch, &out));
    });
}

struct Walk<'a> {
    level: Int8Level,
    x: &'a [f32],
    filter: &'a QuantizedFilter,
    shape: &'a ConvShape,
    epilogue: &'a Epilogue<'a>,
}

impl Walk<'_> {
    /// Words of a padded pixel, and of a padded row.
    fn widths(&self) -> (usize, usize) {
        let pixel = self.shape.in_channels.div_ceil(LANE);
        (pixel, ((self.shape.out_width() - 1) * self.shape.stride + self.shape.kernel) * pixel)
    }

    /// Which output the first pixel of a band's row is.
    fn target(&self, band: Band, row: usize) -> usize {
        (band.picture * self.shape.out_height() + band.first + row) * band.columns
    }

    /// Rounds the rows that a band reads, with their zero padding.
    fn fill(&self, band: Band, scratch: &mut Scratch) {
        let ConvShape { height, width, in_channels: channels, stride, padding, .. } = *self.shape;
        let (pixel_words, row_words) = self.widths();
        let rows = (band.rows - 1) * stride + self.shape.kernel;
        scratch.band.resize((rows * row_words).max(scratch.band.len()), [0; LANE]);
        scratch.rows.resize(rows.max(scratch.rows.len()), 1.0);
        let skipped = (padding.left * pixel_words).min(row_words);
        let kept = (width * pixel_words).min(row_words - skipped);
        let blank = |words: &mut [[u8; LANE]]| {
            words.chunks_exact_mut(pixel_words.max(1)).for_each(|pixel| pixel.copy_from_slice(&self.filter.zero_pixel));
        };
        for row in 0..rows {
            let words = &mut scratch.band[row * row_words..][..row_words];
            scratch.rows[row] = 1.0;
            let source = (band.first * stride + row).checked_sub(padding.top).filter(|y| *y < height);
            let Some(y) = source else {
                blank(words);
                continue;
            };
            blank(&mut words[..skipped]);
            blank(&mut words[skipped + kept..]);
            if kept > 0 {
                let values = &self.x[(band.picture * height + y) * width * channels..][..kept / pixel_words * channels];
                let out = words[skipped..skipped + kept].as_flattened_mut();
                if round_pixels(values, &self.filter.factors, &self.filter.shifts, out) >= INFINITE {
                    scratch.rows[row] = f32::NAN;
                }
            }
        }
    }

    fn multiply(&self, band: Band, blocks: Range<usize>, scratch: &mut Scratch, out: &SharedSlice<'_, f32>) {
        self.fill(band, scratch);
        if self.level == Int8Level::Avx2 && strip::strips(band.len()) {
            return self.multiply_strips(band, blocks, scratch, out);
        }
        let ConvShape { kernel, stride, .. } = *self.shape;
        let matrix = &self.filter.matrix;
        let (pixel_words, row_words) = self.widths();
        let length = kernel * pixel_words;
        let mut sums: [Sums; MAX_ROWS] = [[0; BLOCK_COLUMNS]; MAX_ROWS];
        for block in blocks {
            let (b, vectors) = matrix.block(block);
            let starts = matrix.starts[block * BLOCK_COLUMNS..].first_chunk();
            let tap_row = length * vectors * VECTOR;
            let height = tile_rows(vectors);
            let mut pixels = band.pixels();
            for first in (0..band.len()).step_by(height) {
                let count = height.min(band.len() - first);
                let (mut rows, mut targets, mut scales) = ([0; MAX_ROWS], [0; MAX_ROWS], [1.0; MAX_ROWS]);
                for (index, (row, column)) in pixels.by_ref().take(count).enumerate() {
                    rows[index] = stride * (row * row_words + column * pixel_words);
                    targets[index] = self.target(band, row) + column;
                    scales[index] = scratch.rows[row * stride..][..kernel].iter().product();
                }
                let last = rows[count - 1];
                rows[count..].fill(last);
                for tap in 0..kernel {
                    let tile = Tile {
                        a: &scratch.band,
                        rows: rows.map(|row| row + tap * row_words),
                        height: count,
                        length,
                        b: &b[tap * tap_row..][..tap_row],
                        vectors,
                        start: if tap == 0 { starts.map_or(Start::Sums, Start::Columns) } else { Start::Sums },
                    };
                    tile.multiply(self.level, &mut sums);
                }
                scale_back(&sums[..count], &scales[..count], matrix.block_scales(block), &mut scratch.values);
                finish(&mut scratch.values, &targets[..count], (block * BLOCK_COLUMNS, matrix.n()), self.epilogue, out);
            }
        }
    }
}

vectorised! {
    /// Pixels to bytes, each in whole words; returns bits of the largest magnitude, which NaN exceeds.
    fn round_pixels(values: &[f32], factors: &[f32], shifts: &[f32], out: &mut [u8]) -> u32 {
        let mut largest = 0;
        let padded = factors.len().next_multiple_of(LANE);
        for (values, out) in values.chunks_exact(factors.len()).zip(out.chunks_exact_mut(padded)) {
            let (out, rest) = out.split_at_mut(factors.len());
            rest.fill(0);
            for (((out, value), factor), shift) in out.iter_mut().zip(values).zip(factors).zip(shifts) {
                largest = largest.max(value.to_bits() & 0x7fff_ffff);
                let scaled = value * factor + shift;
                let scaled = if scaled < LARGEST { scaled } else { LARGEST };
                let scaled = if scaled > 0.0 { scaled } else { 0.0 };
                *out = (scaled + MAGIC).to_bits() as u8;
            }
        }
        largest
    }
}
