//! CPU maths: thread pool, SIMD dispatch, and the kernels under `engine` and `trainer`. The only home of `unsafe`.
//!
//! # Contract
//! * Values in memory are f32, row major; the operands of products are rounded to a [`element::Precision`], sums are f32. Only [`int8`]
//!   rounds them to 8-bit integers with a scale for each row and column, and sums them exactly.
//! * Every result is a function of its own row (or picture, or query) alone: one order of summation whatever the batch, the
//!   padding, the tile it falls into, or the number of threads. Gradients of shared parameters sum in a fixed order.
//! * Calls block and split their work over the pool; denormals are flushed to zero on every thread that computes.
//! * Sizes that contradict each other are a defect of the caller and panic.
#![expect(clippy::inline_always, reason = "a helper that is not inlined into its target-feature caller turns intrinsics into calls")]
pub mod attention;
pub mod conv;
pub mod dispatch;
pub mod element;
pub mod elementwise;
pub mod gemm;
pub mod int8;
pub mod matrix;
pub mod memory;
pub mod norm;
pub mod pool;
pub mod reference;
pub mod resample;
pub mod rope;
pub mod shared;
pub mod storage;
mod strip;
mod vectorise;
