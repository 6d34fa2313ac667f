//! What a request gets where it does not say, and the sizes that a model was trained at: from the model's folder, or else from its family.

use crate::error::Result;
use crate::families::{ModelDefaults, registry};
use crate::model_folder::{ConfigFault, JsonFile, ModelFolder, ModelIndex};
use serde::Deserialize;

/// File beside `model_index.json` with a model's own defaults; diffusers does not read it.
const DEFAULTS_FILE: &str = "danqing.json";
/// The largest side that any request may ask for, and more than any model is trained at.
const LARGEST_SIDE: u32 = 1 << 16;
/// More steps than any schedule has.
const MOST_STEPS: u32 = 100_000;

/// `danqing.json`.
#[derive(Deserialize)]
struct Own {
    width: Option<u32>,
    height: Option<u32>,
    num_inference_steps: Option<u32>,
    guidance_scale: Option<f32>,
    /// Widths and heights that the model was trained at; absent, only its default size.
    sizes: Option<Vec<[u32; 2]>>,
}

impl ModelDefaults {
    /// Reads the defaults of a model.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        read(folder).map(|(defaults, _)| defaults)
    }
}

/// The widths and heights that a model was trained at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrainedSizes(Vec<[u32; 2]>);

impl TrainedSizes {
    /// Reads the sizes of a model.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        read(folder).map(|(_, sizes)| Self(sizes))
    }

    /// Whether pictures of this size were among them.
    pub fn hold(&self, width: u32, height: u32) -> bool {
        self.0.contains(&[width, height])
    }

    /// Widths and heights.
    pub fn list(&self) -> &[[u32; 2]] {
        &self.0
    }
}

fn read(folder: &ModelFolder) -> Result<(ModelDefaults, Vec<[u32; 2]>)> {
    let family = registry::require(&ModelIndex::read(folder)?.class_name)?.defaults;
    if !folder.exists(DEFAULTS_FILE) {
        return Ok((family.request, family.sizes.to_vec()));
    }
    let file = JsonFile::read(folder, DEFAULTS_FILE)?;
    let own: Own = file.parse_as()?;
    let defaults = ModelDefaults {
        width: own.width.unwrap_or(family.request.width),
        height: own.height.unwrap_or(family.request.height),
        num_inference_steps: own.num_inference_steps.unwrap_or(family.request.num_inference_steps),
        guidance_scale: own.guidance_scale.unwrap_or(family.request.guidance_scale),
    };
    let is_of_family = own.width.is_none() && own.height.is_none();
    let sizes = match own.sizes {
        Some(sizes) => sizes,
        None if is_of_family => family.sizes.to_vec(),
        None => vec![[defaults.width, defaults.height]],
    };
    check(&defaults, &sizes).map_err(|fault| fault.in_file(&file))?;
    Ok((defaults, sizes))
}

fn check(defaults: &ModelDefaults, sizes: &[[u32; 2]]) -> Result<(), ConfigFault> {
    let sides = 1..=LARGEST_SIDE as usize;
    ConfigFault::unless_in("width", defaults.width as usize, sides.clone())?;
    ConfigFault::unless_in("height", defaults.height as usize, sides.clone())?;
    ConfigFault::unless_in("num_inference_steps", defaults.num_inference_steps as usize, 1..=MOST_STEPS as usize)?;
    for side in sizes.iter().flatten() {
        ConfigFault::unless_in("sizes", *side as usize, sides.clone())?;
    }
    ConfigFault::unless("guidance_scale", defaults.guidance_scale.is_finite() && defaults.guidance_scale >= 0.0, || {
        format!("{} is not a number from 0 up / 不是非负数", defaults.guidance_scale)
    })
}
