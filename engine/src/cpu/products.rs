//! Linear layers and convolutions.

use super::{misfit, optional_values};
use crate::error::Result;
use crate::quantization::{ActivationSamples, StoredConvolution, StoredInt8};
use crate::waist::{Conv, Device, Linear, Tensor, WeightKind};
use kernels::conv::{ConvShape, PackedFilter, conv2d as conv2d_kernel};
use kernels::element::Activation;
use kernels::element::Precision;
use kernels::gemm::{Accumulate, Epilogue, Gate, gemm};
use kernels::int8::{self, QuantizedFilter, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::memory;
use kernels::storage::{SharedBytes, Storage};
use std::ops::Range;
use std::sync::Arc;

/// Names of saved forms.
const F32_FORM: &str = "f32";
const BF16_FORM: &str = "bf16";
const INT8_FORM: &str = "int8";

/// A weight as the CPU wants it.
#[derive(Debug, Clone)]
pub enum PackedWeight {
    /// `weightᵀ`, `[inputs, outputs]`.
    Matrix(PackedMatrix),
    /// `weightᵀ` in 8-bit integers.
    Quantized(QuantizedMatrix),
    /// `weightᵀ` in 8-bit integers, whose inputs are rotated in groups of so many first.
    Rotated(QuantizedMatrix, usize),
    /// A filter bank.
    Filter(PackedFilter),
    /// A filter bank in 8-bit integers.
    QuantizedFilter(QuantizedFilter),
    /// Any of them, whose inputs somebody wants to see.
    Watched(Box<Watched>),
}

/// A weight, its name, and who wants to see what it meets.
#[derive(Debug, Clone)]
pub struct Watched {
    weight: PackedWeight,
    name: String,
    samples: Arc<ActivationSamples>,
}

impl PackedWeight {
    pub(super) fn new(kind: WeightKind, tensor: &Tensor, precision: Precision) -> Result<Self> {
        super::require_shape("weight", "the tensor", tensor, &kind.shape())?;
        Ok(match kind {
            WeightKind::Linear { outputs, inputs } => {
                let view = MatrixView::from_elements(tensor.as_elements(), outputs, inputs).transposed();
                Self::Matrix(PackedMatrix::pack(&view, precision))
            }
            WeightKind::Conv { outputs, inputs, kernel } => {
                Self::Filter(PackedFilter::pack(&tensor.as_elements(), (outputs, inputs, kernel), precision))
            }
        })
    }

    /// In 8-bit integers; `kind` must be a linear layer.
    pub(super) fn quantized(kind: WeightKind, tensor: &Tensor) -> Result<Self> {
        super::require_shape("weight", "the tensor", tensor, &kind.shape())?;
        let WeightKind::Linear { outputs, inputs } = kind else {
            return Err(misfit("weight", format!("{kind:?} in 8-bit integers")));
        };
        let view = MatrixView::from_elements(tensor.as_elements(), outputs, inputs).transposed();
        Ok(Self::Quantized(QuantizedMatrix::quantize(&view)))
    }

    /// A matrix of 8-bit integers from a checkpoint, `(inputs, outputs)` large.
    pub(super) fn stored(size: (usize, usize), stored: &StoredInt8) -> Self {
        let matrix = QuantizedMatrix::from_rows(&stored.values, size, &stored.scales);
        match stored.rotation {
            Some(group) => Self::Rotated(matrix, group),
            None => Self::Quantized(matrix),
        }
    }

    /// A filter bank as a checkpoint stores it; `size` is (outputs, inputs, kernel).
    pub(super) fn stored_filter(size: (usize, usize, usize), stored: &StoredConvolution) -> Self {
        Self::QuantizedFilter(QuantizedFilter::from_integers(&stored.values, size, &stored.scales, &stored.steps))
    }

    /// This weight, with its inputs seen by `samples`.
    pub(super) fn watched(self, name: &str, samples: &Arc<ActivationSamples>) -> Self {
        Self::Watched(Box::new(Watched { weight: self, name: name.to_owned(), samples: Arc::clone(samples) }))
    }

    /// The form's name and the values, to be saved; `None` for forms that are made from integers in the checkpoint anyway.
    pub(crate) fn saved(&self) -> Option<(&'static str, Vec<&[u8]>)> {
        let words = |matrix: &'_ PackedMatrix| match matrix.precision() {
            Precision::F32 => F32_FORM,
            Precision::Bf16 => BF16_FORM,
        };
        match self {
            Self::Matrix(matrix) => Some((words(matrix), vec![matrix.words().bytes()])),
            Self::Filter(filter) => Some((words(filter.matrix()), vec![filter.matrix().words().bytes()])),
            Self::Quantized(matrix) => {
                let (words, scales, starts) = matrix.parts();
                Some((INT8_FORM, vec![words.bytes(), scales.bytes(), starts.bytes()]))
            }
            Self::Rotated(..) | Self::QuantizedFilter(_) | Self::Watched(_) => None,
        }
    }

    /// What was saved, where it lies; `None` if that is not such a weight.
    pub(crate) fn restored(kind: WeightKind, form: &str, bytes: &SharedBytes, parts: &[Range<usize>]) -> Option<Self> {
        let words = |range: &Range<usize>| Storage::shared(Arc::clone(bytes), range.clone());
        let precision = match form {
            F32_FORM => Precision::F32,
            BF16_FORM => Precision::Bf16,
            INT8_FORM => {
                let (WeightKind::Linear { outputs, inputs }, [integers, scales, starts]) = (kind, parts) else { return None };
                let parts = (
                    Storage::shared(Arc::clone(bytes), integers.clone())?,
                    Storage::shared(Arc::clone(bytes), scales.clone())?,
                    Storage::shared(Arc::clone(bytes), starts.clone())?,
                );
                return QuantizedMatrix::from_parts((inputs, outputs), parts).map(Self::Quantized);
            }
            _ => return None,
        };
        let [range] = parts else { return None };
        match kind {
            WeightKind::Linear { outputs, inputs } => {
                PackedMatrix::from_words((inputs, outputs), precision, words(range)?).map(Self::Matrix)
            }
            WeightKind::Conv { outputs, inputs, kernel } => {
                PackedFilter::from_words((outputs, inputs, kernel), precision, words(range)?).map(Self::Filter)
            }
        }
    }

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.bytes(),
            Self::Quantized(matrix) | Self::Rotated(matrix, _) => matrix.bytes(),
            Self::Filter(filter) => filter.bytes(),
            Self::QuantizedFilter(filter) => filter.bytes(),
            Self::Watched(watched) => watched.weight.bytes(),
        }
    }
}

pub(super) fn linear(x: &Tensor, linear: &Linear<'_>) -> Result<Tensor> {
    const OPERATION: &str = "linear";
    let not_ours = || misfit(OPERATION, format!("the weight is {:?}, packed by {:?}", linear.weight.kind(), linear.weight.device()));
    let WeightKind::Linear { outputs, inputs } = linear.weight.kind() else { return Err(not_ours()) };
    if x.last() != inputs || x.shape().is_empty() {
        return Err(misfit(OPERATION, format!("x has shape {:?}, the weight takes {inputs} inputs", x.shape())));
    }
    let rows = x.shape()[..x.shape().len() - 1].iter().product::<usize>();
    let mut shape = x.shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    let batch = if shape.len() > 1 { shape[0] } else { 1 };
    let gate = optional_values(OPERATION, "gate", linear.gate, &[batch, outputs])?;
    let epilogue = Epilogue {
        bias: optional_values(OPERATION, "bias", linear.bias, &[outputs])?,
        activation: linear.activation,
        gate: gate.map(|values| Gate { values, rows_per_group: (rows / batch.max(1)).max(1) }),
        residual: optional_values(OPERATION, "residual", linear.residual, &shape)?,
        accumulate: Accumulate::Replace,
    };
    let mut values = memory::zeros(rows * outputs);
    let view = MatrixView::new(x.f32()?, rows, inputs);
    let mut packed = linear.weight.packed();
    if let Some(PackedWeight::Watched(watched)) = packed {
        watched.samples.take(&watched.name, linear.weight.kind(), x.f32()?, inputs);
        packed = Some(&watched.weight);
    }
    match packed {
        Some(PackedWeight::Matrix(matrix)) => gemm(&view, matrix, &epilogue, &mut values),
        Some(PackedWeight::Quantized(matrix)) => int8::gemm(&view, matrix, &epilogue, &mut values),
        Some(PackedWeight::Rotated(matrix, group)) => {
            let mut rotated = x.f32()?.to_vec();
            int8::rotate_rows(&mut rotated, inputs, *group);
            int8::gemm(&MatrixView::new(&rotated, rows, inputs), matrix, &epilogue, &mut values);
        }
        _ => return Err(not_ours()),
    }
    Tensor::from_f32(values, &shape, x.device())
}

pub(super) fn conv2d(x: &Tensor, conv: &Conv<'_>) -> Result<Tensor> {
    convolve((x.f32()?, x.shape()), conv, x.device())
}

/// The convolution of values of a shape.
pub(super) fn convolve((x, size): (&[f32], &[usize]), conv: &Conv<'_>, device: &Device) -> Result<Tensor> {
    const OPERATION: &str = "conv2d";
    let not_ours = || misfit(OPERATION, format!("the weight is {:?}, packed by {:?}", conv.weight.kind(), conv.weight.device()));
    let WeightKind::Conv { outputs, inputs, kernel } = conv.weight.kind() else { return Err(not_ours()) };
    let shape = conv_shape(size, conv, (outputs, inputs, kernel))?;
    let result = [shape.batch, shape.out_height(), shape.out_width(), outputs];
    let epilogue = Epilogue {
        bias: optional_values(OPERATION, "bias", conv.bias, &[outputs])?,
        activation: Activation::Identity,
        gate: None,
        residual: optional_values(OPERATION, "residual", conv.residual, &result)?,
        accumulate: Accumulate::Replace,
    };
    let mut values = memory::zeros(result.iter().product());
    let mut packed = conv.weight.packed();
    if let Some(PackedWeight::Watched(watched)) = packed {
        watched.samples.take_patches(&watched.name, conv.weight.kind(), x, &shape);
        packed = Some(&watched.weight);
    }
    match packed {
        Some(PackedWeight::Filter(filter)) => conv2d_kernel(x, filter, &shape, &epilogue, &mut values),
        Some(PackedWeight::QuantizedFilter(filter)) => int8::conv2d(x, filter, &shape, &epilogue, &mut values),
        _ => return Err(not_ours()),
    }
    Tensor::from_f32(values, &result, device)
}

fn conv_shape(size: &[usize], conv: &Conv<'_>, (outputs, inputs, kernel): (usize, usize, usize)) -> Result<ConvShape> {
    let detail = || format!("x {size:?}, weight {:?}, stride {}, {:?}", conv.weight.kind(), conv.stride, conv.padding);
    let [batch, height, width, channels] = *size else {
        return Err(misfit("conv2d", detail()));
    };
    let padding = conv.padding;
    let is_large_enough = height + padding.top + padding.bottom >= kernel && width + padding.left + padding.right >= kernel;
    if channels != inputs || conv.stride == 0 || kernel == 0 || !is_large_enough {
        return Err(misfit("conv2d", detail()));
    }
    let padding = kernels::conv::Padding { top: padding.top, left: padding.left, bottom: padding.bottom, right: padding.right };
    Ok(ConvShape { batch, height, width, in_channels: inputs, out_channels: outputs, kernel, stride: conv.stride, padding })
}
