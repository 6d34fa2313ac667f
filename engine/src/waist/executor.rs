use super::{Device, StripExecutor, Tensor, Weight, WeightKind};
use crate::error::Result;
use crate::quantization::{StoredConvolution, StoredInt8};
use kernels::element::Activation;

/// A linear layer with everything that is fused behind it:
/// `residual + gate * activation(x · weightᵀ + bias)`.
#[derive(Clone, Copy)]
pub struct Linear<'a> {
    /// A [`WeightKind::Linear`].
    pub weight: &'a Weight,
    /// `[outputs]`.
    pub bias: Option<&'a Tensor>,
    /// Applied after the bias.
    pub activation: Activation,
    /// `[batch, outputs]`, one row for each first-axis element of `x`.
    pub gate: Option<&'a Tensor>,
    /// The shape of the result.
    pub residual: Option<&'a Tensor>,
}

impl<'a> Linear<'a> {
    /// Only the product.
    pub fn new(weight: &'a Weight) -> Self {
        Self { weight, bias: None, activation: Activation::Identity, gate: None, residual: None }
    }
}

/// Zero padding of a convolution, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Padding {
    /// So many pixels on all four sides.
    pub fn same(pixels: usize) -> Self {
        Self { top: pixels, left: pixels, bottom: pixels, right: pixels }
    }
}

/// A convolution with what is fused behind it: `residual + conv(x) + bias`.
#[derive(Clone, Copy)]
pub struct Conv<'a> {
    /// A [`WeightKind::Conv`].
    pub weight: &'a Weight,
    /// `[outputs]`.
    pub bias: Option<&'a Tensor>,
    /// Step in both directions.
    pub stride: usize,
    /// Zero padding.
    pub padding: Padding,
    /// The shape of the result.
    pub residual: Option<&'a Tensor>,
}

/// Which statistic a norm divides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Root mean square, no centring.
    Rms,
    /// Mean and variance.
    Layer,
}

/// Adaptive scale and shift, one row for each first-axis element: `x * (1 + scale) + shift`.
#[derive(Clone, Copy)]
pub struct Modulation<'a> {
    /// `[batch, channels]`.
    pub scale: &'a Tensor,
    /// `[batch, channels]`.
    pub shift: Option<&'a Tensor>,
}

/// A norm over the last axis, `norm(x) * weight + bias`, then modulated.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    /// The statistic.
    pub kind: NormKind,
    /// `[channels]`.
    pub weight: Option<&'a Tensor>,
    /// `[channels]`.
    pub bias: Option<&'a Tensor>,
    /// Applied last.
    pub modulation: Option<Modulation<'a>>,
    /// Added to the variance.
    pub epsilon: f32,
}

/// A group norm over NHWC, `activation(norm(x) * weight + bias)`.
#[derive(Clone, Copy)]
pub struct GroupNorm<'a> {
    /// Number of groups the channels fall into.
    pub groups: usize,
    /// `[channels]`.
    pub weight: &'a Tensor,
    /// `[channels]`.
    pub bias: &'a Tensor,
    /// Added to the variance.
    pub epsilon: f32,
    /// Identity or SiLU.
    pub activation: Activation,
}

/// Which keys a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionMask<'a> {
    /// All.
    None,
    /// Query `i` sees keys `0..=i + offset`; `offset` is the number of keys that precede the first query (a KV cache).
    Causal {
        /// Keys before the first query.
        offset: usize,
    },
    /// In batch element `b`, the first `lengths[b]` keys.
    KeyLengths(&'a [usize]),
}

/// Scaled dot-product attention; grouped-query when keys have fewer heads than queries.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Multiplies the logits; `1/√head_dimension` as a rule.
    pub scale: f32,
    /// Which keys count.
    pub mask: AttentionMask<'a>,
}

/// Elementwise functions of one tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// SiLU, GELU or nothing.
    Activation(Activation),
    /// `x * factor + offset`.
    Affine {
        /// Multiplier.
        factor: f32,
        /// Added after.
        offset: f32,
    },
    /// `exp(x)`.
    Exponential,
    /// `|x|`; the derivative at 0 is 0.
    Absolute,
    /// `x²`.
    Square,
    /// Clamped to `[low, high]`; the derivative outside is 0.
    Clamp {
        /// Lower bound.
        low: f32,
        /// Upper bound.
        high: f32,
    },
}

/// The operations under all model code. An operation takes contiguous f32 tensors unless it says otherwise, and returns a
/// new tensor on the same device. Shapes that do not fit are [`crate::Error::Shape`].
///
/// A new operation needs its CPU kernel, its adjoint in `trainer`, and its case in the conformance suite.
pub trait Executor: Send + Sync {
    /// Short name for messages: `cpu`, `recording`, `cuda`.
    fn name(&self) -> &'static str;

    /// Packs a weight, `tensor` shaped as [`WeightKind::shape`], f32 or bf16. `name` is its full checkpoint name.
    fn weight(&self, device: &Device, name: &str, kind: WeightKind, tensor: &Tensor) -> Result<Weight>;
    /// A linear layer's weight that is stored in 8-bit integers; as the numbers they stand for, unless the executor multiplies them.
    fn stored_weight(&self, device: &Device, name: &str, kind: WeightKind, stored: &StoredInt8) -> Result<Weight> {
        self.weight(device, name, kind, &Tensor::from_f32(stored.restored(kind), &kind.shape(), device)?)
    }
    /// A convolution's weight that is stored in 8-bit integers; as the numbers they stand for, unless the executor multiplies them.
    fn stored_convolution(&self, device: &Device, name: &str, kind: WeightKind, stored: &StoredConvolution) -> Result<Weight> {
        self.weight(device, name, kind, &Tensor::from_f32(stored.restored(kind), &kind.shape(), device)?)
    }
    /// Takes a small parameter (bias, norm weight, embedding table) under its full checkpoint name.
    fn parameter(&self, name: &str, tensor: Tensor) -> Result<Tensor>;

    /// `x [.., inputs] → [.., outputs]`.
    fn linear(&self, x: &Tensor, linear: &Linear<'_>) -> Result<Tensor>;
    /// `x [batch, height, width, inputs] → [batch, height', width', outputs]`.
    fn conv2d(&self, x: &Tensor, conv: &Conv<'_>) -> Result<Tensor>;
    /// Over the last axis of `x [.., channels]`.
    fn norm(&self, x: &Tensor, norm: &Norm<'_>) -> Result<Tensor>;
    /// `x [batch, height, width, channels]`.
    fn group_norm(&self, x: &Tensor, norm: &GroupNorm<'_>) -> Result<Tensor>;
    /// `query [batch, queries, heads, dimension]`, `key` and `value [batch, keys, key_value_heads, dimension]` → the shape of `query`.
    fn attention(&self, query: &Tensor, key: &Tensor, value: &Tensor, attention: &Attention<'_>) -> Result<Tensor>;
    /// Half-split rotary embedding of `x [batch, tokens, heads, dimension]` by `cos` and `sin`, `[tokens, rotary]` or
    /// `[batch, tokens, rotary]`, constants: `x * cos + concat(-x₂, x₁) * sin` over the first `rotary` dimensions.
    fn rotate_half(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor>;
    /// `activation(gate) * up`, same shapes.
    fn gated_unit(&self, gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor>;
    /// An elementwise function.
    fn unary(&self, x: &Tensor, function: Unary) -> Result<Tensor>;
    /// `a + b`, same shapes.
    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor>;
    /// `a - b`, same shapes.
    fn subtract(&self, a: &Tensor, b: &Tensor) -> Result<Tensor>;
    /// `a * b`, same shapes.
    fn multiply(&self, a: &Tensor, b: &Tensor) -> Result<Tensor>;
    /// `x [.., channels] * scale [channels] + shift [channels]`; `scale` and `shift` are constants.
    fn affine_channels(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor>;
    /// Rows `ids` of `table [entries, width]` → `[ids, width]`.
    fn embedding(&self, table: &Tensor, ids: &[u32]) -> Result<Tensor>;
    /// Joined along `axis`.
    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor>;
    /// `length` entries of `axis` from `start`.
    fn slice(&self, x: &Tensor, axis: usize, start: usize, length: usize) -> Result<Tensor>;
    /// The values of `x` under another shape.
    fn reshape(&self, x: &Tensor, shape: &[usize]) -> Result<Tensor>;
    /// Axis `i` of the result is axis `order[i]` of `x`.
    fn permute(&self, x: &Tensor, order: &[usize]) -> Result<Tensor>;
    /// Each pixel of `x [batch, height, width, channels]` twice in both directions.
    fn upsample_nearest_2x(&self, x: &Tensor) -> Result<Tensor>;
    /// Mean of all values → `[1]`.
    fn mean(&self, x: &Tensor) -> Result<Tensor>;

    /// A name, fit for a file's, of the form in which this executor packs weights, where packed weights can be kept
    /// ([`crate::weights::PackedFolder`]). Other rounding or another layout has another name.
    fn packed_form(&self) -> Option<String> {
        None
    }

    /// The operations on maps in strips, where this executor has them. They cannot be recorded.
    fn strips(&self) -> Option<&dyn StripExecutor> {
        None
    }
}
