use super::Run;
use crate::autodiff::{Gradients, Recorder};
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::journal::{Entry, Journal};
use crate::networks;
use crate::networks::Place;
use crate::optimiser::{GradientSum, OptimiserState};
use crate::parameters::{Layout, Parameters};
use crate::random::Random;
use crate::recipe::{Autoencoder, AutoencoderPhase, Recipe};
use crate::sheet;
use engine::{Device, Tensor, Unary};
use std::path::{Path, PathBuf};
use std::time::Instant;

const NOISE_STREAM: u64 = 10;
/// Pictures on a sheet: originals above, reconstructions below.
const SHEET_PICTURES: usize = 8;

pub(super) fn checkpoint_path(output: &Path) -> PathBuf {
    output.join("autoencoder.safetensors")
}

/// The state in a run's folder.
pub(super) fn load(recipe: &Recipe, output: &Path) -> Result<OptimiserState> {
    let length = networks::autoencoder_layout(recipe).len();
    checkpoint::load(&checkpoint_path(output), length, recipe.architecture_digest())
}

/// Writes the state to a run's folder.
pub(super) fn save(recipe: &Recipe, output: &Path, state: &OptimiserState) -> Result<()> {
    checkpoint::save(&checkpoint_path(output), state, recipe.architecture_digest())
}

/// Trains all phases, or what is left of them.
pub(super) fn train(run: &Run<'_>) -> Result<OptimiserState> {
    let recipe = run.recipe;
    let output = &run.options.output;
    let layout = networks::autoencoder_layout(recipe);
    let path = checkpoint_path(output);
    let mut state = if path.exists() { load(recipe, output)? } else { run.initial_state(&layout)? };
    let total: u64 = recipe.autoencoder.phases.iter().map(|phase| phase.steps).sum();
    let recorder = Recorder::new(networks::run_precision(recipe));
    let mut journal = Journal::open(output, "autoencoder")?;
    let mut saved = Instant::now();
    while state.step < total {
        let (phase, place) = phase_at(&recipe.autoencoder.phases, state.step);
        let batch = AutoencoderBatch::compose(run, phase, state.step);
        let (gradients, losses) = autoencoder_step(&recorder, recipe, &layout, &state.values, &batch)?;
        let mut sum = GradientSum::new(&layout);
        sum.add(&layout, &gradients, 1.0)?;
        let learning_rate = phase.optimisation.learning_rate_at(place, phase.steps);
        let gradient_norm = state.update(&layout, &sum, &phase.optimisation, learning_rate);
        let decibels = 10.0 * (4.0 / losses.squared.max(1e-12)).log10();
        let parts = [("absolute", losses.absolute), ("edge", losses.edge), ("divergence", losses.divergence), ("psnr", decibels)];
        let entry = Entry { stage: "autoencoder", step: state.step, loss: losses.total, parts: &parts, gradient_norm, learning_rate };
        journal.record(&entry, phase.batch_size, total - state.step)?;
        let stopping = run.should_stop();
        if stopping || saved.elapsed() >= run.checkpoint_interval() || state.step == total {
            save(recipe, output, &state)?;
            journal.plot()?;
            saved = Instant::now();
        }
        if state.step.is_multiple_of(recipe.sampling.every_steps) || state.step == total {
            draw_sheet(run, &layout, &state)?;
        }
        if stopping && state.step < total {
            return Err(Error::Interrupted);
        }
    }
    Ok(state)
}

/// The phase of `step` and the step's place in it.
fn phase_at(phases: &[AutoencoderPhase], step: u64) -> (&AutoencoderPhase, u64) {
    let mut first = 0;
    for phase in phases {
        if step < first + phase.steps {
            return (phase, step - first);
        }
        first += phase.steps;
    }
    // The caller stops at the total, so the last phase is only a fallback.
    (&phases[phases.len() - 1], step.saturating_sub(first))
}

/// Crops with the noise that is added to their latents.
pub struct AutoencoderBatch {
    /// `[batch, side, side, 3]`, -1 to 1.
    pub pictures: Vec<f32>,
    /// `[batch, side / 8, side / 8, latent_channels]`.
    pub noise: Vec<f32>,
    /// Crops.
    pub size: usize,
    /// Side of a crop in pixels.
    pub side: usize,
}

impl AutoencoderBatch {
    fn compose(run: &Run<'_>, phase: &AutoencoderPhase, step: u64) -> Self {
        let (size, side) = (phase.batch_size, phase.crop_size);
        let pictures = run.crops(step * size as u64, size, side);
        let latents = size * (side / 8) * (side / 8) * run.recipe.autoencoder.latent_channels;
        let noise = Random::at(run.recipe.seed, NOISE_STREAM, step).normals(latents);
        Self { pictures, noise, size, side }
    }
}

/// The parts of the loss, before their weights.
#[derive(Debug, Clone, Copy)]
pub struct Losses {
    /// Weighted sum of the rest.
    pub total: f32,
    /// Mean absolute error.
    pub absolute: f32,
    /// Mean squared error.
    pub squared: f32,
    /// Mean absolute error of differences of neighbours.
    pub edge: f32,
    /// Mean Kullback-Leibler divergence of a latent value.
    pub divergence: f32,
}

/// Loss and gradients of one batch.
pub fn autoencoder_step(
    recorder: &std::sync::Arc<Recorder>,
    recipe: &Recipe,
    layout: &Layout,
    values: &[f32],
    batch: &AutoencoderBatch,
) -> Result<(Gradients, Losses)> {
    recorder.clear();
    let device = recorder.device();
    let model = networks::load_autoencoder(recipe, Parameters { layout, values }, Place { device: &device, recorder: Some(recorder) })?;
    let pictures = Tensor::from_f32(batch.pictures.clone(), &[batch.size, batch.side, batch.side, 3], &device)?;
    let (mean, log_variance) = model.encode(&pictures)?;
    let noise = Tensor::from_f32(batch.noise.clone(), mean.shape(), &device)?;
    let latents = log_variance.scale(0.5)?.unary(Unary::Exponential)?.multiply(&noise)?.add(&mean)?;
    let decoded = model.decode(&latents)?;
    let (loss, losses) = loss(&recipe.autoencoder, &decoded.subtract(&pictures)?, &mean, &log_variance)?;
    Ok((recorder.backward(&loss)?, losses))
}

fn loss(weights: &Autoencoder, difference: &Tensor, mean: &Tensor, log_variance: &Tensor) -> Result<(Tensor, Losses)> {
    let absolute = difference.unary(Unary::Absolute)?.mean()?;
    let squared = difference.unary(Unary::Square)?.mean()?;
    let edge = edges(difference, 1)?.add(&edges(difference, 2)?)?;
    let variance = log_variance.unary(Unary::Exponential)?;
    let divergence =
        mean.unary(Unary::Square)?.add(&variance)?.subtract(log_variance)?.unary(Unary::Affine { factor: 0.5, offset: -0.5 })?.mean()?;
    let total = absolute
        .scale(weights.absolute_weight)?
        .add(&squared.scale(weights.squared_weight)?)?
        .add(&edge.scale(weights.edge_weight)?)?
        .add(&divergence.scale(weights.divergence_weight)?)?;
    let value = |tensor: &Tensor| -> Result<f32> { Ok(tensor.f32()?.first().copied().unwrap_or(f32::NAN)) };
    let losses = Losses {
        total: value(&total)?,
        absolute: value(&absolute)?,
        squared: value(&squared)?,
        edge: value(&edge)?,
        divergence: value(&divergence)?,
    };
    Ok((total, losses))
}

/// Mean absolute difference of neighbours along `axis`.
fn edges(x: &Tensor, axis: usize) -> Result<Tensor> {
    let length = x.size(axis) - 1;
    Ok(x.slice(axis, 1, length)?.subtract(&x.slice(axis, 0, length)?)?.unary(Unary::Absolute)?.mean()?)
}

fn draw_sheet(run: &Run<'_>, layout: &Layout, state: &OptimiserState) -> Result<()> {
    let device = Device::cpu(networks::run_precision(run.recipe));
    let model =
        networks::load_autoencoder(run.recipe, Parameters { layout, values: &state.average }, Place { device: &device, recorder: None })?;
    let side = run.recipe.data.image_size;
    let (pictures, _) = run.samples(0, SHEET_PICTURES);
    let originals = Tensor::from_f32(pictures, &[SHEET_PICTURES, side, side, 3], &device)?;
    let (mean, _) = model.encode(&originals)?;
    let decoded = model.decode(&mean)?;
    let both = Tensor::concat(&[&originals, &decoded], 0)?;
    let path = run.options.output.join(format!("autoencoder-{:06}.png", state.step));
    sheet::write(&path, &both, SHEET_PICTURES, run.label_sheet)
}
