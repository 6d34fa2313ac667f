//! Model execution: one concrete [`Tensor`] over a narrow waist of operations ([`Executor`]), weights, building blocks,
//! text encoders, denoisers, autoencoders, samplers, and the families of models assembled from them ([`families::registry`]).
//!
//! # Contract
//! * Model code is written once, against [`Tensor`]; the device is a run-time value. The CPU executor is [`cpu::CpuExecutor`];
//!   the one that records for training lives in `trainer`.
//! * Activations are f32 and contiguous. The run precision decides how the *operands* of products are rounded (f32 or
//!   bfloat16, or 8-bit integers for the weights that [`quantization`] names); sums, norms and residuals are f32 in all. Weights keep
//!   the precision they were packed in.
//! * Pictures and feature maps are NHWC: `[batch, height, width, channels]`. Token sequences are `[batch, tokens, hidden]`.
//! * A sample's result does not depend, in any bit, on its neighbours in the batch, padding, or the number of threads.
//! * What a model makes leaves this crate in two ways: as [`Generated`], a stage of the sentence, and through [`measure::Measurement`], for
//!   measuring in this process.
//! * A model is checked when it is opened, all of it but the values of its weights; those when they are loaded. Values that are not finite
//!   end a run with [`Error::NotFinite`].
//! * Calls block the calling thread and use the pool of `kernels`.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod autoencoders;
pub mod blocks;
pub mod classifiers;
pub mod cpu;
mod defaults;
pub mod denoisers;
mod error;
pub mod families;
mod generate;
pub mod inspection;
mod loaded_model;
pub mod measure;
pub mod metrics;
pub mod model_folder;
pub mod prompt_enhancer;
pub mod quantization;
pub mod random;
pub mod schedulers;
pub mod solvers;
pub mod text_encoders;
pub mod tokenizer;
mod waist;
mod warning;
pub mod weights;

/// The number of threads of the pool of `kernels`, which `--threads` sets.
pub fn threads() -> spec::Threads {
    spec::Threads::new(kernels::pool::threads())
}

pub use defaults::TrainedSizes;
pub use error::{Error, Result};
pub use families::{FamilyDefaults, ModelDefaults};
pub use generate::{Generated, generate};
pub use kernels::element::Activation;
pub use loaded_model::LoadedModel;
pub use waist::{
    Attention, AttentionMask, Conv, DataType, Device, Executor, GroupNorm, Linear, Modulation, Node, Norm, NormKind, Padding, Prologue,
    StripConv, StripExecutor, Tensor, Unary, Weight, WeightKind,
};
pub use warning::Warning;
