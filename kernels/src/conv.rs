//! Convolutions over NHWC as implicit products: each task gathers the patches of its own rows.

use crate::element::{Elements, Precision};
use crate::gemm::{Accumulate, Epilogue, gemm, gemm_rows, pack_run};
use crate::matrix::{MatrixView, PackedMatrix, groups, value_at};
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use std::cell::RefCell;

/// Pixels of a partial sum of the weight gradient. Fixed, so that the order of summation never depends on threads.
const GRADIENT_PIXELS: usize = 2_048;

/// Zero padding in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

/// Sizes of a convolution with a square kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Pictures.
    pub batch: usize,
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// Input channels.
    pub in_channels: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zero padding.
    pub padding: Padding,
}

impl ConvShape {
    /// Output rows.
    pub fn out_height(&self) -> usize {
        (self.height + self.padding.top + self.padding.bottom + self.stride - self.kernel) / self.stride
    }
    /// Output columns.
    pub fn out_width(&self) -> usize {
        (self.width + self.padding.left + self.padding.right + self.stride - self.kernel) / self.stride
    }
    /// Output pixels of the batch.
    pub fn out_pixels(&self) -> usize {
        self.batch * self.out_height() * self.out_width()
    }
    /// Values of a patch: kernel row, kernel column, input channel.
    pub fn patch(&self) -> usize {
        self.kernel * self.kernel * self.in_channels
    }
}

/// A packed filter bank, `[patch, outputs]`.
#[derive(Debug, Clone)]
pub struct PackedFilter {
    matrix: PackedMatrix,
}

impl PackedFilter {
    /// Packs `weight`, `[outputs, inputs, kernel, kernel]`.
    pub fn pack(weight: &Elements<'_>, size: (usize, usize, usize), precision: Precision) -> Self {
        let (outputs, inputs, kernel) = size;
        let mut by_patch = vec![0.0; kernel * kernel * inputs * outputs];
        for output in 0..outputs {
            for input in 0..inputs {
                for tap in 0..kernel * kernel {
                    by_patch[(tap * inputs + input) * outputs + output] =
                        value_at(weight, (output * inputs + input) * kernel * kernel + tap);
                }
            }
        }
        Self { matrix: PackedMatrix::pack(&MatrixView::new(&by_patch, kernel * kernel * inputs, outputs), precision) }
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        self.matrix.bytes()
    }
    /// How values were rounded.
    pub fn precision(&self) -> Precision {
        self.matrix.precision()
    }
}

thread_local! { static PATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) }; }

/// `out = epilogue(conv(x))`, `x [batch, height, width, inputs]`, `out [batch, height', width', outputs]`; the epilogue's rows are pixels.
pub fn conv2d(x: &[f32], filter: &PackedFilter, shape: &ConvShape, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    assert_eq!(x.len(), shape.batch * shape.height * shape.width * shape.in_channels, "x is not [batch, height, width, inputs]");
    let precision = filter.precision();
    let length = groups(shape.patch(), precision);
    gemm_rows(shape.out_pixels(), &filter.matrix, epilogue, out, &|first, rows, panel| {
        PATCH.with_borrow_mut(|patch| {
            patch.resize(shape.patch(), 0.0);
            for (row, words) in panel.chunks_exact_mut(length).enumerate().take(rows) {
                gather(x, shape, first + row, patch);
                pack_run(patch, precision, words);
            }
        });
    });
}

/// Writes the input patch of output pixel `pixel`: kernel rows, kernel columns, channels; zero outside the picture.
fn gather(x: &[f32], shape: &ConvShape, pixel: usize, patch: &mut [f32]) {
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    let (picture, row, column) = (pixel / (out_height * out_width), pixel / out_width % out_height, pixel % out_width);
    let channels = shape.in_channels;
    let left = (column * shape.stride).cast_signed() - shape.padding.left.cast_signed();
    let begin = left.max(0).cast_unsigned();
    let end = (left + shape.kernel.cast_signed()).clamp(0, shape.width.cast_signed()).cast_unsigned().max(begin);
    let skipped = (begin.cast_signed() - left).cast_unsigned().min(shape.kernel);
    for (tap_row, run) in patch.chunks_exact_mut(shape.kernel * channels).enumerate() {
        let source_row = (row * shape.stride + tap_row).cast_signed() - shape.padding.top.cast_signed();
        if source_row < 0 || source_row >= shape.height.cast_signed() || begin == end {
            run.fill(0.0);
            continue;
        }
        let source = ((picture * shape.height + source_row.cast_unsigned()) * shape.width + begin) * channels;
        let count = (end - begin) * channels;
        run[..skipped * channels].fill(0.0);
        run[skipped * channels..][..count].copy_from_slice(&x[source..source + count]);
        run[skipped * channels + count..].fill(0.0);
    }
}

/// Replaces `dx [batch, height, width, inputs]` by the gradient of the input; `weight [outputs, inputs, kernel, kernel]`.
pub fn conv2d_input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, precision: Precision, dx: &mut [f32]) {
    let (kernel, inputs, outputs) = (shape.kernel, shape.in_channels, shape.out_channels);
    let mut by_patch = vec![0.0; kernel * kernel * outputs * inputs];
    for output in 0..outputs {
        for input in 0..inputs {
            for tap in 0..kernel * kernel {
                by_patch[(tap * outputs + output) * inputs + input] = weight[(output * inputs + input) * kernel * kernel + tap];
            }
        }
    }
    let matrix = PackedMatrix::pack(&MatrixView::new(&by_patch, kernel * kernel * outputs, inputs), precision);
    let length = groups(kernel * kernel * outputs, precision);
    let pixels = shape.batch * shape.height * shape.width;
    gemm_rows(pixels, &matrix, &Epilogue::default(), dx, &|first, rows, panel| {
        PATCH.with_borrow_mut(|patch| {
            patch.resize(kernel * kernel * outputs, 0.0);
            for (row, words) in panel.chunks_exact_mut(length).enumerate().take(rows) {
                gather_gradient(dy, shape, first + row, patch);
                pack_run(patch, precision, words);
            }
        });
    });
}

/// Writes, for input pixel `pixel`, the output gradients that each kernel tap carried it to.
fn gather_gradient(dy: &[f32], shape: &ConvShape, pixel: usize, patch: &mut [f32]) {
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    let (picture, row, column) = (pixel / (shape.height * shape.width), pixel / shape.width % shape.height, pixel % shape.width);
    let target = |position: usize, padding: usize, tap: usize, limit: usize| {
        let shifted = (position + padding).checked_sub(tap)?;
        (shifted % shape.stride == 0 && shifted / shape.stride < limit).then_some(shifted / shape.stride)
    };
    for (tap, run) in patch.chunks_exact_mut(shape.out_channels).enumerate() {
        let source_row = target(row, shape.padding.top, tap / shape.kernel, out_height);
        let source_column = target(column, shape.padding.left, tap % shape.kernel, out_width);
        match (source_row, source_column) {
            (Some(y), Some(x)) => {
                run.copy_from_slice(&dy[((picture * out_height + y) * out_width + x) * shape.out_channels..][..shape.out_channels]);
            }
            _ => run.fill(0.0),
        }
    }
}

/// Adds the gradient of the weight to `dw [outputs, inputs, kernel, kernel]`.
pub fn conv2d_weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, precision: Precision, dw: &mut [f32]) {
    let (patch, outputs, pixels) = (shape.patch(), shape.out_channels, shape.out_pixels());
    let parts = pixels.div_ceil(GRADIENT_PIXELS);
    let mut partial = vec![0.0_f32; parts * outputs * patch];
    let shared = SharedSlice::new(&mut partial);
    parallel_for(parts, &|part| {
        let first = part * GRADIENT_PIXELS;
        let count = GRADIENT_PIXELS.min(pixels - first);
        let mut patches = vec![0.0; count * patch];
        for (offset, patch) in patches.chunks_exact_mut(patch).enumerate() {
            gather(x, shape, first + offset, patch);
        }
        let right = PackedMatrix::pack(&MatrixView::new(&patches, count, patch), precision);
        let left = MatrixView::new(&dy[first * outputs..(first + count) * outputs], count, outputs).transposed();
        // SAFETY: parts are disjoint.
        let out = unsafe { shared.range(part * outputs * patch, outputs * patch) };
        gemm(&left, &right, &Epilogue { accumulate: Accumulate::Replace, ..Epilogue::default() }, out);
    });
    let taps = shape.kernel * shape.kernel;
    for part in partial.chunks_exact(outputs * patch) {
        for output in 0..outputs {
            for tap in 0..taps {
                for input in 0..shape.in_channels {
                    dw[(output * shape.in_channels + input) * taps + tap] += part[output * patch + tap * shape.in_channels + input];
                }
            }
        }
    }
}
