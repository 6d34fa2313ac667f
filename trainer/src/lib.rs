//! Training: reverse-mode differentiation over the engine's operations, optimisation, checkpoints, and the stages that turn a
//! recipe into a model folder.
//!
//! # Contract
//! * A run is determined by its recipe, its data and its seed: the same bytes whatever the number of threads, and a resumed run
//!   equals an uninterrupted one bit for bit.
//! * Weights, gradients and sums are f32; the operands of products are rounded to the recipe's precision.
//! * Files appear whole or not at all. Calls block the calling thread and use the pool of `kernels`.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod architecture;
pub mod autodiff;
pub mod checkpoint;
pub mod data;
mod error;
pub mod evaluation;
pub mod export;
pub mod journal;
pub mod networks;
pub mod optimiser;
mod parallel;
pub mod parameters;
pub mod random;
pub mod recipe;
mod sampler;
pub mod sheet;
pub mod stages;
pub mod vocabulary;

pub use error::{Error, Result};
pub use stages::{Existing, Options, Stage, export, train};
