//! The training recipe: a TOML file that says everything a run depends on besides its data. Unknown fields are errors.

use crate::error::{Error, Result};
use crate::optimiser::Optimisation;
use serde::{Deserialize, Serialize};
use spec::Sha256Digest;
use std::path::{Path, PathBuf};

/// A whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Folder name of the model, ASCII.
    pub name: String,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Operands of products in training: `f32` or `bf16`. Weights, sums and gradients are f32 in both.
    pub precision: Precision,
    /// What is trained on.
    pub data: Data,
    /// Picture ↔ latents.
    pub autoencoder: Autoencoder,
    /// The cache of encoded training samples.
    pub latents: Latents,
    /// Prompt → conditioning.
    pub text_encoder: TextEncoder,
    /// Noise → latents.
    pub denoiser: Denoiser,
    /// What the exported `scheduler_config.json` says, and the noise levels that are trained.
    pub scheduler: Scheduler,
    /// Defaults that the exported model asks for, and what sample sheets show.
    pub sampling: Sampling,
}

/// Operands of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// IEEE single precision.
    F32,
    /// bfloat16.
    Bf16,
}

/// What is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The data recipe, relative to this file.
    pub recipe: PathBuf,
    /// The registry of the data's sources, relative to this file; where absent, the one beside the data recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<PathBuf>,
    /// Side of a training picture in pixels; a multiple of 16.
    pub image_size: usize,
}

/// An `AutoencoderKLFlux2` and how it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autoencoder {
    /// Channels of the four resolutions of the encoder.
    pub block_out_channels: Vec<usize>,
    /// Channels of the four resolutions of the decoder; those of the encoder if absent.
    pub decoder_block_out_channels: Option<Vec<usize>>,
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    pub layers_per_block: usize,
    /// Channels of a latent pixel.
    pub latent_channels: usize,
    /// Groups of the group norms.
    pub norm_num_groups: usize,
    /// Weight of the mean absolute error.
    pub absolute_weight: f32,
    /// Weight of the mean squared error.
    pub squared_weight: f32,
    /// Weight of the mean absolute error of horizontal and vertical differences.
    pub edge_weight: f32,
    /// Weight of the mean Kullback-Leibler divergence from the standard normal.
    pub divergence_weight: f32,
    /// Trained one after the other.
    pub phases: Vec<AutoencoderPhase>,
}

/// One phase of autoencoder training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderPhase {
    /// Side of the crops in pixels; a multiple of 16.
    pub crop_size: usize,
    /// Crops in a step.
    pub batch_size: usize,
    /// Steps.
    pub steps: u64,
    /// How weights change.
    pub optimisation: Optimisation,
}

/// The cache of encoded training samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latents {
    /// Composed samples that are encoded.
    pub samples: usize,
    /// Pictures that are encoded together.
    pub batch_size: usize,
}

/// The text half of a `Mistral3Model`, and its tokenizer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextEncoder {
    /// Width.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Layers; the pipeline reads what enters the last one, so one fewer is trained.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Longest prompt in tokens.
    pub max_position_embeddings: usize,
    /// A word or character enters the vocabulary if the captions hold it at least this often.
    pub minimum_count: usize,
}

/// An `ErnieImageTransformer2DModel` and how it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denoiser {
    /// Width.
    pub hidden_size: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Blocks.
    pub num_layers: usize,
    /// Width inside the feed-forward layers.
    pub ffn_hidden_size: usize,
    /// Rotary dimensions of a head for the text, row and column axes.
    pub rope_axes_dim: [usize; 3],
    /// Share of samples trained with the empty prompt, for classifier-free guidance.
    pub unconditional_share: f32,
    /// Samples of a step, split into `micro_batches` equal parts whose gradients are averaged.
    pub batch_size: usize,
    /// See `batch_size`.
    pub micro_batches: usize,
    /// Steps.
    pub steps: u64,
    /// How weights change.
    pub optimisation: Optimisation,
}

/// The noise schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    /// `shift` of `FlowMatchEulerDiscreteScheduler`; training draws a logit-normal level and shifts it the same way.
    pub shift: f32,
}

/// Sample sheets and defaults of the exported model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Steps of a sample, and the default of the model.
    pub num_inference_steps: usize,
    /// Guidance of a sample, and the default of the model.
    pub guidance_scale: f32,
    /// Steps between two sheets.
    pub every_steps: u64,
    /// Minutes between two checkpoints.
    pub checkpoint_minutes: u64,
    /// One picture each.
    pub prompts: Vec<String>,
}

impl Recipe {
    /// Reads and checks a recipe.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
        let recipe: Self = toml::from_str(&text).map_err(|error| Error::recipe(path, error.to_string()))?;
        recipe.check().map_err(|detail| Error::recipe(path, detail))?;
        Ok(recipe)
    }

    /// Side of a picture's latents, after the autoencoder's eightfold and the pipeline's twofold reduction.
    pub fn latent_size(&self) -> usize {
        self.data.image_size / PIXELS_PER_LATENT
    }

    /// Channels that the denoiser sees: four latent pixels in one token.
    pub fn patch_channels(&self) -> usize {
        4 * self.autoencoder.latent_channels
    }

    /// A digest of what the shape and meaning of a checkpoint depend on. Learning rates, step counts and sampling may
    /// change between two sittings of one run.
    pub fn architecture_digest(&self) -> Sha256Digest {
        let autoencoder = &self.autoencoder;
        let denoiser = &self.denoiser;
        let text = format!(
            "{:?}",
            (
                (&autoencoder.block_out_channels, &autoencoder.decoder_block_out_channels, autoencoder.layers_per_block),
                (autoencoder.latent_channels, autoencoder.norm_num_groups, self.data.image_size, &self.text_encoder),
                (denoiser.hidden_size, denoiser.num_attention_heads, denoiser.num_layers, denoiser.ffn_hidden_size, denoiser.rope_axes_dim),
            )
        );
        Sha256Digest::of(text.as_bytes())
    }

    fn check(&self) -> std::result::Result<(), String> {
        let denoiser = &self.denoiser;
        let head = denoiser.rope_axes_dim.iter().sum::<usize>();
        let is_multiple = |size: usize| size > 0 && size.is_multiple_of(PIXELS_PER_LATENT);
        let rules = [
            (is_multiple(self.data.image_size), "data.image_size must be a multiple of 16"),
            (
                self.autoencoder.phases.iter().all(|phase| is_multiple(phase.crop_size) && phase.batch_size > 0),
                "autoencoder.phases need a crop_size that is a multiple of 16, and a batch_size",
            ),
            (self.autoencoder.block_out_channels.len() == 4, "autoencoder.block_out_channels must have four entries"),
            (
                head * denoiser.num_attention_heads == denoiser.hidden_size,
                "denoiser: rope_axes_dim must add up to hidden_size / num_attention_heads",
            ),
            (
                denoiser.micro_batches > 0 && denoiser.batch_size > 0 && denoiser.batch_size.is_multiple_of(denoiser.micro_batches),
                "denoiser.batch_size must be a multiple of denoiser.micro_batches",
            ),
            (self.latents.samples > 0 && self.latents.batch_size > 0, "latents.samples and latents.batch_size must be positive"),
            (self.text_encoder.num_hidden_layers > 1, "text_encoder.num_hidden_layers must be at least 2"),
            (
                !self.name.is_empty() && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "name must be ASCII letters, digits and hyphens",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err((*rule).to_owned()))
    }
}

/// Pixels along a side that become one token of the denoiser.
pub const PIXELS_PER_LATENT: usize = 16;
