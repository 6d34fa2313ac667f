use super::{JsonFile, MODEL_INDEX, ModelFolder};
use crate::error::{Error, Result};
use serde_json::{Map, Value};

/// One component of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its folder, for example `text_encoder`.
    pub name: String,
    /// Python library, for example `transformers`.
    pub library: String,
    /// Python class, for example `Mistral3Model`.
    pub class_name: String,
}

/// `model_index.json`.
#[derive(Debug, Clone)]
pub struct ModelIndex {
    /// Pipeline class, for example `ErnieImagePipeline`.
    pub class_name: String,
    /// The version that wrote the folder.
    pub diffusers_version: Option<String>,
    /// Components that are there, in the order of the file.
    pub components: Vec<Component>,
    /// Other entries: flags of the pipeline.
    pub settings: Map<String, Value>,
}

impl ModelIndex {
    /// Reads the index of a model.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        if !folder.exists(MODEL_INDEX) {
            return Err(Error::ModelNotFound(folder.place("").display().to_string()));
        }
        let file = JsonFile::read(folder, MODEL_INDEX)?;
        let mut index = Self {
            class_name: file.required("_class_name")?,
            diffusers_version: file.optional("_diffusers_version")?,
            components: Vec::new(),
            settings: Map::new(),
        };
        for (name, value) in file.fields().iter().filter(|(name, _)| !name.starts_with('_')) {
            let pair = value.as_array().map(Vec::as_slice);
            match pair {
                // `[null, null]` is how diffusers writes an optional component that was left out.
                Some([Value::Null, Value::Null]) => {}
                Some([Value::String(library), Value::String(class_name)]) => {
                    index.components.push(component(&file, name, library, class_name)?);
                }
                _ => {
                    index.settings.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(index)
    }

    /// The component of this name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }
}

fn component(file: &JsonFile, name: &str, library: &str, class_name: &str) -> Result<Component> {
    let is_plain_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if name.is_empty() || !is_plain_name {
        return Err(file.invalid(name, "a component's name is a folder beside model_index.json"));
    }
    Ok(Component { name: name.to_owned(), library: library.to_owned(), class_name: class_name.to_owned() })
}
