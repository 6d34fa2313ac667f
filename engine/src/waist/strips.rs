use super::{Conv, GroupNorm, Tensor};
use crate::error::Result;
use kernels::element::Activation;

/// What a map goes through on its way into a [`StripConv`].
#[derive(Clone, Copy)]
pub enum Prologue<'a> {
    /// `activation(x * scale + shift)`, as [`StripExecutor::group_norm_columns`] gives them for the whole map.
    Normalise {
        /// `[channels]`.
        scale: &'a Tensor,
        /// `[channels]`.
        shift: &'a Tensor,
        /// Identity or SiLU.
        activation: Activation,
    },
    /// Each pixel twice in both directions.
    UpsampleNearest2x,
}

/// A convolution over one strip of a map: stride 1, and padding that keeps the size. The rows that it reads beyond the strip's edges are
/// its neighbours'; where there is no neighbour the map ends, and zeros follow.
#[derive(Clone, Copy)]
pub struct StripConv<'a> {
    /// The strip above.
    pub above: Option<&'a Tensor>,
    /// The strip below.
    pub below: Option<&'a Tensor>,
    /// Applied to the map first.
    pub prologue: Prologue<'a>,
    /// The convolution; the residual is the strip of the result.
    pub conv: Conv<'a>,
}

/// Operations on a picture whose feature maps lie in strips: consecutive rows, top first, `[1, rows, width, channels]` each. Every bit is
/// that of the operation on the whole map, and nothing as large as the map is made on the way.
pub trait StripExecutor: Send + Sync {
    /// Scale and shift, `[channels]` each, of a group norm over the map that `strips` make: `norm(x) * weight + bias = x * scale + shift`.
    fn group_norm_columns(&self, strips: &[&Tensor], norm: &GroupNorm<'_>) -> Result<(Tensor, Tensor)>;
    /// The rows of the result that belong to `strip`.
    fn conv2d_strip(&self, strip: &Tensor, conv: &StripConv<'_>) -> Result<Tensor>;
}
