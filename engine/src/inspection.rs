//! What a model folder holds, and whether this build runs it.

use crate::error::Result;
use crate::families::registry::{self, Registration, Role};
use crate::families::{ModelDefaults, Opening, Residency};
use crate::model_folder::{Component, ModelFolder, ModelIndex};
use crate::prompt_enhancer::PromptEnhancer;
use crate::warning::Warning;
use crate::weights::SafetensorsSource;
use serde::Serialize;
use spec::RunPrecision;
use std::collections::BTreeMap;

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
    /// What a user should know of a model that runs.
    pub warnings: Vec<Warning>,
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

/// Looks at a model without loading it, with the checks that loading makes: everything but the values of weights. A component that cannot
/// be read is a reason in the result, not an error.
pub fn inspect(folder: &ModelFolder) -> Result<Inspection> {
    let index = ModelIndex::read(folder)?;
    let family = registry::find(&index.class_name);
    let components: Vec<_> = index.components.iter().map(|component| inspect_component(folder, family, component)).collect();
    let mut reasons: Vec<String> =
        components.iter().filter_map(|part| part.reason.as_ref().map(|reason| format!("{}: {reason}", part.name))).collect();
    match family {
        None => {
            let known = registry::class_names();
            reasons.insert(0, format!("pipeline {} is not supported (supported: {known}) / 流水线不受支持", index.class_name));
        }
        // Each component is sound by itself: do they fit each other, and is one missing?
        Some(registration) if reasons.is_empty() => {
            let (precision, residency) = (RunPrecision::F32, Residency::OneAtATime);
            let opened = (registration.open)(Opening { registration, folder: folder.clone(), precision, residency });
            reasons.extend(opened.err().or_else(|| ModelDefaults::read(folder).err()).map(|error| error.to_string()));
        }
        Some(_) => {}
    }
    let warnings = index.components.iter().filter_map(|component| several_weights(folder, &component.name)).collect();
    Ok(Inspection {
        class_name: index.class_name,
        diffusers_version: index.diffusers_version,
        parameters: components.iter().map(|part| part.parameters).sum(),
        bytes: components.iter().map(|part| part.bytes).sum(),
        supported: reasons.is_empty(),
        components,
        reasons,
        warnings,
    })
}

/// The warning about a component's folder with several sets of weights.
pub(crate) fn several_weights(folder: &ModelFolder, component: &str) -> Option<Warning> {
    let mut files = SafetensorsSource::weight_files(folder, component);
    if files.len() < 2 {
        return None;
    }
    let read = files.remove(0);
    Some(Warning::SeveralWeights { component: component.to_owned(), read, unread: files })
}

fn inspect_component(folder: &ModelFolder, family: Option<&Registration>, component: &Component) -> ComponentInspection {
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
    let row = family.and_then(|family| family.component(&component.name));
    let problem = match (family, row.filter(|row| row.runs(&component.class_name))) {
        (_, Some(row)) if row.role == Role::PromptEnhancer => PromptEnhancer::check(folder).err().map(|error| error.to_string()),
        (Some(family), Some(row)) => (family.check)(folder, row).err().map(|error| error.to_string()),
        _ => Some(format!("class {} is not supported / 组件类不受支持", component.class_name)),
    };
    // Whatever can be told about a component that does not run is still worth telling.
    let _ = count(folder, &mut inspection);
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
