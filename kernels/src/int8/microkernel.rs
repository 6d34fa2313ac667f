//! One tile of integer sums: words of A, four bytes each, broadcast one by one, times words of packed B.
//!
//! A holds unsigned bytes, the integers plus 128, because that is what the processor multiplies; sums start from what that adds,
//! taken off. Wrapping addition makes the order of summation irrelevant, and [`super::MAX_K`] keeps every final sum in range.

use crate::dispatch::Int8Level;
use crate::gemm::microkernel::VECTOR;
use crate::matrix::BLOCK_COLUMNS;

/// Values of a word.
pub(super) const LANE: usize = 4;
/// The tallest tile.
pub(super) const MAX_ROWS: usize = 12;

/// A row of sums; a narrow tile uses its first columns.
pub(super) type Sums = [i32; BLOCK_COLUMNS];

/// Rows of a tile that is `vectors` vectors wide: as many as keep the sums, B and the broadcast word within 32 registers.
pub(super) const fn tile_rows(vectors: usize) -> usize {
    match vectors {
        4 => 6,
        3 => 8,
        _ => MAX_ROWS,
    }
}

/// What a tile adds to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a> {
    /// A value for each column.
    Columns(&'a [i32; BLOCK_COLUMNS]),
    /// The sums that the tile holds.
    Sums,
}

/// The operands of one tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile<'a> {
    /// Words of A.
    pub a: &'a [[u8; LANE]],
    /// Where each row starts, rows beyond the height included: they are read, too.
    pub rows: [usize; MAX_ROWS],
    /// Rows in use.
    pub height: usize,
    /// Words of each row.
    pub length: usize,
    /// Words `[length, vectors, 16]`.
    pub b: &'a [[i8; LANE]],
    /// Width of the tile in vectors, 1 to 4.
    pub vectors: usize,
    /// What the sums start from.
    pub start: Start<'a>,
}

impl Tile<'_> {
    /// Computes the tile into the first rows and vectors of `sums`; rows behind them, up to the tallest tile, may be overwritten.
    pub fn multiply(&self, level: Int8Level, sums: &mut [Sums]) {
        assert!((1..=4).contains(&self.vectors) && (1..=tile_rows(self.vectors)).contains(&self.height), "impossible tile");
        assert!(sums.len() >= MAX_ROWS, "room for the tallest tile");
        let last = self.rows.iter().fold(0, |last, row| last.max(*row)) + self.length;
        assert!(last <= self.a.len() && self.b.len() >= self.length * self.vectors * VECTOR, "tile outside its operands");
        match level {
            // SAFETY: whoever names a level has found its instructions; the assertions above bound what is read and written.
            #[cfg(target_arch = "x86_64")]
            Int8Level::Avx512Vnni => unsafe { avx512::multiply(self, sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Int8Level::Avx2 => unsafe { avx2::multiply(self, sums) },
            _ => self.multiply_portable(sums),
        }
    }

    fn multiply_portable(&self, sums: &mut [Sums]) {
        let width = self.vectors * VECTOR;
        for (row, sums) in sums.iter_mut().enumerate().take(self.height) {
            if let Start::Columns(starts) = self.start {
                *sums = *starts;
            }
            for group in 0..self.length {
                let a = self.a[self.rows[row] + group].map(i32::from);
                for (sum, b) in sums.iter_mut().zip(&self.b[group * width..][..width]) {
                    let products = a.iter().zip(b).map(|(a, b)| a * i32::from(*b));
                    *sum = sum.wrapping_add(products.sum());
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[path = "microkernel_avx512.rs"]
mod avx512;

#[cfg(target_arch = "x86_64")]
#[path = "microkernel_avx2.rs"]
mod avx2;
