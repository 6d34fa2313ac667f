//! Linear layers and convolutions.

use super::{misfit, optional_values};
use crate::{Activation, Conv, Linear, Result, Tensor, WeightKind};
use kernels::conv::{ConvShape, PackedFilter, conv2d as conv2d_kernel};
use kernels::element::Precision;
use kernels::gemm::{Accumulate, Epilogue, Gate, gemm};
use kernels::int8::{self, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};

/// A weight as the CPU wants it.
#[derive(Debug, Clone)]
pub enum PackedWeight {
    /// `weightᵀ`, `[inputs, outputs]`.
    Matrix(PackedMatrix),
    /// The same in 8-bit integers.
    Quantized(QuantizedMatrix),
    /// A filter bank.
    Filter(PackedFilter),
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

    /// Memory taken.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.bytes(),
            Self::Quantized(matrix) => matrix.bytes(),
            Self::Filter(filter) => filter.bytes(),
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
    let mut values = vec![0.0; rows * outputs];
    let view = MatrixView::new(x.f32()?, rows, inputs);
    match linear.weight.packed() {
        Some(PackedWeight::Matrix(matrix)) => gemm(&view, matrix, &epilogue, &mut values),
        Some(PackedWeight::Quantized(matrix)) => int8::gemm(&view, matrix, &epilogue, &mut values),
        _ => return Err(not_ours()),
    }
    Tensor::from_f32(values, &shape, x.device())
}

pub(super) fn conv2d(x: &Tensor, conv: &Conv<'_>) -> Result<Tensor> {
    const OPERATION: &str = "conv2d";
    let (Some(PackedWeight::Filter(filter)), WeightKind::Conv { outputs, inputs, kernel }) = (conv.weight.packed(), conv.weight.kind())
    else {
        return Err(misfit(OPERATION, format!("the weight is {:?}, packed by {:?}", conv.weight.kind(), conv.weight.device())));
    };
    let shape = conv_shape(x, conv, (outputs, inputs, kernel))?;
    let result = [shape.batch, shape.out_height(), shape.out_width(), outputs];
    let epilogue = Epilogue {
        bias: optional_values(OPERATION, "bias", conv.bias, &[outputs])?,
        activation: Activation::Identity,
        gate: None,
        residual: optional_values(OPERATION, "residual", conv.residual, &result)?,
        accumulate: Accumulate::Replace,
    };
    let mut values = vec![0.0; result.iter().product()];
    conv2d_kernel(x.f32()?, filter, &shape, &epilogue, &mut values);
    Tensor::from_f32(values, &result, x.device())
}

fn conv_shape(x: &Tensor, conv: &Conv<'_>, (outputs, inputs, kernel): (usize, usize, usize)) -> Result<ConvShape> {
    let detail = || format!("x {:?}, weight {:?}, stride {}, {:?}", x.shape(), conv.weight.kind(), conv.stride, conv.padding);
    let [batch, height, width, channels] = *x.shape() else {
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
