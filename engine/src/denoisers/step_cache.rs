//! Reuse between the steps of one run: where the first layer does to a sample nearly what it did before, the other layers are
//! not run, and what they added is taken from the steps before (first-block caching; the forecast is after TaylorSeer, Liu et al.
//! 2025). Every sample decides for itself.

use crate::error::Result;
use crate::waist::{Tensor, Unary};

/// When a sample skips the layers after the first, and what stands in for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepCachePolicy {
    /// Largest change of the first layer's contribution since the last whole step, relative to its size, that allows a skip.
    pub threshold: f32,
    /// What stands in for the skipped layers.
    pub forecast: Forecast,
    /// Most skips between two whole steps.
    pub longest_skip: usize,
}

/// What stands in for the contribution of skipped layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forecast {
    /// That of the last whole step.
    Reuse,
    /// The line through those of the last two whole steps, over the timestep.
    Linear,
}

impl Forecast {
    /// Whole steps that it looks back on.
    fn memory(self) -> usize {
        match self {
            Self::Reuse => 1,
            Self::Linear => 2,
        }
    }
}

/// What one sample of a run remembers of its whole steps.
#[derive(Clone)]
pub struct StepCache {
    policy: StepCachePolicy,
    /// The first layer's contribution in the last whole step, `[1, tokens, hidden]`.
    first: Option<Tensor>,
    /// Timestep and contribution of the other layers in the last whole steps, the latest last.
    rest: Vec<(f32, Tensor)>,
    skipped: usize,
}

impl StepCache {
    /// The cache of a sample before its first step.
    pub fn new(policy: StepCachePolicy) -> Self {
        Self { policy, first: None, rest: Vec::new(), skipped: 0 }
    }

    /// The contribution of the layers after the first at `timestep`, if `first`, what the first layer adds, allows to forecast it.
    pub(super) fn forecast(&mut self, timestep: f32, first: &Tensor) -> Result<Option<Tensor>> {
        let Some(before) = &self.first else { return Ok(None) };
        if self.rest.len() < self.policy.forecast.memory() || self.skipped >= self.policy.longest_skip {
            return Ok(None);
        }
        let size = mean_absolute(before)?;
        let change = mean_absolute(&first.subtract(before)?)?;
        // Not a number, as after an overflow, is no reason to skip.
        if !matches!((change / size).partial_cmp(&self.policy.threshold), Some(std::cmp::Ordering::Less)) {
            return Ok(None);
        }
        self.skipped += 1;
        match (self.policy.forecast, self.rest.as_slice()) {
            (Forecast::Linear, [(earlier, from), (later, to)]) if later < earlier => {
                let way = (timestep - later) / (later - earlier);
                Ok(Some(to.add(&to.subtract(from)?.scale(way)?)?))
            }
            (_, [.., (_, latest)]) => Ok(Some(latest.clone())),
            (_, []) => Ok(None),
        }
    }

    /// Remembers a whole step.
    pub(super) fn remember(&mut self, timestep: f32, first: Tensor, rest: Tensor) {
        self.first = Some(first);
        self.skipped = 0;
        if self.rest.len() == self.policy.forecast.memory() {
            self.rest.remove(0);
        }
        self.rest.push((timestep, rest));
    }
}

fn mean_absolute(x: &Tensor) -> Result<f32> {
    Ok(x.unary(Unary::Absolute)?.mean()?.f32()?.first().copied().unwrap_or(f32::NAN))
}
