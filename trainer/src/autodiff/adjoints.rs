//! The adjoint of each operation: from the gradient of its result to the gradients of its inputs.

mod attention;
mod convolution;
mod elementwise;
mod movement;
mod normalisation;
mod products;

pub(super) use attention::{SavedAttention, attention};
pub(super) use convolution::{ConvGeometry, conv_input, conv_weight};
pub(super) use elementwise::{gate_backward, gate_forward, gated_unit, rotate_half, unary};
pub(super) use movement::{embedding, slice, upsample_nearest_2x};
pub(super) use normalisation::{SavedNorm, group_norm, norm};
pub(super) use products::{column_sums, linear_input, linear_weight};
