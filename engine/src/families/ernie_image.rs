//! `ErnieImagePipeline` of diffusers: Ministral 3 text encoder, single-stream transformer, FLUX.2 autoencoder, flow matching.

use super::latent_diffusion::{Guidance, LatentLayout, Recipe, Sigmas};
use super::{FamilyDefaults, ModelDefaults};
use crate::autoencoders::AutoencoderKlFlux2Config;
use crate::denoisers::ErnieImageConfig;
use crate::text_encoders::{HiddenStates, Ministral3Config};

/// Those of ERNIE-Image's model card.
pub(super) const DEFAULTS: FamilyDefaults = FamilyDefaults {
    request: ModelDefaults { width: 1024, height: 1024, num_inference_steps: 50, guidance_scale: 4.0 },
    sizes: &[[1024, 1024], [848, 1264], [1264, 848], [768, 1376], [896, 1200], [1376, 768], [1200, 896]],
};

/// The recipe.
pub(super) static RECIPE: Recipe = Recipe {
    // `config.json` of a whole `Mistral3Model` holds that of its language model in a section.
    text_encoder: |file| match file.has("text_config") {
        true => Ok(Box::new(Ministral3Config::read(&file.section("text_config")?)?)),
        false => Ok(Box::new(Ministral3Config::read(file)?)),
    },
    hidden_states: HiddenStates::SecondToLast,
    template: "{}",
    empty_prompt: "bos_token",
    latents: LatentLayout::Patches2x2,
    sigmas: Sigmas::Linear,
    timestep_scale: 1.0,
    guidance: Guidance::ClassifierFree,
    denoiser: |file| Ok(Box::new(ErnieImageConfig::read(file)?)),
    autoencoder: |file| Ok(Box::new(AutoencoderKlFlux2Config::read(file)?)),
};
