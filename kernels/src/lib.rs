//! CPU maths: thread pool, SIMD dispatch, and the kernels under `engine` and `trainer`. The only home of `unsafe`.
pub mod conv;
pub mod dispatch;
pub mod element;
pub mod gemm;
pub mod matrix;
pub mod pool;
mod shared;
