//! The narrow waist: a tensor, opaque weights, and the operations that every executor provides.

mod device;
mod executor;
mod strips;
mod tensor;
mod weight;

pub use device::Device;
pub use executor::{Attention, AttentionMask, Conv, Executor, GroupNorm, Linear, Modulation, Norm, NormKind, Padding, Unary};
pub use strips::{Prologue, StripConv, StripExecutor};
pub use tensor::{DataType, Node, Tensor};
pub use weight::{Weight, WeightKind};
