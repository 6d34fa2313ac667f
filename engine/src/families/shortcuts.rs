use crate::denoisers::{Forecast, StepCachePolicy};
use spec::Speed;
use std::ops::RangeInclusive;

/// Ways to do less than every step asks for. Each picture decides for itself, so that none depends on its neighbours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shortcuts {
    /// Skip layers that would add what they added before.
    pub step_cache: Option<StepCachePolicy>,
    /// Noise levels, 0 to 1, at which guidance is applied; outside only the conditional branch runs (Kynkäänniemi et al. 2024).
    /// Everywhere where it is not set.
    pub guidance_interval: Option<RangeInclusive<f32>>,
}

impl Shortcuts {
    /// Whether guidance is applied at a noise level.
    pub(super) fn guides(&self, sigma: f32) -> bool {
        self.guidance_interval.as_ref().is_none_or(|interval| interval.contains(&sigma))
    }
}

impl From<Speed> for Shortcuts {
    /// The measured choices: see BENCHMARKS.md.
    fn from(speed: Speed) -> Self {
        // A forecast along a line is nearer on average and much farther off at worst, and so are longer skips.
        let reuse = |threshold| StepCachePolicy { threshold, forecast: Forecast::Reuse, longest_skip: 1 };
        let step_cache = match speed {
            Speed::Exact => None,
            Speed::Balanced => Some(reuse(0.1)),
            Speed::Fast => Some(reuse(0.15)),
        };
        Self { step_cache, guidance_interval: None }
    }
}
