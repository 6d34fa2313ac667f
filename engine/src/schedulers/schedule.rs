use super::FlowMatchEulerConfiguration;
use crate::error::{Error, Result};
use crate::waist::Tensor;

/// The noise levels of one run, and the steps between them. Step `i` goes from `sigmas[i]` to `sigmas[i + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    timesteps: Vec<f32>,
    sigmas: Vec<f32>,
    stochastic: bool,
}

impl Schedule {
    pub(super) fn new(mut sigmas: Vec<f32>, configuration: &FlowMatchEulerConfiguration) -> Self {
        if configuration.invert_sigmas {
            for sigma in &mut sigmas {
                *sigma = 1.0 - *sigma;
            }
        }
        let timesteps = sigmas.iter().map(|sigma| sigma * configuration.num_train_timesteps as f32).collect();
        sigmas.push(if configuration.invert_sigmas { 1.0 } else { 0.0 });
        Self { timesteps, sigmas, stochastic: configuration.stochastic_sampling }
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.timesteps.len()
    }

    /// What the denoiser is told at each step; `[steps]`.
    pub fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    /// Noise levels, the final one included; `[steps + 1]`.
    pub fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    /// Whether [`Self::step`] wants noise of the sample's shape.
    pub fn needs_noise(&self) -> bool {
        self.stochastic
    }

    /// The sample after step `index`, in f32. `noise` counts only when [`Self::needs_noise`].
    pub fn step(&self, index: usize, model_output: &Tensor, sample: &Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
        let (sigma, next) = self.levels(index)?;
        if !self.stochastic {
            return sample.add(&model_output.scale(next - sigma)?);
        }
        let noise = noise.ok_or_else(|| Error::InvalidRequest("stochastic sampling needs noise / 随机采样需要噪声".into()))?;
        let clean = sample.subtract(&model_output.scale(sigma)?)?;
        clean.scale(1.0 - next)?.add(&noise.scale(next)?)
    }

    /// `sample` with as much noise as step `index` starts from: `σ · noise + (1 − σ) · sample`.
    pub fn scale_noise(&self, index: usize, sample: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let (sigma, _) = self.levels(index)?;
        noise.scale(sigma)?.add(&sample.scale(1.0 - sigma)?)
    }

    fn levels(&self, index: usize) -> Result<(f32, f32)> {
        match (self.sigmas.get(index), self.sigmas.get(index + 1)) {
            (Some(sigma), Some(next)) => Ok((*sigma, *next)),
            _ => Err(Error::InvalidRequest(format!("step {index} of {} / 步骤 {index} 超出 {}", self.steps(), self.steps()))),
        }
    }
}
