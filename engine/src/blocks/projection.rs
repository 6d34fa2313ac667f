use crate::error::Result;
use crate::waist::{Linear, Tensor, Weight};
use crate::weights::Loader;
use kernels::element::Activation;

/// A linear layer with an optional bias, as checkpoints store it: `name.weight` and `name.bias`.
#[derive(Clone)]
pub struct Projection {
    weight: Weight,
    bias: Option<Tensor>,
}

impl Projection {
    /// With a bias.
    pub fn load(loader: &Loader<'_>, name: &str, outputs: usize, inputs: usize) -> Result<Self> {
        let bias = loader.parameter(&format!("{name}.bias"), &[outputs])?;
        Ok(Self { weight: loader.linear(name, outputs, inputs)?, bias: Some(bias) })
    }

    /// Without one.
    pub fn load_unbiased(loader: &Loader<'_>, name: &str, outputs: usize, inputs: usize) -> Result<Self> {
        Ok(Self { weight: loader.linear(name, outputs, inputs)?, bias: None })
    }

    /// `x · weightᵀ + bias`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.linear(&self.as_linear())
    }

    /// `activation(x · weightᵀ + bias)`.
    pub fn forward_activated(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        x.linear(&Linear { activation, ..self.as_linear() })
    }

    /// `residual + gate * (x · weightᵀ + bias)`.
    pub fn forward_onto(&self, x: &Tensor, residual: &Tensor, gate: Option<&Tensor>) -> Result<Tensor> {
        x.linear(&Linear { residual: Some(residual), gate, ..self.as_linear() })
    }

    fn as_linear(&self) -> Linear<'_> {
        Linear { bias: self.bias.as_ref(), ..Linear::new(&self.weight) }
    }
}
