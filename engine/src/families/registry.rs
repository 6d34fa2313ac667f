//! The families and component classes that this build runs: the only list of their names. A new family is a recipe beside this file and
//! a row in [`FAMILIES`].

use super::latent_diffusion::{self, LatentDiffusion};
use super::{Family, FamilyDefaults, Opening, ernie_image};
use crate::error::{Error, Result};
use crate::model_folder::{MODEL_INDEX, ModelFolder, ModelIndex};
use spec::KindOfWork;

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text → token ids; has a `tokenizer.json`.
    Tokenizer,
    /// Token ids → hidden states.
    TextEncoder,
    /// Called in every step.
    Denoiser,
    /// Latents ↔ pictures.
    Autoencoder,
    /// The noise levels; has a `scheduler_config.json`.
    Scheduler,
    /// A language model that rewrites short prompts.
    PromptEnhancer,
}

/// Whether a folder of a family has to have a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Without it the model does not run.
    Needed,
    /// The model runs without it.
    Optional,
}

/// One component of a family, as `model_index.json` lists it.
#[derive(Debug, Clone, Copy)]
pub struct ComponentClass {
    /// Its folder.
    pub folder: &'static str,
    /// The Python library of its class.
    pub library: &'static str,
    /// Names of Python classes that run here; the first is the one that this program writes. Any class may wrap a tokenizer, as long as
    /// there is a `tokenizer.json`.
    pub classes: &'static [&'static str],
    /// What it is for.
    pub role: Role,
    /// Whether it has to be there.
    pub presence: Presence,
}

impl ComponentClass {
    /// Whether a component of this Python class runs here.
    pub fn runs(&self, class_name: &str) -> bool {
        self.role == Role::Tokenizer || self.classes.contains(&class_name)
    }

    /// The class that this program writes.
    pub fn class_name(&self) -> &'static str {
        self.classes.first().copied().unwrap_or_default()
    }
}

/// A family: the class of its pipeline, its components, and how a model of it is opened.
#[derive(Debug)]
pub struct Registration {
    /// The pipeline's class in `model_index.json`.
    pub class_name: &'static str,
    /// What its models make.
    pub kind: KindOfWork,
    /// Its components, in the order in which they are checked.
    pub components: &'static [ComponentClass],
    /// What a request gets where neither it nor the model's folder says.
    pub defaults: FamilyDefaults,
    /// Opens a model.
    pub(crate) open: fn(Opening) -> Result<Box<dyn Family>>,
    /// Checks everything about one component that can be told without reading its weights.
    pub(crate) check: fn(&ModelFolder, &ComponentClass) -> Result<()>,
}

impl Registration {
    /// The component in this folder.
    pub fn component(&self, folder: &str) -> Option<&'static ComponentClass> {
        self.components.iter().find(|component| component.folder == folder)
    }

    /// The components that a model needs; fails if its index lacks one, or has one of a class that does not run here.
    pub(crate) fn check_classes(&self, folder: &ModelFolder) -> Result<impl Iterator<Item = &'static ComponentClass>> {
        let index = ModelIndex::read(folder)?;
        let needed = self.components.iter().filter(|component| component.presence == Presence::Needed);
        for row in needed.clone() {
            let Some(component) = index.component(row.folder) else {
                let detail = format!("component {:?} is missing / 缺少组件 {:?}", row.folder, row.folder);
                return Err(Error::InvalidFile { path: folder.place(MODEL_INDEX), detail });
            };
            if !row.runs(&component.class_name) {
                let problem = format!("{} of class {}; {} is supported", row.folder, component.class_name, row.classes.join(", "));
                return Err(Error::Unsupported(format!("{problem} / 组件 {} 的类不受支持", row.folder)));
            }
        }
        Ok(needed)
    }

    /// The component of this role, the first where there are two tokenizers.
    pub fn role(&self, role: Role) -> Option<&'static ComponentClass> {
        self.components.iter().find(|component| component.role == role)
    }
}

/// ERNIE-Image, the family of the embedded model: the one that this program also writes.
pub static ERNIE_IMAGE: Registration = Registration {
    class_name: "ErnieImagePipeline",
    kind: KindOfWork::Picture,
    components: &[
        needed("scheduler", "diffusers", &["FlowMatchEulerDiscreteScheduler"], Role::Scheduler),
        needed("tokenizer", "transformers", &["PreTrainedTokenizerFast"], Role::Tokenizer),
        needed("text_encoder", "transformers", &["Mistral3Model", "Ministral3Model", "MistralModel"], Role::TextEncoder),
        needed("transformer", "diffusers", &["ErnieImageTransformer2DModel"], Role::Denoiser),
        needed("vae", "diffusers", &["AutoencoderKLFlux2"], Role::Autoencoder),
        optional("pe", "transformers", &["Ministral3ForCausalLM"], Role::PromptEnhancer),
        optional("pe_tokenizer", "transformers", &["PreTrainedTokenizerFast"], Role::Tokenizer),
    ],
    defaults: ernie_image::DEFAULTS,
    open: |opening| Ok(Box::new(LatentDiffusion::open(&ernie_image::RECIPE, opening)?)),
    check: |folder, component| latent_diffusion::check_component(&ernie_image::RECIPE, folder, component),
};

/// All families.
pub static FAMILIES: &[&Registration] = &[
    &ERNIE_IMAGE,
    #[cfg(test)]
    &super::toy::TOY,
];

/// The family of a pipeline class.
pub fn find(class_name: &str) -> Option<&'static Registration> {
    FAMILIES.iter().copied().find(|family| family.class_name == class_name)
}

/// The family of a pipeline class, or an error that lists those that run.
pub fn require(class_name: &str) -> Result<&'static Registration> {
    find(class_name).ok_or_else(|| Error::Unsupported(format!("pipeline {class_name}; supported: {} / 流水线 {class_name}", class_names())))
}

/// The pipeline classes that run, for messages.
pub fn class_names() -> String {
    FAMILIES.iter().map(|family| family.class_name).collect::<Vec<_>>().join(", ")
}

pub(super) const fn needed(folder: &'static str, library: &'static str, classes: &'static [&'static str], role: Role) -> ComponentClass {
    ComponentClass { folder, library, classes, role, presence: Presence::Needed }
}

const fn optional(folder: &'static str, library: &'static str, classes: &'static [&'static str], role: Role) -> ComponentClass {
    ComponentClass { folder, library, classes, role, presence: Presence::Optional }
}
