//! From noise to latents.

use super::LatentDiffusion;
use super::batching::branches_together;
use super::conditions::Conditions;
use super::recipe::Sigmas;
use crate::denoisers::{Denoiser, StepCache, TextCondition};
use crate::error::Result;
use crate::families::progress::report;
use crate::families::{FamilyRequest, Observer, Progress};
use crate::random::Generator;
use crate::schedulers::{Schedule, Steps, linspace};
use crate::waist::Tensor;
use std::ops::Range;

impl LatentDiffusion {
    pub(super) fn denoise(&mut self, request: &FamilyRequest, conditions: &Conditions, observer: &mut Observer<'_>) -> Result<Tensor> {
        let pixels = self.pixels_per_token() / self.configs.denoiser.patch_size();
        let (rows, columns, channels) = (request.height / pixels, request.width / pixels, self.configs.denoiser.channels());
        let (count, size) = (request.seeds.len(), rows * columns * channels);
        let noise = request.seeds.iter().flat_map(|seed| Generator::seeded(*seed).normal_f32(size)).collect();
        let mut latents = Tensor::from_f32(noise, &[count, channels, rows, columns], self.denoiser.device())?.permute(&[0, 2, 3, 1])?;
        let schedule = self.schedule(request.num_inference_steps, rows * columns)?;
        let noisiest = self.scheduler.configuration().num_train_timesteps as f32;
        let Self { denoiser, files, configs, recipe, .. } = self;
        let component = denoiser.component();
        let model = denoiser.get(files, observer, |loader| configs.denoiser.load(loader))?;
        let mut branches = Branches {
            model,
            conditions,
            count,
            is_together: branches_together(count * rows * columns),
            caches: request.shortcuts.step_cache.map(|policy| vec![StepCache::new(policy); conditions.lengths.len()]).unwrap_or_default(),
        };
        for (index, timestep) in schedule.timesteps().iter().enumerate() {
            report(observer, Progress::Step { done: index, total: schedule.steps() })?;
            let is_guided = branches.are_two() && request.shortcuts.guides(timestep / noisiest);
            let mut predicted = branches.predict(&latents, timestep * recipe.timestep_scale, is_guided)?;
            if is_guided {
                predicted = recipe.guidance.combine(&predicted, count, request.guidance_scale)?;
            }
            latents = schedule.step(index, &predicted, &latents, None)?;
            files.require_finite(&latents, component, &format!("step {0} / 第 {0} 步", index + 1))?;
        }
        report(observer, Progress::Step { done: schedule.steps(), total: schedule.steps() })?;
        self.denoiser.leave(&self.files);
        Ok(latents)
    }

    /// The noise levels of a run for pictures of so many tokens.
    fn schedule(&self, steps: usize, tokens: usize) -> Result<Schedule> {
        let mu = self.scheduler.configuration().dynamic_shift.map(|_| self.scheduler.dynamic_mu(tokens));
        match self.recipe.sigmas {
            Sigmas::Linear => {
                let sigmas: Vec<f32> = linspace(1.0, 0.0, steps + 1).into_iter().take(steps).map(|sigma| sigma as f32).collect();
                self.scheduler.set_timesteps(Steps::Sigmas(&sigmas), mu)
            }
            Sigmas::Scheduled => self.scheduler.set_timesteps(Steps::Count(steps), mu),
        }
    }
}

/// The denoiser and what it is told in each branch of guidance.
struct Branches<'a> {
    model: &'a dyn Denoiser,
    conditions: &'a Conditions,
    /// Samples of a branch.
    count: usize,
    /// Whether both branches are one batch.
    is_together: bool,
    /// One for each row of the conditions, or none.
    caches: Vec<StepCache>,
}

impl Branches<'_> {
    fn are_two(&self) -> bool {
        self.conditions.lengths.len() == 2 * self.count
    }

    /// The prediction of both branches, the unconditional one's first, or of the conditional one alone.
    fn predict(&mut self, latents: &Tensor, timestep: f32, is_guided: bool) -> Result<Tensor> {
        let (count, end) = (self.count, self.conditions.lengths.len());
        if is_guided && !self.is_together {
            return Tensor::concat(&[&self.rows(latents, timestep, 0..count)?, &self.rows(latents, timestep, count..end)?], 0);
        }
        let first = if self.are_two() && !is_guided { count } else { 0 };
        self.rows(latents, timestep, first..end)
    }

    fn rows(&mut self, latents: &Tensor, timestep: f32, rows: Range<usize>) -> Result<Tensor> {
        let lengths = &self.conditions.lengths[rows.clone()];
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let hidden_states = self.conditions.hidden_states.slice(0, rows.start, rows.len())?.slice(1, 0, longest)?;
        let text = TextCondition { hidden_states: &hidden_states, lengths };
        let input = if rows.len() > self.count { Tensor::concat(&[latents, latents], 0)? } else { latents.clone() };
        let timesteps = vec![timestep; rows.len()];
        self.model.predict(&input, &timesteps, text, self.caches.get_mut(rows).unwrap_or_default())
    }
}
