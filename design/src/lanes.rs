//! Four numbers side by side: what one AVX2 register holds, and plain arithmetic everywhere else, with the same bits.
use std::ops::{Add, AddAssign, Mul, Sub};

/// Numbers in [`Lanes`].
pub(crate) const LANES: usize = 4;

/// Four f64, of four neighbours along x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lanes([f64; LANES]);

impl Lanes {
    pub(crate) const ZERO: Self = Self([0.0; LANES]);

    #[inline(always)]
    pub(crate) fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    /// The first four of `values`; zeros for those that are missing.
    #[inline(always)]
    pub(crate) fn load(values: &[f64]) -> Self {
        values.first_chunk().map_or(Self::ZERO, |chunk| Self(*chunk))
    }

    #[inline(always)]
    pub(crate) fn store(self, target: &mut [f64]) {
        if let Some(chunk) = target.first_chunk_mut() {
            *chunk = self.0;
        }
    }

    /// Adds the lanes to the first four of `target`.
    #[inline(always)]
    pub(crate) fn add_to(self, target: &mut [f64]) {
        if let Some(chunk) = target.first_chunk_mut() {
            *chunk = (Self(*chunk) + self).0;
        }
    }

    /// Sum of the lanes.
    #[cfg(test)]
    pub(crate) fn sum(self) -> f64 {
        (self.0[0] + self.0[1]) + (self.0[2] + self.0[3])
    }
}

macro_rules! lane_by_lane {
    ($operator:ident, $method:ident, $symbol:tt) => {
        impl $operator for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(#[inline(always)] |lane| self.0[lane] $symbol other.0[lane]))
            }
        }
    };
}
lane_by_lane!(Add, add, +);
lane_by_lane!(Sub, sub, -);
lane_by_lane!(Mul, mul, *);

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
