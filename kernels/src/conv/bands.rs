//! How a convolution's outputs are dealt to tasks: bands of rows of one picture, and blocks of the filter's columns.

use crate::gemm::ColumnSplit;
use crate::pool::parallel_for;
use std::ops::Range;

/// Output pixels of a band: enough that the rows which neighbouring bands both round are few.
const BAND_PIXELS: usize = 512;

/// A band of outputs.
#[derive(Clone, Copy)]
pub(crate) struct Band {
    pub picture: usize,
    /// Its first row of the picture, and how many it has.
    pub first: usize,
    pub rows: usize,
    /// Pixels of a row.
    pub columns: usize,
}

impl Band {
    /// Calls `task(band, blocks)` on the pool for all outputs `(rows, columns)` of `batch` pictures and all blocks of `n` columns.
    pub fn for_each((batch, rows, columns): (usize, usize, usize), n: usize, task: &(dyn Fn(Self, Range<usize>) + Sync)) {
        if batch == 0 || rows == 0 || columns == 0 || n == 0 {
            return;
        }
        let height = (BAND_PIXELS / columns).clamp(1, rows);
        let bands = rows.div_ceil(height);
        let split = ColumnSplit::new(n, batch * bands);
        parallel_for(batch * bands * split.tasks, &|index| {
            let (band, part) = (index / split.tasks, index % split.tasks);
            let first = band % bands * height;
            task(Self { picture: band / bands, first, rows: height.min(rows - first), columns }, split.blocks(part));
        });
    }

    /// Number of its pixels.
    pub fn len(self) -> usize {
        self.rows * self.columns
    }

    /// Its pixels, row by row: row of the band, column.
    pub fn pixels(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.rows).flat_map(move |row| (0..self.columns).map(move |column| (row, column)))
    }
}
