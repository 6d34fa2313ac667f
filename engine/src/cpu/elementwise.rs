//! Functions of one or two values.

use super::{misfit, require_shape};
use crate::error::Result;
use crate::waist::{Tensor, Unary};
use kernels::element::Activation;
use kernels::elementwise;
use kernels::memory;

pub(super) fn gated_unit(gate: &Tensor, up: &Tensor, activation: Activation) -> Result<Tensor> {
    require_shape("gated_unit", "up", up, gate.shape())?;
    let (gate_values, up_values) = (gate.f32()?, up.f32()?);
    fill(gate, |out| elementwise::gated_unit(gate_values, up_values, activation, out))
}

pub(super) fn unary(x: &Tensor, function: Unary) -> Result<Tensor> {
    let values = x.f32()?;
    fill(x, |out| match function {
        Unary::Activation(activation) => elementwise::activation(values, activation, out),
        Unary::Affine { factor, offset } => elementwise::map(values, out, |value| value * factor + offset),
        Unary::Exponential => elementwise::exponential(values, out),
        Unary::Absolute => elementwise::map(values, out, f32::abs),
        Unary::Square => elementwise::map(values, out, |value| value * value),
        // max and min, unlike clamp, do not panic when a caller's bounds are the wrong way round.
        Unary::Clamp { low, high } => elementwise::map(values, out, |value| value.max(low).min(high)),
    })
}

pub(super) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    binary("add", a, b, |a, b| a + b)
}

pub(super) fn subtract(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    binary("subtract", a, b, |a, b| a - b)
}

pub(super) fn multiply(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    binary("multiply", a, b, |a, b| a * b)
}

pub(super) fn affine_channels(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let channels = x.last();
    require_shape("affine_channels", "scale", scale, &[channels])?;
    require_shape("affine_channels", "shift", shift, &[channels])?;
    if x.shape().is_empty() {
        return Err(misfit("affine_channels", "x has no axes".into()));
    }
    let (values, scale, shift) = (x.f32()?, scale.f32()?, shift.f32()?);
    fill(x, |out| {
        for (out, row) in out.chunks_exact_mut(channels.max(1)).zip(values.chunks_exact(channels.max(1))) {
            for (((out, value), scale), shift) in out.iter_mut().zip(row).zip(scale).zip(shift) {
                *out = value * scale + shift;
            }
        }
    })
}

fn binary(operation: &'static str, a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    require_shape(operation, "the second operand", b, a.shape())?;
    let (left, right) = (a.f32()?, b.f32()?);
    fill(a, |out| elementwise::zip_map(left, right, out, function))
}

/// A tensor like `x` whose values `write` fills in.
fn fill(x: &Tensor, write: impl FnOnce(&mut [f32])) -> Result<Tensor> {
    let mut values = memory::zeros(x.elements());
    write(&mut values);
    Tensor::from_f32(values, x.shape(), x.device())
}
