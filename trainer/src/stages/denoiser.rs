use super::Run;
use super::latents::LatentCache;
use crate::autodiff::{Gradients, Recorder};
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::journal::{Entry, Journal};
use crate::networks::{self, Conditioner, Place};
use crate::optimiser::{GradientSum, OptimiserState};
use crate::parameters::Parameters;
use crate::random::Random;
use crate::recipe::Recipe;
use crate::sampler;
use crate::sheet;
use engine::{Tensor, Unary};
use serde_json::Value;
use spec::Sha256Digest;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const SAMPLE_STREAM: u64 = 20;

fn checkpoint_path(output: &Path) -> PathBuf {
    output.join("denoiser.safetensors")
}

/// Architecture and vocabulary: what a checkpoint's rows mean.
fn digest(recipe: &Recipe, tokenizer: &Value) -> Sha256Digest {
    Sha256Digest::of(format!("{}{tokenizer}", recipe.architecture_digest()).as_bytes())
}

/// The state in a run's folder.
pub(super) fn load(recipe: &Recipe, tokenizer: &Value, output: &Path) -> Result<OptimiserState> {
    let length = networks::denoiser_layout(recipe, tokenizer).len();
    checkpoint::load(&checkpoint_path(output), length, digest(recipe, tokenizer))
}

/// Trains the denoiser and the text encoder, or what is left of them, and exports the model.
pub(super) fn train(run: &Run<'_>, autoencoder: &OptimiserState, cache: &LatentCache) -> Result<()> {
    let (recipe, output) = (run.recipe, &run.options.output);
    let layout = networks::denoiser_layout(recipe, &run.tokenizer);
    let path = checkpoint_path(output);
    let mut state = if path.exists() { load(recipe, &run.tokenizer, output)? } else { run.initial_state(&layout)? };
    let settings = &recipe.denoiser;
    let conditioner = Conditioner::new(recipe, &run.tokenizer)?;
    let captions: Vec<Vec<u32>> = (0..cache.len()).map(|index| conditioner.tokens(cache.caption(index))).collect::<Result<_>>()?;
    let empty = conditioner.tokens("")?;
    let recorder = Recorder::new(networks::run_precision(recipe));
    let mut journal = Journal::open(output, "denoiser")?;
    let mut saved = Instant::now();
    while state.step < settings.steps {
        let mut sum = GradientSum::new(&layout);
        let mut loss = 0.0;
        for micro_batch in 0..settings.micro_batches {
            let batch = DenoiserBatch::draw(
                recipe,
                cache,
                Texts { captions: &captions, empty: &empty },
                state.step * settings.micro_batches as u64 + micro_batch as u64,
            );
            let (gradients, part) =
                denoiser_step(&recorder, recipe, Parameters { layout: &layout, values: &state.values }, &conditioner, &batch)?;
            let share = 1.0 / settings.micro_batches as f32;
            sum.add(&layout, &gradients, share)?;
            loss += share * part;
        }
        let learning_rate = settings.optimisation.learning_rate_at(state.step, settings.steps);
        let gradient_norm = state.update(&layout, &sum, &settings.optimisation, learning_rate);
        let entry = Entry { stage: "denoiser", step: state.step, loss, parts: &[], gradient_norm, learning_rate };
        journal.record(&entry, settings.batch_size, settings.steps - state.step)?;
        let done = state.step >= settings.steps;
        let stopping = run.should_stop();
        if stopping || done || saved.elapsed() >= run.checkpoint_interval() {
            checkpoint::save(&path, &state, digest(recipe, &run.tokenizer))?;
            run.export(autoencoder, &state)?;
            journal.plot()?;
            saved = Instant::now();
        }
        if done || state.step.is_multiple_of(recipe.sampling.every_steps) {
            let pictures =
                sampler::samples(recipe, &conditioner, Parameters { layout: &layout, values: &state.average }, &autoencoder.average)?;
            sheet::write(&output.join(format!("samples-{:06}.png", state.step)), &pictures, SHEET_COLUMNS, run.label_sheet)?;
        }
        if stopping && !done {
            return Err(Error::Interrupted);
        }
    }
    run.export(autoencoder, &state)
}

const SHEET_COLUMNS: usize = 8;

/// One micro-batch of noised latents.
pub struct DenoiserBatch {
    /// Token ids of each prompt.
    pub tokens: Vec<Vec<u32>>,
    /// Noise level of each sample, 0 clean to 1 noise.
    pub sigmas: Vec<f32>,
    /// `(1 - sigma) * latents + sigma * noise`.
    pub noised: Vec<f32>,
    /// `noise - latents`, what the denoiser is to predict.
    pub velocity: Vec<f32>,
}

/// Token ids of what a batch is conditioned on.
#[derive(Clone, Copy)]
struct Texts<'a> {
    /// Of each sample's caption.
    captions: &'a [Vec<u32>],
    /// Of the empty prompt.
    empty: &'a [u32],
}

impl DenoiserBatch {
    /// The micro-batch with number `index`: the same whoever asks and when.
    fn draw(recipe: &Recipe, cache: &LatentCache, texts: Texts<'_>, index: u64) -> Self {
        let mut random = Random::at(recipe.seed, SAMPLE_STREAM, index);
        let size = recipe.denoiser.batch_size / recipe.denoiser.micro_batches;
        let (mut tokens, mut latents, mut sigmas) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size {
            let sample = random.below(cache.len());
            cache.extend(sample, &mut latents);
            let unconditional = random.uniform() < recipe.denoiser.unconditional_share;
            tokens.push(if unconditional { texts.empty.to_vec() } else { texts.captions[sample].clone() });
            sigmas.push(noise_level(&mut random, recipe.scheduler.shift));
        }
        Self::noise(latents, &mut random, tokens, sigmas)
    }

    /// Noises `latents` to `sigmas`.
    pub fn noise(latents: Vec<f32>, random: &mut Random, tokens: Vec<Vec<u32>>, sigmas: Vec<f32>) -> Self {
        let size = latents.len() / sigmas.len().max(1);
        let (mut noised, mut velocity) = (latents, Vec::new());
        velocity.reserve_exact(noised.len());
        for (sample, &sigma) in noised.chunks_exact_mut(size.max(1)).zip(&sigmas) {
            for value in sample {
                let noise = random.normal();
                velocity.push(noise - *value);
                *value = (1.0 - sigma) * *value + sigma * noise;
            }
        }
        Self { tokens, sigmas, noised, velocity }
    }
}

/// A logit-normal level (Esser et al. 2024, §3.1), shifted as the scheduler shifts its own.
fn noise_level(random: &mut Random, shift: f32) -> f32 {
    let level = 1.0 / (1.0 + (-random.normal()).exp());
    shift * level / (1.0 + (shift - 1.0) * level)
}

/// Loss and gradients of one micro-batch.
pub fn denoiser_step(
    recorder: &Arc<Recorder>,
    recipe: &Recipe,
    parameters: Parameters<'_>,
    conditioner: &Conditioner,
    batch: &DenoiserBatch,
) -> Result<(Gradients, f32)> {
    recorder.clear();
    let device = recorder.device();
    let models = networks::load_denoiser(recipe, conditioner, parameters, Place { device: &device, recorder: Some(recorder) })?;
    let side = recipe.latent_size();
    let shape = [batch.sigmas.len(), side, side, recipe.patch_channels()];
    let noised = Tensor::from_f32(batch.noised.clone(), &shape, &device)?;
    let target = Tensor::from_f32(batch.velocity.clone(), &shape, &device)?;
    let predicted = networks::predict(&models, &noised, &batch.sigmas, &batch.tokens)?;
    let loss = predicted.subtract(&target)?.unary(Unary::Square)?.mean()?;
    let value = loss.f32()?.first().copied().unwrap_or(f32::NAN);
    Ok((recorder.backward(&loss)?, value))
}
