//! The trained model as a diffusers folder: bfloat16 weights, configs, tokenizer, scheduler, index.

use crate::architecture::{self, AUTOENCODER, DENOISER, Shapes, TEXT_ENCODER};
use crate::error::{Error, Result};
use crate::parameters::{Layout, Parameters, initial_values};
use crate::recipe::Recipe;
use crate::vocabulary;
use engine::families::registry::{ERNIE_IMAGE, Presence, Role};
use engine::weights::{ElementType, TensorBytes, write_safetensors};
use half::bf16;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The diffusers release whose layout is written.
pub const DIFFUSERS_VERSION: &str = "0.42.1";
/// The transformers release whose layout is written.
pub const TRANSFORMERS_VERSION: &str = "5.23.0";

/// What is exported: all parameters, of the autoencoder and of the rest.
pub struct Export<'a> {
    /// The recipe that they were trained by.
    pub recipe: &'a Recipe,
    /// `tokenizer.json`.
    pub tokenizer: &'a Value,
    /// Layouts with their values.
    pub parts: &'a [Parameters<'a>],
}

impl Export<'_> {
    /// Writes the folder; a file that is already there is replaced.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let recipe = self.recipe;
        let vocabulary_size = vocabulary::vocabulary_size(self.tokenizer);
        self.component(folder, AUTOENCODER, "diffusion_pytorch_model.safetensors", Shapes::new())?;
        self.component(folder, DENOISER, "diffusion_pytorch_model.safetensors", Shapes::new())?;
        self.component(folder, TEXT_ENCODER, "model.safetensors", architecture::untrained_text_encoder_shapes(recipe))?;
        let scheduler = json!({
            "_class_name": architecture::class_name(Role::Scheduler),
            "_diffusers_version": DIFFUSERS_VERSION,
            "num_train_timesteps": 1000,
            "shift": recipe.scheduler.shift,
            "use_dynamic_shifting": false
        });
        // What a request gets where it does not say; diffusers does not read this file.
        let defaults = json!({
            "width": recipe.data.image_size,
            "height": recipe.data.image_size,
            "num_inference_steps": recipe.sampling.num_inference_steps,
            "guidance_scale": recipe.sampling.guidance_scale
        });
        let maximum = recipe.text_encoder.max_position_embeddings;
        let files = [
            ("vae/config.json", architecture::autoencoder_config(recipe)),
            ("transformer/config.json", architecture::denoiser_config(recipe)),
            ("text_encoder/config.json", architecture::text_encoder_config(recipe, vocabulary_size)),
            ("tokenizer/tokenizer.json", self.tokenizer.clone()),
            ("tokenizer/tokenizer_config.json", vocabulary::tokenizer_config(maximum)),
            ("scheduler/scheduler_config.json", scheduler),
            ("danqing.json", defaults),
            ("model_index.json", model_index()),
        ];
        files.iter().try_for_each(|(name, value)| write_json(&folder.join(name), value))
    }

    /// All tensors below `component/`, and freshly drawn ones for what no prompt reaches.
    fn component(&self, folder: &Path, component: &str, file: &str, untrained: Shapes) -> Result<()> {
        let prefix = format!("{component}/");
        let untrained = Layout::new(untrained);
        let drawn = initial_values(&untrained, self.recipe.seed);
        let fresh = untrained.slots().iter().map(|(name, slot)| (name.as_str(), slot, &drawn[slot.range.clone()]));
        let trained = self.parts.iter().flat_map(|&Parameters { layout, values }| {
            let prefix = &prefix;
            layout
                .slots()
                .iter()
                .filter_map(move |(name, slot)| Some((name.strip_prefix(prefix.as_str())?, slot, &values[slot.range.clone()])))
        });
        let mut tensors: Vec<TensorBytes<'_>> = trained
            .chain(fresh)
            .map(|(name, slot, values)| TensorBytes {
                name: name.to_owned(),
                element_type: ElementType::Bf16,
                shape: slot.shape.clone(),
                bytes: Cow::Owned(values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()),
            })
            .collect();
        if component == AUTOENCODER {
            tensors.push(TensorBytes {
                name: "bn.num_batches_tracked".into(),
                element_type: ElementType::I64,
                shape: Vec::new(),
                bytes: Cow::Owned(0_i64.to_le_bytes().to_vec()),
            });
        }
        let folder = folder.join(component);
        fs::create_dir_all(&folder).map_err(|source| Error::io(&folder, source))?;
        // transformers refuses a file that does not name its framework.
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        Ok(write_safetensors(&folder.join(file), tensors, &metadata)?)
    }
}

/// `model_index.json`: every component of the family, in the order of their folders; those that are not trained are left out the way
/// diffusers leaves them out.
fn model_index() -> Value {
    let mut rows: Vec<_> = ERNIE_IMAGE.components.iter().collect();
    rows.sort_by_key(|row| row.folder);
    let mut index = Map::new();
    index.insert("_class_name".into(), ERNIE_IMAGE.class_name.into());
    index.insert("_diffusers_version".into(), DIFFUSERS_VERSION.into());
    for row in rows {
        let pair = match row.presence {
            Presence::Needed => json!([row.library, row.class_name()]),
            Presence::Optional => json!([null, null]),
        };
        index.insert(row.folder.into(), pair);
    }
    Value::Object(index)
}

/// Writes `value`, pretty, whole or not at all.
pub fn write_json(path: &Path, value: &Value) -> Result<()> {
    let failed = |source| Error::io(path, source);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut text = serde_json::to_string_pretty(value).map_err(|error| failed(error.into()))?;
    text.push('\n');
    let temporary = path.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)).map_err(failed)
}
