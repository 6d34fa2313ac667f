//! The stages of a run, in order: autoencoder, latents, denoiser, export.

mod autoencoder;
mod denoiser;
mod import;
mod latents;

pub use autoencoder::{AutoencoderBatch, Losses, autoencoder_step};
pub use denoiser::{DenoiserBatch, denoiser_step};

use crate::data::{self, DataRecipe, Dataset, Registry, Sample};
use crate::error::{Error, Result};
use crate::export::{Export, write_json};
use crate::networks;
use crate::optimiser::OptimiserState;
use crate::parallel;
use crate::parameters::{Layout, Parameters, initial_values};
use crate::recipe::Recipe;
use crate::sheet::LabelSheet;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Only the autoencoder.
    Autoencoder,
    /// Up to the cache of latents.
    Latents,
    /// Everything.
    Denoiser,
}

/// What a run does when its output folder already holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Refuse,
    /// Go on from its checkpoints.
    Resume,
}

/// How to run a recipe.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder with the unpacked data sources.
    pub data: PathBuf,
    /// Checkpoints, logs, sheets, and the exported model in `model/`.
    pub output: PathBuf,
    /// If the output folder already holds a run.
    pub existing: Existing,
    /// A model folder in diffusers layout whose weights a new run starts from, component by component, where it has them.
    pub initialise: Option<PathBuf>,
    /// The last stage to run.
    pub until: Stage,
    /// Stop after this time, with a checkpoint.
    pub time_limit: Option<Duration>,
}

/// One run: its recipe, its folder, its clock.
struct Run<'a> {
    recipe: &'a Recipe,
    options: &'a Options,
    dataset: &'a Dataset,
    tokenizer: Value,
    label_sheet: &'a LabelSheet<'a>,
    interrupt: &'a AtomicBool,
    started: Instant,
}

/// Trains `recipe`, read from `path`, until it is done, interrupted, or out of time; the last two end in
/// [`Error::Interrupted`] after a checkpoint. Data whose sources the [`Registry`] does not admit are refused before anything is
/// read. Sheets of samples pass through `label_sheet`. Uses the pool of `kernels`; the caller
/// blocks.
pub fn train(path: &Path, options: &Options, label_sheet: &LabelSheet<'_>, interrupt: &AtomicBool) -> Result<()> {
    let recipe = Recipe::read(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let data_path = folder.join(&recipe.data.recipe);
    let data_recipe = DataRecipe::read(&data_path)?;
    let registry_path = recipe.data.registry.as_ref().map_or_else(|| Registry::beside(&data_path), |registry| folder.join(registry));
    if !registry_path.exists() {
        return Err(data::Error::RegistryMissing { path: registry_path }.into());
    }
    Registry::read(&registry_path)?.admit(&data_recipe, &registry_path)?;
    let output = &options.output;
    std::fs::create_dir_all(output).map_err(|source| Error::io(output, source))?;
    if options.existing == Existing::Refuse && autoencoder::checkpoint_path(output).exists() {
        return Err(Error::checkpoint(output, "the folder already holds a run; resume it or name another folder"));
    }
    let dataset = Dataset::open(data_recipe, &options.data)?;
    let tokenizer_path = output.join("tokenizer.json");
    let tokenizer = if tokenizer_path.exists() {
        read_json(&tokenizer_path)?
    } else {
        let first = options.initialise.as_ref().map(|folder| folder.join("tokenizer/tokenizer.json")).filter(|path| path.exists());
        let made = latents::make_tokenizer(&recipe, &dataset, first.as_deref().map(read_json).transpose()?);
        write_json(&tokenizer_path, &made)?;
        made
    };
    let run = Run { recipe: &recipe, options, dataset: &dataset, tokenizer, label_sheet, interrupt, started: Instant::now() };
    run.stages()
}

/// Writes the model folder of a run from its latest checkpoints, without training.
pub fn export(path: &Path, output: &Path) -> Result<()> {
    let recipe = Recipe::read(path)?;
    let tokenizer = read_json(&output.join("tokenizer.json"))?;
    let autoencoder = autoencoder::load(&recipe, output)?;
    let denoiser = denoiser::load(&recipe, &tokenizer, output)?;
    let autoencoder_layout = networks::autoencoder_layout(&recipe);
    let denoiser_layout = networks::denoiser_layout(&recipe, &tokenizer);
    let parts = [
        Parameters { layout: &autoencoder_layout, values: &autoencoder.average },
        Parameters { layout: &denoiser_layout, values: &denoiser.average },
    ];
    Export { recipe: &recipe, tokenizer: &tokenizer, parts: &parts }.write(&output.join("model"))
}

impl Run<'_> {
    fn stages(&self) -> Result<()> {
        let mut autoencoder = autoencoder::train(self)?;
        if self.options.until == Stage::Autoencoder {
            return Ok(());
        }
        let cache = latents::prepare(self, &mut autoencoder)?;
        autoencoder::save(self.recipe, &self.options.output, &autoencoder)?;
        if self.options.until == Stage::Latents {
            return Ok(());
        }
        denoiser::train(self, &autoencoder, &cache)
    }

    /// Whether to write a checkpoint and leave.
    fn should_stop(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.options.time_limit.is_some_and(|limit| self.started.elapsed() >= limit)
    }

    /// `count` captioned samples from `first`: pictures `[count, size, size, 3]`, -1 to 1, and captions.
    fn samples(&self, first: u64, count: usize) -> (Vec<f32>, Vec<String>) {
        let side = self.recipe.data.image_size;
        let mut samples: Vec<(u64, Option<Sample>)> = (first..first + count as u64).map(|index| (index, None)).collect();
        parallel::for_each(&mut samples, |(index, sample)| *sample = Some(self.dataset.sample(self.recipe.seed, *index, side as u32)));
        let (mut pictures, mut captions) = (Vec::with_capacity(count * side * side * 3), Vec::with_capacity(count));
        for sample in samples.into_iter().filter_map(|(_, sample)| sample) {
            pictures.extend(sample.pixels.iter().copied().map(to_signed));
            captions.push(sample.caption);
        }
        (pictures, captions)
    }

    /// `count` crops from `first`, `[count, side, side, 3]`, -1 to 1.
    fn crops(&self, first: u64, count: usize, side: usize) -> Vec<f32> {
        let mut crops: Vec<(u64, Vec<u8>)> = (first..first + count as u64).map(|index| (index, Vec::new())).collect();
        parallel::for_each(&mut crops, |(index, crop)| *crop = self.dataset.crop(self.recipe.seed, *index, side as u32));
        crops.iter().flat_map(|(_, crop)| crop.iter().copied().map(to_signed)).collect()
    }

    fn checkpoint_interval(&self) -> Duration {
        Duration::from_secs(60 * self.recipe.sampling.checkpoint_minutes.max(1))
    }

    /// The state before the first step: drawn from the seed, or read from the folder that the options name.
    fn initial_state(&self, layout: &Layout) -> Result<OptimiserState> {
        let mut values = initial_values(layout, self.recipe.seed);
        if let Some(folder) = &self.options.initialise {
            import::read(folder, layout, &mut values)?;
        }
        Ok(OptimiserState::new(values))
    }

    /// Writes the model folder with the averaged weights.
    fn export(&self, autoencoder: &OptimiserState, denoiser: &OptimiserState) -> Result<()> {
        let autoencoder_layout = networks::autoencoder_layout(self.recipe);
        let denoiser_layout = networks::denoiser_layout(self.recipe, &self.tokenizer);
        let parts = [
            Parameters { layout: &autoencoder_layout, values: &autoencoder.average },
            Parameters { layout: &denoiser_layout, values: &denoiser.average },
        ];
        Export { recipe: self.recipe, tokenizer: &self.tokenizer, parts: &parts }.write(&self.options.output.join("model"))
    }
}

fn to_signed(value: u8) -> f32 {
    f32::from(value) / 127.5 - 1.0
}

fn read_json(path: &Path) -> Result<Value> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::checkpoint(path, error.to_string()))
}
