//! What families that denoise latents share: prompts to conditions, the loop over noise levels, guidance, decoding; which components are in
//! memory, and where their packed weights are kept. A family says in a [`Recipe`] what is its own.

mod batching;
mod conditions;
mod configs;
mod decoding;
mod denoising;
mod files;
mod prompt_cache;
mod recipe;

pub(super) use configs::check_component;
pub use files::Residency;
pub(super) use recipe::{Guidance, LatentLayout, Recipe, Sigmas};

use super::registry::Role;
use super::{Family, FamilyRequest, Observer, Opening};
use crate::autoencoders::Autoencoder;
use crate::cpu::CpuExecutor;
use crate::denoisers::Denoiser;
use crate::error::{Error, Result};
use crate::quantization::{ActivationSamples, Part, is_quantized_source, precision_of};
use crate::schedulers::FlowMatchEulerDiscrete;
use crate::text_encoders::TextEncoder;
use crate::tokenizer::{CutText, Tokenizer};
use crate::waist::{Device, Tensor};
use crate::weights::{PackedFolder, SafetensorsSource};
use configs::Configs;
use files::{ComponentFiles, Resident};
use prompt_cache::PromptCache;
use spec::{RunPrecision, Sha256Digest};
use std::sync::Arc;

/// A model of a family that denoises latents.
pub(crate) struct LatentDiffusion {
    recipe: &'static Recipe,
    files: ComponentFiles,
    configs: Configs,
    tokenizer: Tokenizer,
    scheduler: FlowMatchEulerDiscrete,
    prompts: PromptCache,
    text_encoder: Resident<dyn TextEncoder>,
    denoiser: Resident<dyn Denoiser>,
    autoencoder: Resident<dyn Autoencoder>,
}

impl LatentDiffusion {
    /// Checks the whole folder, all of it but the values of its weights, before anything runs.
    pub fn open(recipe: &'static Recipe, opening: Opening) -> Result<Self> {
        let Opening { registration, folder, precision, residency } = opening;
        for component in registration.check_classes(&folder)? {
            check_component(recipe, &folder, component)?;
        }
        let name = |role| {
            registration.role(role).map(|component| component.folder).ok_or_else(|| {
                Error::Unsupported(format!("{}: a family without {role:?} / 该模型系列缺少 {role:?}", registration.class_name))
            })
        };
        let (text, denoiser, autoencoder) = (name(Role::TextEncoder)?, name(Role::Denoiser)?, name(Role::Autoencoder)?);
        let configs = Configs::read(recipe, &folder, registration)?;
        let integer_layers = configs.denoiser.integer_layers();
        let device = |component: &str, part| -> Result<Device> {
            let is_stored = precision == RunPrecision::Int8 && is_quantized_source(&SafetensorsSource::component(&folder, component)?);
            Ok(Device::new(match is_stored {
                true => CpuExecutor::for_stored_integers(),
                false => CpuExecutor::new(precision_of(part, precision)).with_integer_layers(integer_layers),
            }))
        };
        Ok(Self {
            tokenizer: Tokenizer::load(&folder, name(Role::Tokenizer)?)?,
            scheduler: FlowMatchEulerDiscrete::load(&folder, name(Role::Scheduler)?)?,
            prompts: PromptCache::default(),
            text_encoder: Resident::new(text, Device::cpu(precision_of(Part::TextEncoder, precision))),
            denoiser: Resident::new(denoiser, device(denoiser, Part::Denoiser)?),
            autoencoder: Resident::new(autoencoder, device(autoencoder, Part::Autoencoder)?),
            files: ComponentFiles::new(folder, residency),
            configs,
            recipe,
        })
    }

    /// Pixels of a token's side: sizes must be multiples of it.
    fn pixels_per_token(&self) -> usize {
        self.configs.autoencoder.scale_factor() * self.recipe.latents.side() * self.configs.denoiser.patch_size()
    }

    fn check_request(&self, request: &FamilyRequest) -> Result<()> {
        let factor = self.pixels_per_token();
        let FamilyRequest { width, height, .. } = *request;
        if width == 0 || height == 0 || !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(Error::InvalidRequest(format!(
                "width and height must be multiples of {factor}, not {width}×{height} / 宽和高必须是 {factor} 的倍数，而不是 {width}×{height}"
            )));
        }
        if request.num_inference_steps == 0 {
            return Err(Error::InvalidRequest("at least one step is needed / 步数至少为 1".into()));
        }
        if request.prompts.len() != request.seeds.len() || request.prompts.is_empty() {
            return Err(Error::InvalidRequest(format!(
                "{0} prompts, {1} seeds; as many, and at least one, are expected / 提示词 {0} 条，种子 {1} 个，两者应相等且不为零",
                request.prompts.len(),
                request.seeds.len()
            )));
        }
        Ok(())
    }
}

impl Family for LatentDiffusion {
    fn batch_size(&self, request: &FamilyRequest) -> usize {
        batching::batch_size(self.recipe, &self.configs, request, self.pixels_per_token())
    }

    fn generate(&mut self, request: &FamilyRequest, observer: &mut Observer<'_>) -> Result<Vec<Tensor>> {
        self.check_request(request)?;
        let conditions = self.encode(request, observer)?;
        let latents = self.denoise(request, &conditions, observer)?;
        self.decode(&latents, observer)
    }

    fn cut(&self, prompt: &str) -> Result<Option<CutText>> {
        self.tokenizer.cut(&self.recipe.prompt(prompt))
    }

    fn keep_packed(&mut self, folder: PackedFolder, model: Sha256Digest) {
        self.files.keep_packed(folder, model);
    }

    fn watch(&mut self, precision: RunPrecision, samples: &Arc<ActivationSamples>) {
        let watching = |part, layers| {
            Device::new(CpuExecutor::new(precision_of(part, precision)).with_integer_layers(layers).watching(Arc::clone(samples)))
        };
        self.denoiser = Resident::new(self.denoiser.component(), watching(Part::Denoiser, self.configs.denoiser.integer_layers()));
        self.autoencoder =
            Resident::new(self.autoencoder.component(), watching(Part::Autoencoder, self.configs.autoencoder.integer_layers()));
    }

    fn quantizable_components(&self) -> Vec<&'static str> {
        vec![self.denoiser.component(), self.autoencoder.component()]
    }
}
