//! Weights: where tensors come from ([`TensorSource`]), and how a model takes them ([`Loader`]).

mod loader;

pub use loader::{Loader, TensorSource};
