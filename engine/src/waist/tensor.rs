use super::{Attention, Conv, Device, GroupNorm, Linear, Norm, Unary};
use crate::error::{Error, Result};
use half::bf16;
use kernels::element::Activation;
use std::sync::Arc;

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// IEEE single precision.
    F32,
    /// bfloat16: checkpoints and weights.
    Bf16,
}

/// A value's place in a recording; only the recording executor gives it meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node(pub usize);

#[derive(Clone)]
enum Storage {
    F32(Arc<Vec<f32>>),
    Bf16(Arc<Vec<bf16>>),
}

/// Values that one task looks at: some hundred microseconds of work.
const CHECKED_AT_ONCE: usize = 1 << 20;
/// All bits of an exponent are set in infinite values and NaN alone (IEEE 754).
const F32_EXPONENT: u32 = 0x7f80_0000;
/// The exponent of bfloat16, the upper half of an f32.
const BF16_EXPONENT: u16 = 0x7f80;

/// A contiguous, row-major, immutable array with a device. Cloning shares the values.
#[derive(Clone)]
pub struct Tensor {
    shape: Vec<usize>,
    storage: Storage,
    device: Device,
    node: Option<Node>,
}

impl Tensor {
    /// An f32 tensor; `values` must fill `shape`.
    pub fn from_f32(values: Vec<f32>, shape: &[usize], device: &Device) -> Result<Self> {
        check_length("tensor", values.len(), shape)?;
        Ok(Self { shape: shape.to_vec(), storage: Storage::F32(Arc::new(values)), device: device.clone(), node: None })
    }

    /// A bf16 tensor; `values` must fill `shape`.
    pub fn from_bf16(values: Vec<bf16>, shape: &[usize], device: &Device) -> Result<Self> {
        check_length("tensor", values.len(), shape)?;
        Ok(Self { shape: shape.to_vec(), storage: Storage::Bf16(Arc::new(values)), device: device.clone(), node: None })
    }

    /// f32 zeros.
    pub fn zeros(shape: &[usize], device: &Device) -> Result<Self> {
        Self::from_f32(vec![0.0; shape.iter().product()], shape, device)
    }

    /// These values under `shape`, sharing storage, outside any recording. Executors build `reshape` on it.
    pub fn with_shape(&self, shape: &[usize]) -> Result<Self> {
        check_length("reshape", self.elements(), shape)?;
        Ok(Self { shape: shape.to_vec(), node: None, ..self.clone() })
    }

    /// These values on another device.
    #[must_use]
    pub fn to_device(&self, device: &Device) -> Self {
        Self { device: device.clone(), node: None, ..self.clone() }
    }

    /// These values as a node of a recording.
    #[must_use]
    pub fn with_node(mut self, node: Option<Node>) -> Self {
        self.node = node;
        self
    }

    /// Its place in a recording.
    pub fn node(&self) -> Option<Node> {
        self.node
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Size of one axis; 0 when there is no such axis.
    pub fn size(&self, axis: usize) -> usize {
        self.shape.get(axis).copied().unwrap_or(0)
    }

    /// Size of the last axis; 0 for a tensor without axes.
    pub fn last(&self) -> usize {
        self.shape.last().copied().unwrap_or(0)
    }

    /// Number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Element type.
    pub fn data_type(&self) -> DataType {
        match self.storage {
            Storage::F32(_) => DataType::F32,
            Storage::Bf16(_) => DataType::Bf16,
        }
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The values of an f32 tensor.
    pub fn f32(&self) -> Result<&[f32]> {
        match &self.storage {
            Storage::F32(values) => Ok(values),
            Storage::Bf16(_) => Err(Error::Shape { operation: "f32", detail: "the tensor holds bf16 values".into() }),
        }
    }

    /// The values as a kernel operand.
    pub fn as_elements(&self) -> kernels::element::Elements<'_> {
        match &self.storage {
            Storage::F32(values) => kernels::element::Elements::F32(values),
            Storage::Bf16(values) => kernels::element::Elements::Bf16(values),
        }
    }

    /// The values as f32: shared when they are, widened when they are bf16.
    #[must_use]
    pub fn to_f32(&self) -> Self {
        match &self.storage {
            Storage::F32(_) => self.clone(),
            Storage::Bf16(values) => {
                let widened = values.iter().map(|value| value.to_f32()).collect();
                Self { storage: Storage::F32(Arc::new(widened)), ..self.clone() }
            }
        }
    }

    /// Whether no value is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        let mut chunks = vec![true; self.elements().div_ceil(CHECKED_AT_ONCE)];
        let part = |index: usize, length: usize| index * CHECKED_AT_ONCE..length.min((index + 1) * CHECKED_AT_ONCE);
        kernels::pool::parallel_chunks_mut(&mut chunks, 1, &|index, is_finite| {
            // Without a branch for each value: such a loop is as fast as memory.
            let found = match &self.storage {
                Storage::F32(values) => {
                    let values = values.get(part(index, values.len())).unwrap_or_default();
                    values.iter().fold(true, |all, value| all & (value.to_bits() & F32_EXPONENT != F32_EXPONENT))
                }
                Storage::Bf16(values) => {
                    let values = values.get(part(index, values.len())).unwrap_or_default();
                    values.iter().fold(true, |all, value| all & (value.to_bits() & BF16_EXPONENT != BF16_EXPONENT))
                }
            };
            is_finite.fill(found);
        });
        chunks.into_iter().all(|is_finite| is_finite)
    }

    /// The values rounded to bf16, to nearest even.
    #[must_use]
    pub fn to_bf16(&self) -> Self {
        match &self.storage {
            Storage::Bf16(_) => self.clone(),
            Storage::F32(values) => {
                let rounded = values.iter().map(|value| bf16::from_f32(*value)).collect();
                Self { storage: Storage::Bf16(Arc::new(rounded)), ..self.clone() }
            }
        }
    }

    /// See [`super::Executor::linear`].
    pub fn linear(&self, linear: &Linear<'_>) -> Result<Self> {
        self.device.linear(self, linear)
    }

    /// See [`super::Executor::conv2d`].
    pub fn conv2d(&self, conv: &Conv<'_>) -> Result<Self> {
        self.device.conv2d(self, conv)
    }

    /// See [`super::Executor::norm`].
    pub fn norm(&self, norm: &Norm<'_>) -> Result<Self> {
        self.device.norm(self, norm)
    }

    /// See [`super::Executor::group_norm`].
    pub fn group_norm(&self, norm: &GroupNorm<'_>) -> Result<Self> {
        self.device.group_norm(self, norm)
    }

    /// See [`super::Executor::attention`]; `self` is the query.
    pub fn attention(&self, key: &Self, value: &Self, attention: &Attention<'_>) -> Result<Self> {
        self.device.attention(self, key, value, attention)
    }

    /// See [`super::Executor::rotate_half`].
    pub fn rotate_half(&self, cos: &Self, sin: &Self) -> Result<Self> {
        self.device.rotate_half(self, cos, sin)
    }

    /// See [`super::Executor::gated_unit`]; `self` is the gate.
    pub fn gated_unit(&self, up: &Self, activation: Activation) -> Result<Self> {
        self.device.gated_unit(self, up, activation)
    }

    /// See [`super::Executor::unary`].
    pub fn unary(&self, function: Unary) -> Result<Self> {
        self.device.unary(self, function)
    }

    /// `self * factor`.
    pub fn scale(&self, factor: f32) -> Result<Self> {
        self.unary(Unary::Affine { factor, offset: 0.0 })
    }

    /// `activation(self)`.
    pub fn activate(&self, activation: Activation) -> Result<Self> {
        self.unary(Unary::Activation(activation))
    }

    /// See [`super::Executor::add`].
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.device.add(self, other)
    }

    /// See [`super::Executor::subtract`].
    pub fn subtract(&self, other: &Self) -> Result<Self> {
        self.device.subtract(self, other)
    }

    /// See [`super::Executor::multiply`].
    pub fn multiply(&self, other: &Self) -> Result<Self> {
        self.device.multiply(self, other)
    }

    /// See [`super::Executor::affine_channels`].
    pub fn affine_channels(&self, scale: &Self, shift: &Self) -> Result<Self> {
        self.device.affine_channels(self, scale, shift)
    }

    /// See [`super::Executor::embedding`]; `self` is the table.
    pub fn embedding(&self, ids: &[u32]) -> Result<Self> {
        self.device.embedding(self, ids)
    }

    /// See [`super::Executor::concat`]; the device is that of the first part.
    pub fn concat(parts: &[&Self], axis: usize) -> Result<Self> {
        let first = parts.first().ok_or_else(|| Error::Shape { operation: "concat", detail: "no parts".into() })?;
        first.device.concat(parts, axis)
    }

    /// See [`super::Executor::slice`].
    pub fn slice(&self, axis: usize, start: usize, length: usize) -> Result<Self> {
        self.device.slice(self, axis, start, length)
    }

    /// See [`super::Executor::reshape`].
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        self.device.reshape(self, shape)
    }

    /// See [`super::Executor::permute`].
    pub fn permute(&self, order: &[usize]) -> Result<Self> {
        self.device.permute(self, order)
    }

    /// See [`super::Executor::upsample_nearest_2x`].
    pub fn upsample_nearest_2x(&self) -> Result<Self> {
        self.device.upsample_nearest_2x(self)
    }

    /// See [`super::Executor::mean`].
    pub fn mean(&self) -> Result<Self> {
        self.device.mean(self)
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Tensor({:?}, {:?}, {:?})", self.shape, self.data_type(), self.device)
    }
}

fn check_length(operation: &'static str, length: usize, shape: &[usize]) -> Result<()> {
    let expected = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    if expected == Some(length) {
        return Ok(());
    }
    Err(Error::Shape { operation, detail: format!("{length} values cannot have shape {shape:?}") })
}
