use engine::{Error, Padding, Result, Tensor};
use kernels::conv::{ConvShape, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::Precision;

/// What the shapes of a convolution's tensors do not say.
#[derive(Clone, Copy)]
pub(crate) struct ConvGeometry {
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    pub(crate) precision: Precision,
}

impl ConvGeometry {
    fn shape(self, x: &[usize], weight: &[usize]) -> Result<ConvShape> {
        let (&[batch, height, width, in_channels], &[out_channels, _, kernel, _]) = (x, weight) else {
            return Err(Error::Shape { operation: "conv2d", detail: format!("{x:?} with {weight:?}") });
        };
        let Padding { top, left, bottom, right } = self.padding;
        let padding = kernels::conv::Padding { top, left, bottom, right };
        Ok(ConvShape { batch, height, width, in_channels, out_channels, kernel, stride: self.stride, padding })
    }
}

/// Gradient of the input, shaped `x`.
pub(crate) fn conv_input(gradient: &Tensor, weight: &Tensor, x: &[usize], geometry: ConvGeometry) -> Result<Tensor> {
    let shape = geometry.shape(x, weight.shape())?;
    let mut out = vec![0.0; x.iter().product()];
    conv2d_input_gradient(gradient.f32()?, weight.f32()?, &shape, geometry.precision, &mut out);
    Tensor::from_f32(out, x, gradient.device())
}

/// Gradient of the filters, shaped `weight`.
pub(crate) fn conv_weight(gradient: &Tensor, x: &Tensor, weight: &[usize], geometry: ConvGeometry) -> Result<Tensor> {
    let shape = geometry.shape(x.shape(), weight)?;
    let mut out = vec![0.0; weight.iter().product()];
    conv2d_weight_gradient(x.f32()?, gradient.f32()?, &shape, geometry.precision, &mut out);
    Tensor::from_f32(out, weight, gradient.device())
}
