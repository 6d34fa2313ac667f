use crate::defaults::TrainedSizes;
use crate::error::{Error, Result};
use crate::families::{Family, Opening, Residency, registry};
use crate::generate::{family_request, picture_of};
use crate::inspection::several_weights;
use crate::model_folder::{ModelFolder, ModelIndex};
use crate::quantization::ActivationSamples;
use crate::solvers;
use crate::tokenizer::CutText;
use crate::warning::Warning;
use crate::weights::PackedFolder;
use spec::{ModelIdentity, Request, RunPrecision, Sha256Digest};
use std::sync::Arc;

/// A model ready to generate.
pub struct LoadedModel {
    identity: ModelIdentity,
    /// Nothing where a solver does the work.
    family: Option<Box<dyn Family>>,
    sizes: TrainedSizes,
    warnings: Vec<Warning>,
}

impl LoadedModel {
    /// Opens the model in `folder`, whose digest is computed here; `name` is how the user called it.
    pub fn open(folder: ModelFolder, name: &str, precision: RunPrecision, residency: Residency) -> Result<Self> {
        let index = ModelIndex::read(&folder)?;
        let registration = registry::require(&index.class_name)?;
        let sizes = TrainedSizes::read(&folder)?;
        let warnings = index.components.iter().filter_map(|component| several_weights(&folder, &component.name)).collect();
        let hashed = folder.clone();
        // Checked first: hashing a large model takes long.
        let family = (registration.open)(Opening { registration, folder, precision, residency })?;
        Ok(Self { identity: hashed.identity(name)?, family: Some(family), sizes, warnings })
    }

    /// The solver of engineering designs, which has no weights: its digest is that of its version.
    pub fn simp() -> Self {
        let (name, family) = (solvers::NAME.to_owned(), solvers::FAMILY.to_owned());
        let identity = ModelIdentity { name, family, sha256: Sha256Digest::of(solvers::VERSION.as_bytes()) };
        Self { identity, family: None, sizes: TrainedSizes::default(), warnings: Vec::new() }
    }

    /// This model, which keeps packed weights in a folder and maps them at its next start.
    #[must_use]
    pub fn with_packed_weights(mut self, folder: Option<PackedFolder>) -> Self {
        if let (Some(folder), Some(family)) = (folder, &mut self.family) {
            family.keep_packed(folder, self.identity.sha256);
        }
        self
    }

    /// This model, which gives part of what enters the layers of its denoiser and autoencoder to `samples`, to measure what they bear.
    #[must_use]
    pub fn watched(mut self, precision: RunPrecision, samples: &Arc<ActivationSamples>) -> Self {
        if let Some(family) = &mut self.family {
            family.watch(precision, samples);
        }
        self
    }

    /// Which weights these are.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// How many pictures of `request` are made together.
    pub fn batch_size(&self, request: &Request) -> usize {
        let Some(family) = &self.family else { return 1 };
        family_request(request, 0..1).map_or(1, |request| family.batch_size(&request))
    }

    /// What a user should know before `request` is run: texts that are cut, a size that the model was not trained at, weights that are
    /// not read.
    pub fn warnings(&self, request: &Request) -> Result<Vec<Warning>> {
        let Some(family) = &self.family else { return Ok(Vec::new()) };
        let asked = picture_of(request)?;
        let mut warnings = self.warnings.clone();
        let mut texts = vec![("prompt", &request.texts.prompt)];
        // Without guidance nobody reads the negative prompt.
        if asked.guidance_scale > 1.0 {
            texts.push(("negative_prompt", &request.texts.negative_prompt));
        }
        for (field, text) in texts {
            if let Some(CutText { tokens, limit, first_unseen }) = family.cut(text)? {
                warnings.push(Warning::PromptCut { field, tokens, limit, first_unseen });
            }
        }
        let (width, height) = (asked.width, asked.height);
        if !self.sizes.hold(width, height) {
            warnings.push(Warning::UntrainedSize { width, height, sizes: self.sizes.list().to_vec() });
        }
        Ok(warnings)
    }

    /// Folders of the components whose layers may be stored in 8-bit integers.
    pub fn quantizable_components(&self) -> Vec<&'static str> {
        self.family.as_ref().map_or_else(Vec::new, |family| family.quantizable_components())
    }

    /// The family of the model, opened.
    pub(crate) fn family(&mut self) -> Result<&mut dyn Family> {
        match &mut self.family {
            Some(family) => Ok(&mut **family),
            None => Err(Error::Unsupported(format!(
                "{0} solves problems and makes no pictures / {0} 求解设计问题，不生成图片",
                self.identity.name
            ))),
        }
    }
}
