//! The optimality criteria: densities grow where material is worth more than it costs.
use crate::parts::dot;
use crate::problem::Fill;
use kernels::dispatch::vectorised;

/// Density of an element without material: with the usual exponent its stiffness is that of a void, and it can still grow back.
pub(crate) const LEAST_DENSITY: f64 = 1e-3;
/// A density changes by no more than this in one iteration (Sigmund 2001).
const MOVE: f64 = 0.2;
/// Halvings of the interval of the multiplier: enough for the last bits of the volume.
const HALVINGS: usize = 60;

/// Between which densities an element may go.
pub(crate) struct Bounds {
    pub(crate) least: Vec<f64>,
    pub(crate) most: Vec<f64>,
}

impl Bounds {
    /// `places` says where the padded layout keeps each element.
    pub(crate) fn new(length: usize, fills: &[Option<Fill>], places: impl Iterator<Item = usize>) -> Self {
        let mut bounds = Self { least: vec![0.0; length], most: vec![0.0; length] };
        for (fill, at) in fills.iter().zip(places) {
            (bounds.least[at], bounds.most[at]) = match fill {
                None => (LEAST_DENSITY, 1.0),
                Some(Fill::Solid) => (1.0, 1.0),
                Some(Fill::Void) => (0.0, 0.0),
            };
        }
        bounds
    }

    /// The field nearest to one density that keeps the bounds and has this volume.
    pub(crate) fn uniform(&self, volume: f64) -> Vec<f64> {
        let ones = vec![1.0; self.least.len()];
        scaled(&ones, &self.least, &self.most, volume)
    }

    /// The field of this volume that `densities` scale to within the bounds.
    pub(crate) fn nearest(&self, densities: &[f64], volume: f64) -> Vec<f64> {
        let values: Vec<f64> = densities.iter().map(|density| density.max(LEAST_DENSITY)).collect();
        scaled(&values, &self.least, &self.most, volume)
    }

    /// The next densities; `gains` are the sensitivities' amounts. The volume is kept.
    pub(crate) fn next(&self, densities: &[f64], gains: &[f64], volume: f64) -> Vec<f64> {
        let largest = gains.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let grown: Vec<f64> = densities.iter().zip(gains).map(|(density, gain)| density * (gain.max(0.0) / largest).sqrt()).collect();
        let least: Vec<f64> = densities.iter().zip(&self.least).map(|(density, least)| least.max(density - MOVE)).collect();
        let most: Vec<f64> = densities.iter().zip(&self.most).map(|(density, most)| most.min(density + MOVE)).collect();
        scaled(&grown, &least, &most, volume)
    }
}

/// `clamp(factor · values, least, most)` with the factor that gives the volume, as nearly as the bounds allow.
fn scaled(values: &[f64], least: &[f64], most: &[f64], volume: f64) -> Vec<f64> {
    let mut result = vec![0.0; values.len()];
    let ones = vec![1.0; values.len()];
    let mut sum = |factor: f64| {
        vectorised(
            #[inline(always)]
            || {
                for (((target, value), least), most) in result.iter_mut().zip(values).zip(least).zip(most) {
                    *target = (factor * value).max(*least).min(*most);
                }
            },
        );
        dot(&result, &ones)
    };
    let (mut low, mut high) = (0.0, 1.0);
    // Beyond 2^100 every element that can be full is.
    while sum(high) < volume && high < 1e30 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if sum(middle) < volume {
            low = middle;
        } else {
            high = middle;
        }
    }
    sum(high);
    result
}
