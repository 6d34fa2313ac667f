//! The gradient of a filter bank: rows are the filter's taps and inputs, columns its outputs, and the sum runs over pixels.
//!
//! A band of the input is transposed to planes, one per channel, so that each tap's pixels are runs that start one value further.

use super::ConvShape;
use crate::element::Precision;
use crate::gemm::microkernel::{MAX_ROWS, Order, Start, Sums, Tile, VECTOR, tile_rows};
use crate::gemm::packing::{lane, pack_block, transpose_runs};
use crate::matrix::{BLOCK_COLUMNS, MatrixView};
use crate::pool::{parallel_chunks_mut, parallel_for};
use crate::shared::SharedSlice;
use std::cell::RefCell;

/// Output pixels of a band: the planes and the gradient of a band stay in L2.
const BAND_PIXELS: usize = 512;
/// Input channels of a task.
const TASK_CHANNELS: usize = 64;
/// Partial sums: enough to occupy the threads of a large machine, few enough that adding them up costs little. Fixed, so that the
/// order of summation depends on the shape alone.
const MOST_PARTS: usize = 16;
/// Values of all partial sums together: larger filter banks are split by channels instead.
const MOST_PARTIAL_VALUES: usize = 8 << 20;
/// Values of a task of the final sum.
const SUM_VALUES: usize = 4_096;

#[derive(Default)]
struct Buffers {
    planes: Vec<u32>,
    gradient: Vec<u32>,
}

thread_local! { static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers::default()); }

/// Adds the gradient of the weight to `dw [outputs, inputs, kernel, kernel]`.
pub fn conv2d_weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, precision: Precision, dw: &mut [f32]) {
    shape.check();
    let (inputs, outputs, taps) = (shape.in_channels, shape.out_channels, shape.kernel * shape.kernel);
    assert_eq!(x.len(), shape.input_values(), "x is not [batch, height, width, inputs]");
    assert_eq!(dy.len(), shape.out_pixels() * outputs, "dy is not [batch, height', width', outputs]");
    assert_eq!(dw.len(), outputs * inputs * taps, "dw is not [outputs, inputs, kernel, kernel]");
    if dy.is_empty() || dw.is_empty() {
        return;
    }
    let gradient = Gradient::new(x, dy, shape, precision);
    let units = shape.batch * gradient.bands;
    let size = shape.patch() * outputs;
    let parts = (MOST_PARTIAL_VALUES / size).clamp(1, MOST_PARTS).min(units);
    let mut partial = vec![0.0_f32; parts * size];
    let shared = SharedSlice::new(&mut partial);
    let channel_tasks = inputs.div_ceil(TASK_CHANNELS);
    parallel_for(parts * channel_tasks, &|task| {
        let (part, first) = (task / channel_tasks, task % channel_tasks * TASK_CHANNELS);
        let channels = (first, TASK_CHANNELS.min(inputs - first));
        BUFFERS.with_borrow_mut(|buffers| {
            for unit in part * units / parts..(part + 1) * units / parts {
                gradient.add_band(unit, channels, buffers, (&shared, part * size));
            }
        });
    });
    let (sum, others) = partial.split_at_mut(size);
    parallel_chunks_mut(sum, SUM_VALUES, &|chunk, sum| {
        for other in others.chunks_exact(size) {
            for (sum, other) in sum.iter_mut().zip(&other[chunk * SUM_VALUES..]) {
                *sum += other;
            }
        }
    });
    let sum = &*sum;
    parallel_chunks_mut(dw, inputs * taps, &|output, dw| {
        for (input, dw) in dw.chunks_exact_mut(taps).enumerate() {
            for (tap, dw) in dw.iter_mut().enumerate() {
                *dw += sum[(tap * inputs + input) * outputs + output];
            }
        }
    });
}

struct Gradient<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    shape: &'a ConvShape,
    precision: Precision,
    /// Output rows of a band, and bands of a picture.
    rows: usize,
    bands: usize,
    /// Halves of a value, and of a row of a plane.
    value: usize,
    plane_row: usize,
}

impl<'a> Gradient<'a> {
    fn new(x: &'a [f32], dy: &'a [f32], shape: &'a ConvShape, precision: Precision) -> Self {
        let rows = (BAND_PIXELS / shape.out_width()).clamp(1, shape.out_height());
        let value = 2 / lane(precision);
        // Each stride phase of a padded row, and a value more for the missing partner of a last odd pixel.
        let reach = (shape.out_width() - 1 + shape.kernel.div_ceil(shape.stride)) + 1;
        Self { x, dy, shape, precision, rows, bands: shape.out_height().div_ceil(rows), value, plane_row: reach * value }
    }

    /// Adds one band's share for `channels` (first, count) to the partial sums `[taps, inputs, outputs]` at `base`.
    fn add_band(&self, unit: usize, channels: (usize, usize), buffers: &mut Buffers, sums: (&SharedSlice<'_, f32>, usize)) {
        let shape = self.shape;
        let first = unit % self.bands * self.rows;
        let rows = self.rows.min(shape.out_height() - first);
        let picture = unit / self.bands;
        let plane = self.fill_planes((picture, first, rows), channels, &mut buffers.planes);
        let groups = shape.out_width().div_ceil(lane(self.precision));
        let outputs = shape.out_channels;
        for block in 0..outputs.div_ceil(BLOCK_COLUMNS) {
            let column = block * BLOCK_COLUMNS;
            let width = (outputs - column).min(BLOCK_COLUMNS).next_multiple_of(VECTOR);
            buffers.gradient.resize((rows * groups * width).max(buffers.gradient.len()), 0);
            for (row, words) in buffers.gradient.chunks_exact_mut(groups * width).enumerate().take(rows) {
                let start = (picture * shape.out_height() + first + row) * shape.out_width() * outputs;
                let pixels = MatrixView::new(&self.dy[start..start + shape.out_width() * outputs], shape.out_width(), outputs);
                pack_block(&pixels, (column, width), (0, groups), self.precision, words);
            }
            let tile = Tile {
                a: Tile::halves(&buffers.planes),
                rows: [0; MAX_ROWS],
                height: 0,
                order: Order::Rows,
                runs: (rows, groups, shape.stride * self.plane_row),
                b: &buffers.gradient,
                vectors: width / VECTOR,
                precision: self.precision,
                start: Start::Sums,
                soon: &[],
            };
            self.add_tiles(tile, column, channels, plane, sums);
        }
    }

    /// All taps and `channels` against one block of outputs.
    fn add_tiles(
        &self,
        mut tile: Tile<'_>,
        column: usize,
        (first, count): (usize, usize),
        plane: usize,
        (partial, base): (&SharedSlice<'_, f32>, usize),
    ) {
        let (inputs, outputs, kernel, stride) = (self.shape.in_channels, self.shape.out_channels, self.shape.kernel, self.shape.stride);
        let columns = BLOCK_COLUMNS.min(outputs - column);
        let height = tile_rows(tile.vectors);
        let mut sums: [Sums; MAX_ROWS] = [[0.0; BLOCK_COLUMNS]; MAX_ROWS];
        let taps = kernel * kernel;
        let rows = taps * count;
        for start in (0..rows).step_by(height) {
            tile.height = height.min(rows - start);
            let mut targets = [0; MAX_ROWS];
            for offset in 0..tile.height {
                // The taps of a channel read one plane, which stays in L1.
                let (channel, tap) = ((start + offset) / taps, (start + offset) % taps);
                let (y, x) = (tap / kernel, tap % kernel);
                // Planes are split by stride phase, so that neighbouring outputs read neighbouring values.
                tile.rows[offset] = (channel * stride + x % stride) * plane + y * self.plane_row + x / stride * self.value;
                targets[offset] = base + (tap * inputs + first + channel) * outputs + column;
                // SAFETY: tasks own disjoint channels of disjoint parts.
                sums[offset][..columns].copy_from_slice(unsafe { partial.range(targets[offset], columns) });
            }
            let last = tile.rows[tile.height - 1];
            tile.rows[tile.height..].fill(last);
            tile.multiply(&mut sums);
            for offset in 0..tile.height {
                // SAFETY: as above.
                unsafe { partial.range(targets[offset], columns) }.copy_from_slice(&sums[offset][..columns]);
            }
        }
    }

    /// Planes `[channels, stride phases, rows, plane row]` of the rows that a band reads, with their zero padding; returns the halves
    /// of a phase of a plane.
    fn fill_planes(&self, (picture, first, rows): (usize, usize, usize), channels: (usize, usize), planes: &mut Vec<u32>) -> usize {
        let shape = self.shape;
        let stride = shape.stride;
        let reach = (rows - 1) * stride + shape.kernel;
        let plane = reach * self.plane_row;
        let halves = channels.1 * stride * plane;
        // Cleared, because the padding keeps no values of an earlier band.
        planes.clear();
        planes.resize(halves.div_ceil(2), 0);
        let halves = Tile::halves_mut(planes);
        for row in 0..reach {
            let Some(y) = (first * stride + row).checked_sub(shape.padding.top).filter(|y| *y < shape.height) else { continue };
            for phase in 0..stride {
                // The first pixel of the picture that lies at a padded column of this phase.
                let skipped = shape.padding.left.saturating_sub(phase).div_ceil(stride);
                let column = skipped * stride + phase - shape.padding.left;
                if column >= shape.width {
                    continue;
                }
                let count = (shape.width - column).div_ceil(stride).min((self.plane_row / self.value).saturating_sub(skipped));
                let start = ((picture * shape.height + y) * shape.width + column) * shape.in_channels + channels.0;
                let at = phase * plane + row * self.plane_row + skipped * self.value;
                transpose_runs(
                    &self.x[start..],
                    (count, stride * shape.in_channels),
                    channels.1,
                    self.precision,
                    (&mut halves[at..], stride * plane),
                );
            }
        }
        plane
    }
}
