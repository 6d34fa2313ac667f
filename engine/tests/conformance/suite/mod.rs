//! The conformance suite, over any device. Another executor's tests include it with
//! `#[path = "../../engine/tests/conformance/suite/mod.rs"] mod suite;`.
#![allow(dead_code)]

mod invariance;
mod misfits;
mod naive;
mod strips;
mod values;

pub use invariance::{check_batches, check_threads};
pub use misfits::check_misfits;
pub use strips::check_strips;
pub use values::check_values;

use engine::random::Generator;
use engine::{Device, Tensor, Weight, WeightKind};

/// Reproducible values of unit variance; `seed` tells operands apart.
pub fn random(shape: &[usize], seed: u64, device: &Device) -> Tensor {
    // Always the block-wise stream, so that a longer tensor starts with the values of a shorter one.
    let count = shape.iter().product::<usize>();
    let mut values = Generator::seeded(seed).normal_f32(count.next_multiple_of(16).max(16));
    values.truncate(count);
    Tensor::from_f32(values, shape, device).unwrap()
}

/// The plain tensor of a weight, scaled so that outputs have unit variance.
pub fn random_weight(kind: WeightKind, seed: u64, device: &Device) -> Tensor {
    let shape = kind.shape();
    let fan_in: usize = shape[1..].iter().product();
    let values = random(&shape, seed, device).f32().unwrap().iter().map(|value| value / (fan_in as f32).sqrt()).collect();
    Tensor::from_f32(values, &shape, device).unwrap()
}

/// A weight packed by the device.
pub fn packed(kind: WeightKind, seed: u64, device: &Device) -> Weight {
    device.weight(device, "weight", kind, &random_weight(kind, seed, device)).unwrap()
}
