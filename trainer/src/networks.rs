//! The recipe's networks on any device: laid out, loaded from flat values, and called the way the stages need them.

use crate::architecture::{self, AUTOENCODER, DENOISER, TEXT_ENCODER, with_component};
use crate::autodiff::Recorder;
use crate::error::{Error, Result};
use crate::parameters::{ComponentSource, Layout, Parameters};
use crate::recipe::{Precision, Recipe};
use crate::vocabulary;
use engine::autoencoders::{AutoencoderKlFlux2, AutoencoderKlFlux2Config};
use engine::denoisers::{ErnieImageConfig, ErnieImageTransformer2DModel, TextCondition};
use engine::text_encoders::{Ministral3, Ministral3Config};
use engine::weights::Loader;
use engine::{Device, Tensor};
use serde::de::DeserializeOwned;
use serde_json::Value;
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tokenizers::Tokenizer;

/// Full name of the latents' running mean.
pub const LATENT_MEAN: &str = "vae/bn.running_mean";
/// Full name of the latents' running variance.
pub const LATENT_VARIANCE: &str = "vae/bn.running_var";

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

/// Where a network is loaded, and who records it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The device that it runs on; the recorder's own where there is one.
    pub device: &'a Device,
    /// Names its parameters, where it is trained.
    pub recorder: Option<&'a Arc<Recorder>>,
}

/// Loads a component from flat values; on a recorder, under its own scope.
fn load<T>(
    component: &str,
    parameters: Parameters<'_>,
    place: Place<'_>,
    build: impl FnOnce(&Loader<'_>) -> engine::Result<T>,
) -> Result<T> {
    let Parameters { layout, values } = parameters;
    let prefix = format!("{component}/");
    if let Some(recorder) = place.recorder {
        recorder.set_scope(&prefix);
    }
    let source = ComponentSource { layout, values, prefix: &prefix };
    let taken = RefCell::new(BTreeSet::new());
    Ok(build(&Loader::new(&source, place.device, &taken))?)
}

/// The part of an exported `config.json` that the engine reads, so that training builds what inference will.
fn engine_config<T: DeserializeOwned>(component: &str, config: Value) -> Result<T> {
    serde_json::from_value(config).map_err(|error| Error::recipe(Path::new(component), error.to_string()))
}

/// The autoencoder with these values.
pub fn load_autoencoder(recipe: &Recipe, parameters: Parameters<'_>, place: Place<'_>) -> Result<AutoencoderKlFlux2> {
    let config: AutoencoderKlFlux2Config = engine_config(AUTOENCODER, architecture::autoencoder_config(recipe))?;
    load(AUTOENCODER, parameters, place, |loader| AutoencoderKlFlux2::load(&config, loader))
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
    denoiser: ErnieImageTransformer2DModel,
    text_encoder: Ministral3,
}

/// Denoiser and text encoder with these values.
pub fn load_denoiser(recipe: &Recipe, conditioner: &Conditioner, parameters: Parameters<'_>, place: Place<'_>) -> Result<DenoisingModels> {
    let mut text_config = architecture::text_encoder_config(recipe, conditioner.size);
    let text_config: Ministral3Config = engine_config(TEXT_ENCODER, text_config["text_config"].take())?;
    let text_encoder = load(TEXT_ENCODER, parameters, place, |loader| {
        Ministral3::load_encoder(&text_config, &loader.child("language_model").child("model"))
    })?;
    let config: ErnieImageConfig = engine_config(DENOISER, architecture::denoiser_config(recipe))?;
    let denoiser = load(DENOISER, parameters, place, |loader| ErnieImageTransformer2DModel::load(&config, loader))?;
    Ok(DenoisingModels { denoiser, text_encoder })
}

/// The velocity at `noised [batch, side, side, channels]`, at noise levels 0 to 1, for token ids of each sample.
pub fn predict(models: &DenoisingModels, noised: &Tensor, sigmas: &[f32], tokens: &[Vec<u32>]) -> Result<Tensor> {
    let hidden_states = models.text_encoder.encode(tokens)?;
    let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
    let timesteps: Vec<f32> = sigmas.iter().map(|sigma| 1000.0 * sigma).collect();
    Ok(models.denoiser.forward(noised, &timesteps, TextCondition { hidden_states: &hidden_states, lengths: &lengths })?)
}
