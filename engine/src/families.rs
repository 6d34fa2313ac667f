//! Families of models: what happens between a request and what it asks for. [`registry`] is the only list of class names; what most
//! families share is written once (`latent_diffusion`), so that a family is a recipe: data, and no loop.
//!
//! Implementations are private to this crate: what a model makes leaves it through [`crate::generate()`], as a stage of the sentence, or
//! through [`crate::measure::Measurement`], whose callers `cargo xtask check` lists.

mod ernie_image;
mod family_defaults;
mod latent_diffusion;
mod progress;
pub mod registry;
mod request;
mod shortcuts;
#[cfg(test)]
mod toy;

pub use family_defaults::{FamilyDefaults, ModelDefaults};
pub use latent_diffusion::Residency;
pub use progress::{Control, Observer, Progress};
pub use request::FamilyRequest;
pub use shortcuts::Shortcuts;

use crate::error::Result;
use crate::model_folder::ModelFolder;
use crate::quantization::ActivationSamples;
use crate::tokenizer::CutText;
use crate::waist::Tensor;
use crate::weights::PackedFolder;
use registry::Registration;
use spec::{RunPrecision, Sha256Digest};
use std::sync::Arc;

/// A model of some family, opened: its files are checked, and its weights are read when they are first needed.
pub(crate) trait Family: Send + Sync {
    /// How many samples of this request are made together.
    fn batch_size(&self, request: &FamilyRequest) -> usize;

    /// A picture for each prompt and seed, `[height, width, 3]`, 0..1.
    fn generate(&mut self, request: &FamilyRequest, observer: &mut Observer<'_>) -> Result<Vec<Tensor>>;

    /// What the text encoder does not see of a prompt; `None` where it sees all.
    fn cut(&self, prompt: &str) -> Result<Option<CutText>>;

    /// Keeps packed weights in a folder, under the digest of the model.
    fn keep_packed(&mut self, folder: PackedFolder, model: Sha256Digest);

    /// Gives part of what enters the layers that might run in 8-bit integers to `samples`.
    fn watch(&mut self, precision: RunPrecision, samples: &Arc<ActivationSamples>);

    /// Folders of the components whose layers may be stored in 8-bit integers.
    fn quantizable_components(&self) -> Vec<&'static str>;
}

/// What a family is opened with.
#[derive(Clone)]
pub(crate) struct Opening {
    /// The row of the registry that it is opened by.
    pub registration: &'static Registration,
    /// The model.
    pub folder: ModelFolder,
    /// How operands of products are rounded.
    pub precision: RunPrecision,
    /// What stays in memory.
    pub residency: Residency,
}
