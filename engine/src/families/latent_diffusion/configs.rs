//! What is known of a model's components before their weights are read.

use super::recipe::Recipe;
use crate::autoencoders::AutoencoderConfig;
use crate::denoisers::DenoiserConfig;
use crate::error::{Error, Result};
use crate::families::registry::{ComponentClass, Registration, Role};
use crate::model_folder::{JsonFile, ModelFolder};
use crate::schedulers::FlowMatchEulerDiscrete;
use crate::text_encoders::TextEncoderConfig;
use crate::tokenizer::Tokenizer;
use crate::weights::check_weights;

/// The configs of the components that have weights.
pub(super) struct Configs {
    pub text_encoder: Box<dyn TextEncoderConfig>,
    pub denoiser: Box<dyn DenoiserConfig>,
    pub autoencoder: Box<dyn AutoencoderConfig>,
}

impl Configs {
    /// Reads them, and checks that they fit each other.
    pub fn read(recipe: &Recipe, folder: &ModelFolder, registration: &Registration) -> Result<Self> {
        let file = |role| {
            let component = registration.role(role).map_or("", |component| component.folder);
            JsonFile::component(folder, component)
        };
        let denoiser_file = file(Role::Denoiser)?;
        let configs = Self {
            text_encoder: (recipe.text_encoder)(&file(Role::TextEncoder)?)?,
            denoiser: (recipe.denoiser)(&denoiser_file)?,
            autoencoder: (recipe.autoencoder)(&file(Role::Autoencoder)?)?,
        };
        let (channels, latent_channels) = (configs.denoiser.channels(), configs.autoencoder.latent_channels());
        if channels != recipe.latents.channels(latent_channels) {
            let problem = format!("{channels} channels do not fit the autoencoder's {latent_channels} / 与自编码器的通道数不符");
            return Err(denoiser_file.invalid("in_channels", problem));
        }
        let (wanted, given) = (configs.denoiser.text_width(), configs.text_encoder.hidden_size());
        if wanted != given {
            return Err(
                denoiser_file.invalid("text_in_dim", format!("{wanted} is not the text encoder's width {given} / 与文本编码器宽度不符"))
            );
        }
        Ok(configs)
    }
}

/// Checks everything about one component that can be told without reading the values of its weights: what loading would find.
pub(crate) fn check_component(recipe: &Recipe, folder: &ModelFolder, component: &ComponentClass) -> Result<()> {
    let name = component.folder;
    match component.role {
        Role::Tokenizer => Tokenizer::load(folder, name).map(drop),
        Role::Scheduler => {
            let scheduler = FlowMatchEulerDiscrete::load(folder, name)?;
            if scheduler.configuration().stochastic_sampling {
                return Err(Error::Unsupported(format!("{name}: stochastic_sampling / {name}：随机采样")));
            }
            Ok(())
        }
        Role::TextEncoder => {
            let config = (recipe.text_encoder)(&JsonFile::component(folder, name)?)?;
            check_weights(folder, name, |loader| config.load(recipe.hidden_states, loader).map(drop))
        }
        Role::Denoiser => {
            let config = (recipe.denoiser)(&JsonFile::component(folder, name)?)?;
            check_weights(folder, name, |loader| config.load(loader).map(drop))
        }
        Role::Autoencoder => {
            let config = (recipe.autoencoder)(&JsonFile::component(folder, name)?)?;
            check_weights(folder, name, |loader| config.load(loader).map(drop))
        }
        // No part of the loop: `prompt_enhancer` checks its own.
        Role::PromptEnhancer => Ok(()),
    }
}
