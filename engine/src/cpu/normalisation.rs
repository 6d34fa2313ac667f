//! Norms.

use super::{misfit, optional_values, require_shape};
use crate::error::Result;
use crate::waist::{GroupNorm, Norm, NormKind, Tensor};
use kernels::element::Activation;
use kernels::memory;
use kernels::norm as kernel;

pub(super) fn norm(x: &Tensor, norm: &Norm<'_>) -> Result<Tensor> {
    const OPERATION: &str = "norm";
    let channels = x.last();
    if x.shape().is_empty() || channels == 0 {
        return Err(misfit(OPERATION, format!("x has shape {:?}", x.shape())));
    }
    let rows = x.elements() / channels;
    let batch = if x.shape().len() > 1 { x.size(0) } else { 1 };
    let modulation = match &norm.modulation {
        None => None,
        Some(modulation) => {
            require_shape(OPERATION, "scale", modulation.scale, &[batch, channels])?;
            Some(kernel::Modulation {
                scale: modulation.scale.f32()?,
                shift: optional_values(OPERATION, "shift", modulation.shift, &[batch, channels])?,
                rows_per_group: (rows / batch.max(1)).max(1),
            })
        }
    };
    let settings = kernel::Norm {
        kind: match norm.kind {
            NormKind::Rms => kernel::NormKind::Rms,
            NormKind::Layer => kernel::NormKind::Layer,
        },
        channels,
        weight: optional_values(OPERATION, "weight", norm.weight, &[channels])?,
        bias: optional_values(OPERATION, "bias", norm.bias, &[channels])?,
        modulation,
        epsilon: norm.epsilon,
    };
    let mut values = memory::zeros(x.elements());
    kernel::norm(x.f32()?, &settings, &mut values);
    Tensor::from_f32(values, x.shape(), x.device())
}

pub(super) fn group_norm(x: &Tensor, norm: &GroupNorm<'_>) -> Result<Tensor> {
    let settings = group_norm_settings(x, norm)?;
    let mut values = memory::zeros(x.elements());
    if !values.is_empty() {
        kernel::group_norm(x.f32()?, &settings, &mut values);
    }
    Tensor::from_f32(values, x.shape(), x.device())
}

/// The kernel's settings for a norm over `x`.
pub(super) fn group_norm_settings<'a>(x: &Tensor, norm: &GroupNorm<'a>) -> Result<kernel::GroupNorm<'a>> {
    const OPERATION: &str = "group_norm";
    let [batch, _, _, channels] = *x.shape() else {
        return Err(misfit(OPERATION, format!("x has shape {:?}, expected [batch, height, width, channels]", x.shape())));
    };
    if norm.groups == 0 || channels == 0 || !channels.is_multiple_of(norm.groups) {
        return Err(misfit(OPERATION, format!("{channels} channels do not fall into {} groups", norm.groups)));
    }
    if !matches!(norm.activation, Activation::Identity | Activation::Silu) {
        return Err(misfit(OPERATION, format!("{:?} is not fused behind a group norm", norm.activation)));
    }
    require_shape(OPERATION, "weight", norm.weight, &[channels])?;
    require_shape(OPERATION, "bias", norm.bias, &[channels])?;
    Ok(kernel::GroupNorm {
        batch,
        groups: norm.groups,
        weight: norm.weight.f32()?,
        bias: norm.bias.f32()?,
        epsilon: norm.epsilon,
        activation: norm.activation,
    })
}
