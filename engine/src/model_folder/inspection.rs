use super::{Component, JsonFile, ModelFolder, ModelIndex};
use crate::Result;
use crate::weights::SafetensorsSource;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a component class is to this build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Has a `config.json` and weights.
    Weights,
    /// Has a `tokenizer.json`.
    Tokenizer,
    /// Has a `scheduler_config.json`.
    Scheduler,
}

/// Pipelines that run.
const PIPELINES: &[&str] = &["ErnieImagePipeline"];

/// Component classes that run, besides tokenizers.
const CLASSES: &[(&str, Role)] = &[
    ("ErnieImageTransformer2DModel", Role::Weights),
    ("AutoencoderKLFlux2", Role::Weights),
    ("Mistral3Model", Role::Weights),
    ("Ministral3Model", Role::Weights),
    ("Ministral3ForCausalLM", Role::Weights),
    ("FlowMatchEulerDiscreteScheduler", Role::Scheduler),
];

fn role(class_name: &str) -> Option<Role> {
    // Which Python class wraps a tokenizer does not matter as long as it comes with `tokenizer.json`, which loading checks.
    if ["Tokenizer", "TokenizerFast", "TokenizersBackend"].iter().any(|ending| class_name.ends_with(ending)) {
        return Some(Role::Tokenizer);
    }
    CLASSES.iter().find(|(name, _)| *name == class_name).map(|(_, role)| *role)
}

/// What a model folder holds and whether this build runs it.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// Pipeline class.
    pub class_name: String,
    /// The version that wrote the folder.
    pub diffusers_version: Option<String>,
    /// Components in the order of `model_index.json`.
    pub components: Vec<ComponentInspection>,
    /// Parameters of all components.
    pub parameters: u64,
    /// Bytes of all weights.
    pub bytes: u64,
    /// Whether this build runs the model.
    pub supported: bool,
    /// Why not; empty when it does.
    pub reasons: Vec<String>,
}

/// One component.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentInspection {
    /// Folder.
    pub name: String,
    /// Python library.
    pub library: String,
    /// Python class.
    pub class_name: String,
    /// Stored values.
    pub parameters: u64,
    /// Stored values of each element type.
    pub dtypes: BTreeMap<String, u64>,
    /// Bytes of the weights.
    pub bytes: u64,
    /// Whether this build runs it.
    pub supported: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Looks at a model without loading it. A component that cannot be read is a reason in the result, not an error.
pub fn inspect(folder: &ModelFolder) -> Result<Inspection> {
    let index = ModelIndex::read(folder)?;
    let components: Vec<_> = index.components.iter().map(|component| inspect_component(folder, component)).collect();
    let mut reasons: Vec<String> =
        components.iter().filter_map(|part| part.reason.as_ref().map(|reason| format!("{}: {reason}", part.name))).collect();
    if !PIPELINES.contains(&index.class_name.as_str()) {
        reasons.insert(0, format!("pipeline {} is not supported (supported: {})", index.class_name, PIPELINES.join(", ")));
    }
    Ok(Inspection {
        class_name: index.class_name,
        diffusers_version: index.diffusers_version,
        parameters: components.iter().map(|part| part.parameters).sum(),
        bytes: components.iter().map(|part| part.bytes).sum(),
        supported: reasons.is_empty(),
        components,
        reasons,
    })
}

fn inspect_component(folder: &ModelFolder, component: &Component) -> ComponentInspection {
    let mut inspection = ComponentInspection {
        name: component.name.clone(),
        library: component.library.clone(),
        class_name: component.class_name.clone(),
        parameters: 0,
        dtypes: BTreeMap::new(),
        bytes: 0,
        supported: true,
        reason: None,
    };
    let problem = match role(&component.class_name) {
        None => {
            // Whatever can be told about a component that does not run is still worth telling.
            let _ = count(folder, &mut inspection);
            Some(format!("class {} is not supported", component.class_name))
        }
        Some(Role::Weights) => {
            let counted = JsonFile::component(folder, &component.name).and_then(|_| count(folder, &mut inspection));
            counted.err().map(|error| error.to_string())
        }
        Some(Role::Tokenizer) => crate::tokenizer::Tokenizer::load(folder, &component.name).err().map(|error| error.to_string()),
        Some(Role::Scheduler) => {
            crate::schedulers::FlowMatchEulerDiscrete::load(folder, &component.name).err().map(|error| error.to_string())
        }
    };
    inspection.supported = problem.is_none();
    inspection.reason = problem;
    inspection
}

fn count(folder: &ModelFolder, inspection: &mut ComponentInspection) -> Result<()> {
    for tensor in SafetensorsSource::component(folder, &inspection.name)?.tensors() {
        let elements = tensor.shape.iter().product::<usize>() as u64;
        inspection.parameters += elements;
        inspection.bytes += elements * tensor.element_type.bytes() as u64;
        *inspection.dtypes.entry(tensor.element_type.to_string()).or_default() += elements;
    }
    Ok(())
}
