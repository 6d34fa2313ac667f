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
        let cached = |threshold| Some(StepCachePolicy { threshold, forecast: Forecast::Linear, longest_skip: 2 });
        match speed {
            Speed::Exact => Self::default(),
            Speed::Balanced => Self { step_cache: cached(0.1), guidance_interval: None },
            Speed::Fast => Self { step_cache: cached(0.2), guidance_interval: Some(0.2..=1.0) },
        }
    }
}
