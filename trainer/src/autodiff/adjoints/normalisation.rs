use engine::{GroupNorm, NormKind, Result, Tensor};
use kernels::norm::{self as kernel, NormGradients};

/// A norm with its operands.
pub(crate) struct SavedNorm {
    pub(crate) kind: NormKind,
    pub(crate) epsilon: f32,
    pub(crate) x: Tensor,
    pub(crate) weight: Option<Tensor>,
    pub(crate) bias: Option<Tensor>,
    pub(crate) scale: Option<Tensor>,
    pub(crate) shift: Option<Tensor>,
}

/// Gradients of `x`, weight, bias, scale and shift; those that the norm lacks are `None`.
pub(crate) fn norm(gradient: &Tensor, saved: &SavedNorm) -> Result<[Option<Tensor>; 5]> {
    let x = &saved.x;
    let channels = x.last();
    let rows = x.elements() / channels.max(1);
    let batch = if x.shape().len() > 1 { x.size(0) } else { 1 };
    let values = |tensor: &'_ Option<Tensor>| tensor.as_ref().map(|tensor| tensor.f32().map(<[f32]>::to_vec)).transpose();
    let (weight, bias, scale, shift) = (values(&saved.weight)?, values(&saved.bias)?, values(&saved.scale)?, values(&saved.shift)?);
    let settings = kernel::Norm {
        kind: match saved.kind {
            NormKind::Rms => kernel::NormKind::Rms,
            NormKind::Layer => kernel::NormKind::Layer,
        },
        channels,
        weight: weight.as_deref(),
        bias: bias.as_deref(),
        modulation: scale.as_deref().map(|scale| kernel::Modulation {
            scale,
            shift: shift.as_deref(),
            rows_per_group: (rows / batch.max(1)).max(1),
        }),
        epsilon: saved.epsilon,
    };
    let zeros = |values: &Option<Vec<f32>>| values.as_ref().map(|values| vec![0.0; values.len()]);
    let (mut to_weight, mut to_bias, mut to_scale, mut to_shift) = (zeros(&weight), zeros(&bias), zeros(&scale), zeros(&shift));
    let mut to_x = vec![0.0; x.elements()];
    let gradients = NormGradients {
        weight: to_weight.as_deref_mut(),
        bias: to_bias.as_deref_mut(),
        scale: to_scale.as_deref_mut(),
        shift: to_shift.as_deref_mut(),
    };
    kernel::norm_backward(x.f32()?, &settings, gradient.f32()?, &mut to_x, gradients);
    let shaped = |values: Option<Vec<f32>>, like: &Option<Tensor>| match (values, like) {
        (Some(values), Some(like)) => Tensor::from_f32(values, like.shape(), gradient.device()).map(Some),
        _ => Ok(None),
    };
    Ok([
        Some(Tensor::from_f32(to_x, x.shape(), gradient.device())?),
        shaped(to_weight, &saved.weight)?,
        shaped(to_bias, &saved.bias)?,
        shaped(to_scale, &saved.scale)?,
        shaped(to_shift, &saved.shift)?,
    ])
}

/// Gradients of `x`, weight and bias.
pub(crate) fn group_norm(gradient: &Tensor, x: &Tensor, norm: &GroupNorm<'_>) -> Result<[Tensor; 3]> {
    let settings = kernel::GroupNorm {
        batch: x.size(0),
        groups: norm.groups,
        weight: norm.weight.f32()?,
        bias: norm.bias.f32()?,
        epsilon: norm.epsilon,
        activation: norm.activation,
    };
    let mut to_x = vec![0.0; x.elements()];
    let (mut to_weight, mut to_bias) = (vec![0.0; x.last()], vec![0.0; x.last()]);
    kernel::group_norm_backward(x.f32()?, &settings, gradient.f32()?, &mut to_x, (&mut to_weight, &mut to_bias));
    Ok([
        Tensor::from_f32(to_x, x.shape(), gradient.device())?,
        Tensor::from_f32(to_weight, norm.weight.shape(), gradient.device())?,
        Tensor::from_f32(to_bias, norm.bias.shape(), gradient.device())?,
    ])
}
