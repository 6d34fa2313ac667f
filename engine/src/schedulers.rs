//! Noise schedules and their steps, from `scheduler_config.json`.

mod beta;
mod configuration;
mod flow_match_euler;
mod schedule;

pub use configuration::{FlowMatchEulerConfiguration, SigmaSpacing, TimeShift};
pub use flow_match_euler::{FlowMatchEulerDiscrete, Steps};
pub use schedule::Schedule;

/// `count` numbers from `start` to `end`, both included, as numpy and torch space them up to the last bit of f32.
pub fn linspace(start: f64, end: f64, count: usize) -> Vec<f64> {
    let step = (end - start) / count.saturating_sub(1).max(1) as f64;
    (0..count).map(|index| if index > 0 && index + 1 == count { end } else { start + step * index as f64 }).collect()
}
