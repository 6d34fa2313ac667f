use super::strip_map::StripMap;
use crate::error::Result;
use crate::waist::{Conv, Padding, Prologue, StripConv, StripExecutor, Tensor, Weight};
use crate::weights::Loader;

/// Channels of a convolution or of a block.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    pub outputs: usize,
    pub inputs: usize,
}

/// What a strip of a convolution's result is made of besides its input.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// What the map goes through first.
    pub prologue: Prologue<'a>,
    /// What the result is added to.
    pub residual: Option<&'a Tensor>,
}

/// A convolution with a bias and the padding that keeps the size at stride 1, `name.weight` and `name.bias`.
pub struct Convolution {
    weight: Weight,
    bias: Tensor,
    padding: Padding,
}

impl Convolution {
    pub fn load(loader: &Loader<'_>, name: &str, channels: Channels, kernel: usize) -> Result<Self> {
        let Channels { outputs, inputs } = channels;
        let weight = loader.conv(name, outputs, inputs, kernel)?;
        Ok(Self { weight, bias: loader.parameter(&format!("{name}.bias"), &[outputs])?, padding: Padding::same(kernel / 2) })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.conv2d(&self.with(1, self.padding, None))
    }

    pub fn forward_onto(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        x.conv2d(&self.with(1, self.padding, Some(residual)))
    }

    /// Strip `index` of the result over a map behind a prologue, onto a residual where there is one.
    pub fn forward_strip(&self, executor: &dyn StripExecutor, map: &StripMap, index: usize, around: Around<'_>) -> Result<Tensor> {
        let Around { prologue, residual } = around;
        let above = index.checked_sub(1).map(|above| map.strip(above)).transpose()?;
        let below = if index + 1 < map.len() { Some(map.strip(index + 1)?) } else { None };
        executor.conv2d_strip(map.strip(index)?, &StripConv { above, below, prologue, conv: self.with(1, self.padding, residual) })
    }

    /// Stride 2 with padding below and to the right only, as diffusers' `Downsample2D` with `padding=0`.
    pub fn forward_halving(&self, x: &Tensor) -> Result<Tensor> {
        x.conv2d(&self.with(2, Padding { top: 0, left: 0, bottom: 1, right: 1 }, None))
    }

    fn with<'a>(&'a self, stride: usize, padding: Padding, residual: Option<&'a Tensor>) -> Conv<'a> {
        Conv { weight: &self.weight, bias: Some(&self.bias), stride, padding, residual }
    }
}
