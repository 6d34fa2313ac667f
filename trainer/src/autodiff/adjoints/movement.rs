use engine::{Result, Tensor};
use kernels::resample::upsample_nearest_2x_backward;

/// Zeros shaped `shape` with `gradient` at `start` of `axis`.
pub(crate) fn slice(gradient: &Tensor, shape: &[usize], axis: usize, start: usize) -> Result<Tensor> {
    let source = gradient.f32()?;
    let inner: usize = shape[axis + 1..].iter().product();
    let (run, part) = (shape[axis] * inner, gradient.size(axis) * inner);
    let mut out = vec![0.0; shape.iter().product()];
    if run > 0 && part > 0 {
        for (out, source) in out.chunks_exact_mut(run).zip(source.chunks_exact(part)) {
            out[start * inner..start * inner + part].copy_from_slice(source);
        }
    }
    Tensor::from_f32(out, shape, gradient.device())
}

/// Rows of `gradient` added up at the ids they were read from.
pub(crate) fn embedding(gradient: &Tensor, shape: &[usize], ids: &[u32]) -> Result<Tensor> {
    let source = gradient.f32()?;
    let width = shape[1];
    let mut out = vec![0.0; shape.iter().product()];
    for (row, &id) in source.chunks_exact(width.max(1)).zip(ids) {
        let start = id as usize * width;
        for (sum, value) in out[start..start + width].iter_mut().zip(row) {
            *sum += value;
        }
    }
    Tensor::from_f32(out, shape, gradient.device())
}

/// The sum of the four copies of each pixel; `shape` is that of the operation's input.
pub(crate) fn upsample_nearest_2x(gradient: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let mut out = vec![0.0; shape.iter().product()];
    upsample_nearest_2x_backward(gradient.f32()?, (shape[0], shape[1], shape[2], shape[3]), &mut out);
    Tensor::from_f32(out, shape, gradient.device())
}
