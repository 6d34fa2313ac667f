//! Element types of operands, and the activations that are fused behind products.

use crate::vectorise::vectorised;
use half::bf16;

/// How the operands of a product are rounded. Sums are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision.
    F32,
    /// bfloat16, rounded to nearest even.
    Bf16,
}

/// Elementwise functions that can be fused behind a product or a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `x · σ(x)`.
    Silu,
    /// `x · Φ(x)` with the error function.
    GeluErf,
    /// The tanh approximation of GELU.
    GeluTanh,
}

/// A borrowed operand.
#[derive(Debug, Clone, Copy)]
pub enum Elements<'a> {
    /// f32 values.
    F32(&'a [f32]),
    /// bfloat16 values.
    Bf16(&'a [bf16]),
}

impl Elements<'_> {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Activation {
    /// The function's value.
    #[inline(always)]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Silu => x * logistic(x),
            Self::GeluErf => 0.5 * x * (1.0 + error_function(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => x * logistic(2.0 * tanh_argument(x)),
        }
    }

    /// The function's slope.
    #[inline(always)]
    pub fn derivative(self, x: f32) -> f32 {
        // Beyond these bounds every slope is 0 or 1 to the last bit, and squares of x would overflow.
        let x = x.clamp(-100.0, 100.0);
        match self {
            Self::Identity => 1.0,
            Self::Silu => {
                let s = logistic(x);
                s * (1.0 + x * (1.0 - s))
            }
            Self::GeluErf => {
                let density = 0.398_942_3 * exponential(-0.5 * x * x);
                0.5 * (1.0 + error_function(x * std::f32::consts::FRAC_1_SQRT_2)) + x * density
            }
            Self::GeluTanh => {
                let s = logistic(2.0 * tanh_argument(x));
                let slope = 0.797_884_6 * (1.0 + 3.0 * 0.044_715 * x * x);
                s + 2.0 * x * s * (1.0 - s) * slope
            }
        }
    }

    /// Applies the function to every value.
    pub fn apply_all(self, values: &mut [f32]) {
        apply_all(self, values);
    }

    /// As [`Activation::apply_all`], to be inlined into a caller that is compiled for an instruction set.
    #[inline(always)]
    pub(crate) fn apply_portable(self, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Silu => values.iter_mut().for_each(|value| *value = Self::Silu.apply(*value)),
            Self::GeluErf => values.iter_mut().for_each(|value| *value = Self::GeluErf.apply(*value)),
            Self::GeluTanh => values.iter_mut().for_each(|value| *value = Self::GeluTanh.apply(*value)),
        }
    }
}

vectorised! {
    fn apply_all(activation: Activation, values: &mut [f32]) {
        activation.apply_portable(values);
    }
}

#[inline(always)]
fn tanh_argument(x: f32) -> f32 {
    0.797_884_6 * (x + 0.044_715 * x * x * x)
}

#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x))
}

/// 1.5 · 2²³: adding it rounds to the nearest integer without a library call.
const MAGIC: f32 = 12_582_912.0;

/// `exp(x)`: range reduction by ln 2 in two parts, then a polynomial of degree 6 (relative error about 1e-7). Clamped, so that
/// it neither overflows nor underflows. `mul_add` gives every instruction set the same bits; a processor without the instruction calls
/// a library for it.
#[inline(always)]
pub fn exponential(x: f32) -> f32 {
    let x = x.clamp(-87.3, 88.3);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    // The first part of ln 2 has so few digits that its product with n is exact.
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x));
    let p = 1.388_888_9e-3_f32;
    let p = p.mul_add(r, 8.333_334e-3);
    let p = p.mul_add(r, 4.166_666_8e-2);
    let p = p.mul_add(r, 1.666_666_7e-1);
    let p = p.mul_add(r, 0.5);
    let p = p.mul_add(r, 1.0);
    let p = p.mul_add(r, 1.0);
    // The last bits of the shifted number are n, in -126..=127, so the exponent field stays valid. A conversion would check for NaN,
    // one value at a time.
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// `erf(x)`: Abramowitz and Stegun 7.1.26 refined to single precision (absolute error below 2e-7).
#[inline(always)]
fn error_function(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (0.327_591_1 * a + 1.0);
    let p = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_8) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - p * exponential(-a * a)).copysign(x)
}
