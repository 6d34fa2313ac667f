//! The CPU executor: the waist's operations on `kernels`. This module checks shapes; kernels trust them.

mod elementwise;
mod mixing;
mod movement;
mod normalisation;
mod products;
mod strips;

pub use products::PackedWeight;

use crate::error::{Error, Result};
use crate::quantization::{ActivationSamples, IntegerLayers, StoredConvolution, StoredInt8};
use crate::waist::{Attention, Conv, Device, Executor, GroupNorm, Linear, Norm, StripExecutor, Tensor, Unary, Weight, WeightKind};
use kernels::element::Activation;
use kernels::element::Precision;
use spec::RunPrecision;
use std::sync::Arc;

/// Runs operations on the host's cores. An executor that records wraps one and packs weights through it.
#[derive(Debug, Clone)]
pub struct CpuExecutor {
    precision: RunPrecision,
    /// Only weights that are stored in 8-bit integers are multiplied so.
    as_stored: bool,
    integer_layers: IntegerLayers,
    samples: Option<Arc<ActivationSamples>>,
}

impl CpuExecutor {
    /// Operands of products are rounded to `precision`; to 8-bit integers only in layers that [`Self::with_integer_layers`] names. The
    /// calling thread flushes denormals to zero from now on.
    pub fn new(precision: RunPrecision) -> Self {
        kernels::dispatch::set_flush_to_zero();
        Self { precision, as_stored: false, integer_layers: IntegerLayers::default(), samples: None }
    }

    /// A run in 8-bit integers rounds the weights of these layers to them.
    #[must_use]
    pub fn with_integer_layers(self, integer_layers: IntegerLayers) -> Self {
        Self { integer_layers, ..self }
    }

    /// Runs in 8-bit integers what a checkpoint stores in them, and nothing else.
    pub fn for_stored_integers() -> Self {
        Self { as_stored: true, ..Self::new(RunPrecision::Int8) }
    }

    /// Gives rows of the inputs of every layer that might run in 8-bit integers to `samples`.
    #[must_use]
    pub fn watching(self, samples: Arc<ActivationSamples>) -> Self {
        Self { samples: Some(samples), ..self }
    }

    /// How operands of products are rounded.
    pub fn precision(&self) -> RunPrecision {
        self.precision
    }

    /// How kernels round operands of products that are not in 8-bit integers.
    pub fn kernel_precision(&self) -> Precision {
        match self.precision {
            RunPrecision::F32 => Precision::F32,
            RunPrecision::Bf16 | RunPrecision::Int8 => Precision::Bf16,
        }
    }

    /// Packs `tensor`, shaped as [`WeightKind::shape`], without wrapping it into a [`Weight`].
    pub fn pack(&self, kind: WeightKind, tensor: &Tensor) -> Result<PackedWeight> {
        PackedWeight::new(kind, tensor, self.kernel_precision())
    }
}

impl Executor for CpuExecutor {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn weight(&self, device: &Device, name: &str, kind: WeightKind, tensor: &Tensor) -> Result<Weight> {
        if tensor.shape() != kind.shape() {
            return Err(Error::TensorShape { name: name.to_owned(), found: tensor.shape().to_vec(), expected: kind.shape() });
        }
        let packed = match self.precision == RunPrecision::Int8 && !self.as_stored && self.integer_layers.is_rounded(name, kind) {
            true => PackedWeight::quantized(kind, tensor)?,
            false => self.pack(kind, tensor)?,
        };
        let packed = match &self.samples {
            Some(samples) if self.integer_layers.may_be_stored(name, kind) => PackedWeight::watched(packed, name, samples),
            _ => packed,
        };
        Ok(Weight::new(kind, device.clone(), Arc::new(packed)))
    }

    fn stored_weight(&self, device: &Device, name: &str, kind: WeightKind, stored: &StoredInt8) -> Result<Weight> {
        match kind {
            WeightKind::Linear { outputs, inputs } if self.precision == RunPrecision::Int8 => {
                let packed = PackedWeight::stored((inputs, outputs), stored);
                Ok(Weight::new(kind, device.clone(), Arc::new(packed)))
            }
            _ => self.weight(device, name, kind, &Tensor::from_f32(stored.restored(kind), &kind.shape(), device)?),
        }
    }

    fn stored_convolution(&self, device: &Device, name: &str, kind: WeightKind, stored: &StoredConvolution) -> Result<Weight> {
        match kind {
            WeightKind::Conv { outputs, inputs, kernel } if self.precision == RunPrecision::Int8 => {
                let packed = PackedWeight::stored_filter((outputs, inputs, kernel), stored);
                Ok(Weight::new(kind, device.clone(), Arc::new(packed)))
            }
            _ => self.weight(device, name, kind, &Tensor::from_f32(stored.restored(kind), &kind.shape(), device)?),
        }
    }

    fn parameter(&self, _name: &str, tensor: Tensor) -> Result<Tensor> {
        Ok(tensor)
    }

    fn linear(&self, x: &Tensor, linear: &Linear<'_>) -> Result<Tensor> {
        products::linear(x, linear)
    }

    fn conv2d(&self, x: &Tensor, conv: &Conv<'_>) -> Result<Tensor> {
        products::conv2d(x, conv)
    }

    fn norm(&self, x: &Tensor, norm: &Norm<'_>) -> Result<Tensor> {
        normalisation::norm(x, norm)
    }

    fn group_norm(&self, x: &Tensor, norm: &GroupNorm<'_>) -> Result<Tensor> {
        normalisation::group_norm(x, norm)
    }

    fn attention(&self, query: &Tensor, key: &Tensor, value: &Tensor, attention: &Attention<'_>) -> Result<Tensor> {
        mixing::attention(query, key, value, attention, self.kernel_precision())
    }

    fn rotate_half(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        mixing::rotate_half(x, cos, sin)
    }

    fn gated_unit(&self, gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
        elementwise::gated_unit(gate, up, activation)
    }

    fn unary(&self, x: &Tensor, function: Unary) -> Result<Tensor> {
        elementwise::unary(x, function)
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        elementwise::add(a, b)
    }

    fn subtract(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        elementwise::subtract(a, b)
    }

    fn multiply(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        elementwise::multiply(a, b)
    }

    fn affine_channels(&self, x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
        elementwise::affine_channels(x, scale, shift)
    }

    fn embedding(&self, table: &Tensor, ids: &[u32]) -> Result<Tensor> {
        movement::embedding(table, ids)
    }

    fn concat(&self, parts: &[&Tensor], axis: usize) -> Result<Tensor> {
        movement::concat(parts, axis)
    }

    fn slice(&self, x: &Tensor, axis: usize, start: usize, length: usize) -> Result<Tensor> {
        movement::slice(x, axis, start, length)
    }

    fn reshape(&self, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
        x.with_shape(shape)
    }

    fn permute(&self, x: &Tensor, order: &[usize]) -> Result<Tensor> {
        movement::permute(x, order)
    }

    fn upsample_nearest_2x(&self, x: &Tensor) -> Result<Tensor> {
        movement::upsample_nearest_2x(x)
    }

    fn mean(&self, x: &Tensor) -> Result<Tensor> {
        movement::mean(x)
    }

    fn packed_form(&self) -> Option<String> {
        if self.as_stored || self.samples.is_some() {
            return None;
        }
        let endian = if cfg!(target_endian = "little") { "le" } else { "be" };
        Some(format!("{}-{}-{endian}", self.precision, kernels::matrix::LAYOUT))
    }

    fn strips(&self) -> Option<&dyn StripExecutor> {
        Some(self)
    }
}

/// A [`Error::Shape`].
fn misfit(operation: &'static str, detail: String) -> Error {
    Error::Shape { operation, detail }
}

/// Fails unless `tensor`, called `role`, has exactly this shape.
fn require_shape(operation: &'static str, role: &str, tensor: &Tensor, shape: &[usize]) -> Result<()> {
    if tensor.shape() == shape {
        return Ok(());
    }
    Err(misfit(operation, format!("{role} has shape {:?}, expected {shape:?}", tensor.shape())))
}

/// The values of an optional operand of exactly this shape.
fn optional_values<'a>(operation: &'static str, role: &str, tensor: Option<&'a Tensor>, shape: &[usize]) -> Result<Option<&'a [f32]>> {
    let Some(tensor) = tensor else { return Ok(None) };
    require_shape(operation, role, tensor, shape)?;
    tensor.f32().map(Some)
}
