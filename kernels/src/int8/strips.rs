//! Integer products strip by strip (AVX2): bytes are widened to pairs of 16 bits, because the instruction that multiplies bytes saturates.

use super::microkernel::{LANE, MAX_ROWS, Sums};
use super::{Task, Values, scale_back};
use crate::gemm::microkernel::VECTOR;
use crate::matrix::BLOCK_COLUMNS;
use crate::shared::SharedSlice;
use crate::strip::{self, Packed, Pair, Start};
use std::ops::Range;

/// Most words of a row that are multiplied at a time: two pairs each.
pub(super) const PART_GROUPS: usize = strip::PART / 2;
/// Blocks of columns whose interrupted sums stay near.
const BLOCKS: usize = 8;

/// What a task writes along the way.
pub(super) struct StripScratch {
    sums: Vec<Sums>,
    panel: Vec<u32>,
    words: Vec<u32>,
    rows: Vec<usize>,
}

impl StripScratch {
    pub const fn new() -> Self {
        Self { sums: Vec::new(), panel: Vec::new(), words: Vec::new(), rows: Vec::new() }
    }
}

/// As [`strip::parts`], of a row of `length` words of four bytes.
pub(super) fn parts(length: usize) -> impl Iterator<Item = Range<usize>> {
    strip::parts(2 * length).map(|pairs| pairs.start / 2..pairs.end / 2)
}

impl Task<'_> {
    /// As [`Task::run`].
    pub(super) fn run_strips(
        &self,
        (words, scales): (&[[u8; LANE]], &[f32]),
        (scratch, values): (&mut StripScratch, &mut Values),
        out: &SharedSlice<'_, f32>,
    ) {
        let length = self.b.groups();
        let StripScratch { sums, panel, words: strips, rows } = scratch;
        sums.resize((BLOCKS * self.rows).max(sums.len()), [0; BLOCK_COLUMNS]);
        for start in self.blocks.clone().step_by(BLOCKS) {
            let blocks = start..self.blocks.end.min(start + BLOCKS);
            for groups in parts(length) {
                let part = strip::pairs(words, (length, &groups), panel);
                rows.clear();
                rows.extend((0..self.rows).map(|row| row * 2 * groups.len()));
                for block in blocks.clone() {
                    let sums = &mut sums[(block - start) * self.rows..][..self.rows];
                    let starts = self.b.starts[block * BLOCK_COLUMNS..].first_chunk();
                    // The next part that is cut: of the next block, or of the first one again.
                    let next = if block + 1 < blocks.end {
                        self.words(block + 1, &groups)
                    } else {
                        self.words(blocks.start, &(groups.end..length.min(groups.end + PART_GROUPS)))
                    };
                    let part = strip::Block {
                        a: part,
                        rows,
                        b: Packed::Bytes(self.words(block, &groups)),
                        vectors: self.b.block(block).1,
                        start: if groups.start == 0 { starts.map_or(Start::Sums, Start::Columns) } else { Start::Sums },
                        soon: Packed::Bytes(next),
                    };
                    part.multiply::<Pair>(strips, sums);
                    if groups.end == length {
                        for row in (0..self.rows).step_by(MAX_ROWS) {
                            let height = MAX_ROWS.min(self.rows - row);
                            scale_back(&sums[row..row + height], &scales[row..][..height], self.b.block_scales(block), values);
                            self.store((row, height, block), values, out);
                        }
                    }
                }
            }
        }
    }

    /// The words of a block for a range of groups.
    fn words(&self, block: usize, groups: &Range<usize>) -> &[[i8; LANE]] {
        let (words, vectors) = self.b.block(block);
        &words[groups.start * vectors * VECTOR..groups.end * vectors * VECTOR]
    }
}
