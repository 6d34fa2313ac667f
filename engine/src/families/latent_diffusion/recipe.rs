use crate::autoencoders::AutoencoderConfig;
use crate::denoisers::DenoiserConfig;
use crate::error::Result;
use crate::model_folder::JsonFile;
use crate::text_encoders::{HiddenStates, TextEncoderConfig};
use crate::waist::Tensor;

/// What one family that denoises latents does in its own way.
pub(crate) struct Recipe {
    /// Reads the text encoder's `config.json`.
    pub text_encoder: fn(&JsonFile) -> Result<Box<dyn TextEncoderConfig>>,
    /// Which of its hidden states the denoiser is given.
    pub hidden_states: HiddenStates,
    /// What the tokenizer is given for a prompt, with the prompt in place of `{}`.
    pub template: &'static str,
    /// The special token, by its field in `tokenizer_config.json`, that stands for a prompt without any token.
    pub empty_prompt: &'static str,
    /// How the denoiser sees the autoencoder's latents.
    pub latents: LatentLayout,
    /// The noise levels before the scheduler shifts them.
    pub sigmas: Sigmas,
    /// The denoiser is told this many times the scheduler's timestep.
    pub timestep_scale: f32,
    /// What a negative prompt and the guidance scale do.
    pub guidance: Guidance,
    /// Reads the denoiser's `config.json`.
    pub denoiser: fn(&JsonFile) -> Result<Box<dyn DenoiserConfig>>,
    /// Reads the autoencoder's `config.json`.
    pub autoencoder: fn(&JsonFile) -> Result<Box<dyn AutoencoderConfig>>,
}

impl Recipe {
    /// What the tokenizer is given for `prompt`.
    pub fn prompt(&self, prompt: &str) -> String {
        match self.template.split_once("{}") {
            Some((before, after)) => format!("{before}{prompt}{after}"),
            None => prompt.to_owned(),
        }
    }
}

/// How the denoiser sees the autoencoder's latents `[batch, height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LatentLayout {
    /// Two by two latent pixels are the channels of one: `[batch, height / 2, width / 2, 4 · channels]`.
    Patches2x2,
}

impl LatentLayout {
    /// Latent pixels of a side of what the denoiser sees as one.
    pub fn side(self) -> usize {
        match self {
            Self::Patches2x2 => 2,
        }
    }

    /// Channels that the denoiser sees of latents with so many.
    pub fn channels(self, latent_channels: usize) -> usize {
        latent_channels * self.side() * self.side()
    }

    /// Latents as the autoencoder wants them.
    pub fn unpacked(self, latents: &Tensor) -> Result<Tensor> {
        match self {
            Self::Patches2x2 => crate::autoencoders::unpatchify(latents),
        }
    }
}

/// The noise levels of a run before the scheduler shifts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sigmas {
    /// Evenly from 1 towards 0, which is left out.
    Linear,
    /// Those that the scheduler spaces itself.
    #[cfg_attr(not(test), expect(dead_code, reason = "the next family's; the toy family of the tests uses it"))]
    Scheduled,
}

/// What a negative prompt and the guidance scale do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guidance {
    /// Above a scale of 1, `unconditional + scale · (conditional − unconditional)` (Ho and Salimans 2022).
    ClassifierFree,
}

impl Guidance {
    /// Whether a run with this scale has an unconditional branch.
    pub fn is_on(self, guidance_scale: f32) -> bool {
        match self {
            Self::ClassifierFree => guidance_scale > 1.0,
        }
    }

    /// The guided prediction from that of both branches, the unconditional one's `count` samples first.
    pub fn combine(self, predicted: &Tensor, count: usize, guidance_scale: f32) -> Result<Tensor> {
        match self {
            Self::ClassifierFree => {
                let unconditional = predicted.slice(0, 0, count)?;
                let direction = predicted.slice(0, count, count)?.subtract(&unconditional)?;
                unconditional.add(&direction.scale(guidance_scale)?)
            }
        }
    }
}
