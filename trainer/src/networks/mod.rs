//! The recipe's networks on any device: laid out, loaded from flat values, and called the way the stages need them.

mod autoencoder;
mod denoiser;
mod text_encoder;

use crate::architecture::{self, AUTOENCODER, DENOISER, TEXT_ENCODER, with_component};
use crate::autodiff::Recorder;
use crate::parameters::{ComponentSource, Layout};
use crate::recipe::{Precision, Recipe};
use crate::{Error, Result, vocabulary};
use autoencoder::Autoencoder;
use denoiser::Denoiser;
use engine::weights::Loader;
use engine::{Device, Tensor};
use serde_json::Value;
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use text_encoder::TextEncoder;
use tokenizers::Tokenizer;

/// Full name of the latents' running mean.
pub const LATENT_MEAN: &str = "vae/bn.running_mean";
/// Full name of the latents' running variance.
pub const LATENT_VARIANCE: &str = "vae/bn.running_var";
/// What the pipeline adds to the variance, whatever the config says.
pub const LATENT_EPSILON: f32 = 1e-5;

/// The precision of products.
pub fn run_precision(recipe: &Recipe) -> RunPrecision {
    match recipe.precision {
        Precision::F32 => RunPrecision::F32,
        Precision::Bf16 => RunPrecision::Bf16,
    }
}

/// All parameters of the autoencoder stage.
pub fn autoencoder_layout(recipe: &Recipe) -> Layout {
    Layout::new(with_component(AUTOENCODER, architecture::autoencoder_shapes(recipe)))
}

/// All parameters of the denoiser stage: denoiser and text encoder.
pub fn denoiser_layout(recipe: &Recipe, tokenizer: &Value) -> Layout {
    let size = vocabulary::vocabulary_size(tokenizer);
    let mut shapes = with_component(DENOISER, architecture::denoiser_shapes(recipe));
    shapes.extend(with_component(TEXT_ENCODER, architecture::text_encoder_shapes(recipe, size)));
    Layout::new(shapes)
}

/// Loads a component from flat values; on a recorder, under its own scope.
fn load<T>(
    component: &str,
    (layout, values): (&Layout, &[f32]),
    (device, recorder): (&Device, Option<&Arc<Recorder>>),
    build: impl FnOnce(&Loader<'_>) -> engine::Result<T>,
) -> Result<T> {
    let prefix = format!("{component}/");
    if let Some(recorder) = recorder {
        recorder.set_scope(&prefix);
    }
    let source = ComponentSource { layout, values, prefix: &prefix };
    let taken = RefCell::new(BTreeSet::new());
    Ok(build(&Loader::new(&source, device, &taken))?)
}

/// The autoencoder with these values.
pub fn load_autoencoder(
    recipe: &Recipe,
    layout: &Layout,
    values: &[f32],
    device: &Device,
    recorder: Option<&Arc<Recorder>>,
) -> Result<Autoencoder> {
    load(AUTOENCODER, (layout, values), (device, recorder), |loader| Autoencoder::load(&recipe.autoencoder, loader))
}

/// Mean and log-variance of the latents of `pictures [batch, height, width, 3]`, each `[batch, height / 8, width / 8, latent_channels]`.
pub fn encode(model: &Autoencoder, pictures: &Tensor) -> Result<(Tensor, Tensor)> {
    Ok(model.encode(pictures)?)
}

/// Pictures of latents.
pub fn decode(model: &Autoencoder, latents: &Tensor) -> Result<Tensor> {
    Ok(model.decode(latents)?)
}

/// `[batch, height, width, channels]` to `[batch, height / 2, width / 2, 4 · channels]`; a channel's four pixels lie together.
pub fn patchify(latents: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = (latents.size(0), latents.size(1) / 2, latents.size(2) / 2, latents.last());
    let cut = latents.reshape(&[batch, height, 2, width, 2, channels])?.permute(&[0, 1, 3, 5, 2, 4])?;
    Ok(cut.reshape(&[batch, height, width, 4 * channels])?)
}

/// From what the denoiser makes to what the decoder takes: undoes the normalisation and [`patchify`].
pub fn restore(latents: &Tensor, layout: &Layout, autoencoder: &[f32]) -> Result<Tensor> {
    let statistic = |name: &str| layout.slots().get(name).map_or(&[][..], |slot| &autoencoder[slot.range.clone()]);
    let channels = latents.last();
    let deviation = statistic(LATENT_VARIANCE).iter().map(|variance| (variance + LATENT_EPSILON).sqrt()).collect();
    let deviation = Tensor::from_f32(deviation, &[channels], latents.device())?;
    let mean = Tensor::from_f32(statistic(LATENT_MEAN).to_vec(), &[channels], latents.device())?;
    let raw = latents.affine_channels(&deviation, &mean)?;
    let (batch, height, width) = (latents.size(0), latents.size(1), latents.size(2));
    let cut = raw.reshape(&[batch, height, width, channels / 4, 2, 2])?.permute(&[0, 1, 4, 2, 5, 3])?;
    Ok(cut.reshape(&[batch, 2 * height, 2 * width, channels / 4])?)
}

/// Turns prompts into token ids.
pub struct Conditioner {
    tokenizer: Tokenizer,
    maximum: usize,
    size: usize,
}

impl Conditioner {
    /// From a `tokenizer.json`.
    pub fn new(recipe: &Recipe, tokenizer: &Value) -> Result<Self> {
        let size = vocabulary::vocabulary_size(tokenizer);
        let tokenizer =
            serde_json::from_value(tokenizer.clone()).map_err(|error| Error::checkpoint(Path::new("tokenizer.json"), error.to_string()))?;
        Ok(Self { tokenizer, maximum: recipe.text_encoder.max_position_embeddings, size })
    }

    /// The ids of a prompt, cut to what the encoder takes.
    pub fn tokens(&self, prompt: &str) -> Result<Vec<u32>> {
        let encoding =
            self.tokenizer.encode(prompt, true).map_err(|error| Error::checkpoint(Path::new("tokenizer.json"), error.to_string()))?;
        Ok(encoding.get_ids().iter().copied().take(self.maximum).collect())
    }
}

/// Denoiser and text encoder.
pub struct DenoisingModels {
    denoiser: Denoiser,
    text_encoder: TextEncoder,
}

/// Denoiser and text encoder with these values.
pub fn load_denoiser(
    recipe: &Recipe,
    conditioner: &Conditioner,
    values: (&Layout, &[f32]),
    device: &Device,
    recorder: Option<&Arc<Recorder>>,
) -> Result<DenoisingModels> {
    let text_encoder =
        load(TEXT_ENCODER, values, (device, recorder), |loader| TextEncoder::load(&recipe.text_encoder, conditioner.size, loader))?;
    let denoiser = load(DENOISER, values, (device, recorder), |loader| Denoiser::load(recipe, loader))?;
    Ok(DenoisingModels { denoiser, text_encoder })
}

/// The velocity at `noised [batch, side, side, channels]`, at noise levels 0 to 1, for token ids of each sample.
pub fn predict(models: &DenoisingModels, noised: &Tensor, sigmas: &[f32], tokens: &[Vec<u32>]) -> Result<Tensor> {
    let (text, lengths) = models.text_encoder.forward(tokens)?;
    let timesteps: Vec<f32> = sigmas.iter().map(|sigma| 1000.0 * sigma).collect();
    Ok(models.denoiser.forward(noised, &timesteps, &text, &lengths)?)
}
