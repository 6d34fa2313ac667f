//! Convolutions over NHWC as implicit products: a task rounds the band of input rows that it needs once, and tiles read each tap's
//! neighbours from there; no patch is ever gathered.

mod bands;
mod walk;
mod weight_gradient;

pub use weight_gradient::conv2d_weight_gradient;

use crate::element::{Elements, Precision};
use crate::gemm::Epilogue;
use crate::gemm::packing::lane;
use crate::matrix::{MatrixView, PackedMatrix, value_at};
use crate::pool::parallel_chunks_mut;
use crate::shared::SharedSlice;
use crate::storage::Storage;
pub(crate) use bands::Band;
use walk::{Target, Walk, padded_channels};

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

    pub(crate) fn check(&self) {
        assert!(self.kernel > 0 && self.stride > 0, "a kernel and a stride are at least 1");
        let (height, width) = (self.height + self.padding.top + self.padding.bottom, self.width + self.padding.left + self.padding.right);
        assert!(height >= self.kernel && width >= self.kernel, "the kernel is larger than the padded picture");
    }

    pub(crate) fn input_values(&self) -> usize {
        self.batch * self.height * self.width * self.in_channels
    }
}

/// A packed filter bank, `[kernel row, kernel column, input]` by output.
#[derive(Debug, Clone)]
pub struct PackedFilter {
    matrix: PackedMatrix,
    size: (usize, usize, usize),
}

impl PackedFilter {
    /// Packs `weight`, `[outputs, inputs, kernel, kernel]`; `size` is (outputs, inputs, kernel).
    pub fn pack(weight: &Elements<'_>, size: (usize, usize, usize), precision: Precision) -> Self {
        let (outputs, inputs, kernel) = size;
        let taps = kernel * kernel;
        assert_eq!(weight.len(), outputs * inputs * taps, "the weight is not [outputs, inputs, kernel, kernel]");
        let taps = Taps { weight, outputs, channels: inputs, strides: (inputs * taps, taps), offsets: (0..taps).collect() };
        Self { matrix: taps.pack(precision), size }
    }

    /// The filter bank of `size` (outputs, inputs, kernel) that the words of its [`Self::matrix`] make; `None` if they are not as many.
    pub fn from_words(size: (usize, usize, usize), precision: Precision, words: Storage<u32>) -> Option<Self> {
        let (outputs, inputs, kernel) = size;
        let padded = inputs.checked_next_multiple_of(lane(precision))?;
        let rows = kernel.checked_mul(kernel)?.checked_mul(padded)?;
        Some(Self { matrix: PackedMatrix::from_words((rows, outputs), precision, words)?, size })
    }

    /// The taps by outputs.
    pub fn matrix(&self) -> &PackedMatrix {
        &self.matrix
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

/// Where the weights of a filter bank lie.
struct Taps<'a> {
    weight: &'a Elements<'a>,
    outputs: usize,
    channels: usize,
    /// From one output, and from one channel, to the next.
    strides: (usize, usize),
    /// Of each tap, in the order in which the product reads them.
    offsets: Vec<usize>,
}

impl Taps<'_> {
    /// Packs `[taps · padded channels, outputs]`.
    fn pack(&self, precision: Precision) -> PackedMatrix {
        let padded = padded_channels(self.channels, precision);
        let length = self.offsets.len() * padded;
        let mut by_output = vec![0.0_f32; self.outputs * length];
        if length > 0 {
            parallel_chunks_mut(&mut by_output, length, &|output, row| {
                for (row, offset) in row.chunks_exact_mut(padded).zip(&self.offsets) {
                    for (channel, value) in row.iter_mut().enumerate().take(self.channels) {
                        *value = value_at(self.weight, output * self.strides.0 + channel * self.strides.1 + offset);
                    }
                }
            });
        }
        PackedMatrix::pack(&MatrixView::new(&by_output, self.outputs, length).transposed(), precision)
    }
}

/// `out = epilogue(conv(x))`, `x [batch, height, width, inputs]`, `out [batch, height', width', outputs]`; the epilogue's rows are pixels.
pub fn conv2d(x: &[f32], filter: &PackedFilter, shape: &ConvShape, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    shape.check();
    assert_eq!(x.len(), shape.input_values(), "x is not [batch, height, width, inputs]");
    assert_eq!(filter.size, (shape.out_channels, shape.in_channels, shape.kernel), "the filter is not [outputs, inputs, kernel, kernel]");
    assert_eq!(out.len(), shape.out_pixels() * shape.out_channels, "the output is not [batch, height', width', outputs]");
    epilogue.check(shape.out_pixels(), shape.out_channels);
    let walk = Walk {
        source: x,
        batch: shape.batch,
        size: (shape.height, shape.width, shape.in_channels),
        taps: (shape.kernel, shape.kernel),
        stride: shape.stride,
        origin: (-shape.padding.top.cast_signed(), -shape.padding.left.cast_signed()),
        outputs: (shape.out_height(), shape.out_width()),
        target: Target { size: (shape.out_height(), shape.out_width()), first: (0, 0), step: 1 },
    };
    walk.multiply(&filter.matrix, epilogue, &SharedSlice::new(out));
}

/// Replaces `dx [batch, height, width, inputs]` by the gradient of the input; `weight [outputs, inputs, kernel, kernel]`.
///
/// Input pixels that lie alike between the strides see the same taps: each such phase is a convolution of `dy` with those taps,
/// in reverse, and no zero is multiplied.
pub fn conv2d_input_gradient(dy: &[f32], weight: &[f32], shape: &ConvShape, precision: Precision, dx: &mut [f32]) {
    shape.check();
    let (kernel, inputs, outputs, stride) = (shape.kernel, shape.in_channels, shape.out_channels, shape.stride);
    assert_eq!(dy.len(), shape.out_pixels() * outputs, "dy is not [batch, height', width', outputs]");
    assert_eq!(weight.len(), outputs * inputs * kernel * kernel, "the weight is not [outputs, inputs, kernel, kernel]");
    assert_eq!(dx.len(), shape.input_values(), "dx is not [batch, height, width, inputs]");
    let rows = Phase::all(shape.height, shape.padding.top, kernel, stride);
    let columns = Phase::all(shape.width, shape.padding.left, kernel, stride);
    let dx = SharedSlice::new(dx);
    for down in &rows {
        for right in &columns {
            let offsets = (0..down.taps)
                .flat_map(|row| (0..right.taps).map(move |column| down.tap(row, stride) * kernel + right.tap(column, stride)))
                .collect();
            let strides = (kernel * kernel, inputs * kernel * kernel);
            let taps = Taps { weight: &Elements::F32(weight), outputs: inputs, channels: outputs, strides, offsets };
            let walk = Walk {
                source: dy,
                batch: shape.batch,
                size: (shape.out_height(), shape.out_width(), outputs),
                taps: (down.taps, right.taps),
                stride: 1,
                origin: (down.origin, right.origin),
                outputs: (down.count, right.count),
                target: Target { size: (shape.height, shape.width), first: (down.first, right.first), step: stride },
            };
            walk.multiply(&taps.pack(precision), &Epilogue::default(), &dx);
        }
    }
}

/// Positions `first, first + stride, …` of an axis of the input, and the taps that reach them.
struct Phase {
    first: usize,
    count: usize,
    taps: usize,
    remainder: usize,
    /// Where the last tap reads the gradient for the first position.
    origin: isize,
}

impl Phase {
    fn all(length: usize, padding: usize, kernel: usize, stride: usize) -> Vec<Self> {
        (0..stride.min(length))
            .map(|first| {
                let remainder = (first + padding) % stride;
                let taps = if remainder < kernel { (kernel - remainder).div_ceil(stride) } else { 0 };
                let origin = ((first + padding) / stride).cast_signed() - taps.cast_signed() + 1;
                Self { first, count: (length - first).div_ceil(stride), taps, remainder, origin }
            })
            .collect()
    }

    /// The kernel's tap that is the `index`-th from the origin.
    fn tap(&self, index: usize, stride: usize) -> usize {
        self.remainder + (self.taps - 1 - index) * stride
    }
}
