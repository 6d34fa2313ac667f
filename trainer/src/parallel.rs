//! Elementwise work over the kernels' thread pool. Blocks have a fixed size, so results do not depend on the number of threads.

use engine::{Error, Result, Tensor};
use kernels::elementwise as kernel;
use kernels::pool::parallel_for;
use std::sync::{Mutex, PoisonError};

/// `function(x)` elementwise.
pub(crate) fn map(x: &Tensor, function: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let mut out = vec![0.0; x.elements()];
    kernel::map(x.f32()?, &mut out, function);
    Tensor::from_f32(out, x.shape(), x.device())
}

/// `function(a, b)` elementwise; the shapes must hold the same number of values.
pub(crate) fn zip(a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    if a.elements() != b.elements() {
        return Err(Error::Shape { operation: "zip", detail: format!("{:?} and {:?}", a.shape(), b.shape()) });
    }
    let mut out = vec![0.0; a.elements()];
    kernel::zip_map(a.f32()?, b.f32()?, &mut out, function);
    Tensor::from_f32(out, a.shape(), a.device())
}

/// `a + b`.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    zip(a, b, |a, b| a + b)
}

/// Calls `work` for every item.
pub(crate) fn for_each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    // Nobody else ever holds an item's lock; it only says so to the compiler.
    let items: Vec<Mutex<&mut T>> = items.iter_mut().map(Mutex::new).collect();
    parallel_for(items.len(), &|index| work(&mut items[index].lock().unwrap_or_else(PoisonError::into_inner)));
}
