//! Reverse-mode differentiation: an executor that runs every operation on the CPU and keeps what its adjoint needs.

mod adjoints;
mod recorder;
mod tape;
mod trained_weight;

pub use recorder::Recorder;
pub use tape::Gradients;
