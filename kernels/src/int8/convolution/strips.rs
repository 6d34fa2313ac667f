use super::{Scratch, Walk};
use crate::conv::{Band, ConvShape};
use crate::gemm::finish;
use crate::gemm::microkernel::VECTOR;
use crate::int8::microkernel::{MAX_ROWS, Sums};
use crate::int8::scale_back;
use crate::int8::strips::{PART_GROUPS, parts};
use crate::matrix::BLOCK_COLUMNS;
use crate::shared::SharedSlice;
use crate::strip::{self, Packed, Pair};
use std::ops::Range;

/// What a task writes where products are computed strip by strip.
pub(super) struct StripScratch {
    /// The band's bytes as pairs of 16 bits.
    pairs: Vec<u32>,
    strip: Vec<u32>,
    sums: Vec<Sums>,
    /// For every pixel, where its patch begins, which output it is, and its factor.
    starts: Vec<usize>,
    targets: Vec<usize>,
    scales: Vec<f32>,
}

impl StripScratch {
    pub const fn new() -> Self {
        Self { pairs: Vec::new(), strip: Vec::new(), sums: Vec::new(), starts: Vec::new(), targets: Vec::new(), scales: Vec::new() }
    }
}

impl Walk<'_> {
    /// As [`Walk::multiply`], of a band that is filled.
    pub(super) fn multiply_strips(&self, band: Band, blocks: Range<usize>, scratch: &mut Scratch, out: &SharedSlice<'_, f32>) {
        let ConvShape { kernel, stride, .. } = *self.shape;
        let matrix = &self.filter.matrix;
        let (pixel_words, row_words) = self.widths();
        let length = kernel * pixel_words;
        let StripScratch { pairs, strip, sums, starts, targets, scales } = &mut scratch.strips;
        starts.clear();
        targets.clear();
        scales.clear();
        for row in 0..band.rows {
            let output = self.target(band, row);
            let factor: f32 = scratch.rows[row * stride..][..kernel].iter().product();
            starts.extend((0..band.columns).map(|column| 2 * stride * (row * row_words + column * pixel_words)));
            targets.extend(output..output + band.columns);
            scales.extend(std::iter::repeat_n(factor, band.columns));
        }
        let words = ((band.rows - 1) * stride + kernel) * row_words;
        let pairs = strip::pairs(&scratch.band[..words], (words, &(0..words)), pairs);
        sums.resize(starts.len().max(sums.len()), [0; BLOCK_COLUMNS]);
        for block in blocks {
            let (b, vectors) = matrix.block(block);
            let part = |first: usize, length: usize| {
                let place = |group: usize| (group * vectors * VECTOR).min(b.len());
                Packed::Bytes(&b[place(first)..place(first + length)])
            };
            let first_sums = matrix.starts[block * BLOCK_COLUMNS..].first_chunk();
            for (tap, groups) in (0..kernel).flat_map(|tap| parts(length).map(move |groups| (tap, groups))) {
                let (place, count) = (tap * length + groups.start, groups.len());
                let part = strip::Block {
                    a: &pairs[2 * (tap * row_words + groups.start)..],
                    rows: starts,
                    b: part(place, count),
                    vectors,
                    start: first_sums.filter(|_| place == 0).map_or(strip::Start::Sums, strip::Start::Columns),
                    soon: part(place + count, PART_GROUPS),
                };
                part.multiply::<Pair>(strip, sums);
            }
            for first in (0..starts.len()).step_by(MAX_ROWS) {
                let pixels = first..starts.len().min(first + MAX_ROWS);
                scale_back(&sums[pixels.clone()], &scales[pixels.clone()], matrix.block_scales(block), &mut scratch.values);
                finish(&mut scratch.values, &targets[pixels], (block * BLOCK_COLUMNS, matrix.n()), self.epilogue, out);
            }
        }
    }
}
