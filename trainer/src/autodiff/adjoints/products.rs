use engine::{Error, Result, Tensor};
use kernels::element::Precision;
use kernels::elementwise::sum_rows;
use kernels::gemm::{Epilogue, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};

/// Gradient of `x [.., inputs]` in `x · weightᵀ`: `gradient · weight`.
pub(crate) fn linear_input(gradient: &Tensor, weight: &Tensor, shape: &[usize], precision: Precision) -> Result<Tensor> {
    let (outputs, inputs) = (weight.size(0), weight.elements() / weight.size(0).max(1));
    let packed = PackedMatrix::pack(&MatrixView::new(weight.f32()?, outputs, inputs), precision);
    let rows = rows(gradient, outputs)?;
    let mut out = vec![0.0; rows * inputs];
    gemm(&MatrixView::new(gradient.f32()?, rows, outputs), &packed, &Epilogue::default(), &mut out);
    Tensor::from_f32(out, shape, gradient.device())
}

/// Gradient of `weight [outputs, inputs]` in `x · weightᵀ`: `gradientᵀ · x`.
pub(crate) fn linear_weight(gradient: &Tensor, x: &Tensor, precision: Precision) -> Result<Tensor> {
    let (outputs, inputs) = (gradient.last(), x.last());
    let rows = rows(gradient, outputs)?;
    let packed = PackedMatrix::pack(&MatrixView::new(x.f32()?, rows, inputs), precision);
    let mut out = vec![0.0; outputs * inputs];
    gemm(&MatrixView::new(gradient.f32()?, rows, outputs).transposed(), &packed, &Epilogue::default(), &mut out);
    Tensor::from_f32(out, &[outputs, inputs], gradient.device())
}

/// Sum over all axes but the last: the gradient of a bias.
pub(crate) fn column_sums(gradient: &Tensor) -> Result<Tensor> {
    let columns = gradient.last();
    let mut out = vec![0.0; columns];
    sum_rows(gradient.f32()?, (columns, gradient.elements() / columns.max(1)), &mut out);
    Tensor::from_f32(out, &[columns], gradient.device())
}

fn rows(gradient: &Tensor, outputs: usize) -> Result<usize> {
    if gradient.last() != outputs || outputs == 0 {
        return Err(Error::Shape { operation: "linear", detail: format!("gradient {:?} of {outputs} outputs", gradient.shape()) });
    }
    Ok(gradient.elements() / outputs)
}
