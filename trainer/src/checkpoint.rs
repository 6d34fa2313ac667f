//! Checkpoints: everything a run needs to go on as if it had never stopped.
//!
//! One safetensors file, written whole or not at all: tensors `values`, `average`, `first_moment` and `second_moment`, each all
//! parameters one after the other in the order of their names, and metadata `format`, `step`, `digest`. Samples and noise are
//! drawn by step, so the step is also the place in the data.

use crate::error::{Error, Result};
use crate::optimiser::OptimiserState;
use engine::weights::{ElementType, SafetensorsSource, TensorBytes, TensorSource as _, write_safetensors};
use engine::{Device, Tensor};
use spec::{RunPrecision, Sha256Digest};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

/// Version of the layout described above.
const FORMAT: &str = "danqing-training-1";

/// Writes a checkpoint. `digest` names the architecture that it belongs to.
pub fn save(path: &Path, state: &OptimiserState, digest: Sha256Digest) -> Result<()> {
    let parts = [
        ("values", &state.values),
        ("average", &state.average),
        ("first_moment", &state.first_moment),
        ("second_moment", &state.second_moment),
    ];
    let tensors = parts.map(|(name, values)| TensorBytes {
        name: name.into(),
        element_type: ElementType::F32,
        shape: vec![values.len()],
        bytes: Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    });
    let metadata = [("format", FORMAT.to_owned()), ("step", state.step.to_string()), ("digest", digest.to_string())];
    let metadata: BTreeMap<String, String> = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Ok(write_safetensors(path, tensors, &metadata)?)
}

/// Reads a checkpoint of this architecture with `length` values.
pub fn load(path: &Path, length: usize, digest: Sha256Digest) -> Result<OptimiserState> {
    let source = SafetensorsSource::open(path)?;
    let metadata = source.metadata();
    let field = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    if field("format") != FORMAT {
        return Err(Error::checkpoint(path, format!("the format is {:?}, not {FORMAT:?}", field("format"))));
    }
    if field("digest") != digest.to_string() {
        return Err(Error::checkpoint(path, "it was written by a recipe with another architecture or vocabulary"));
    }
    let step = field("step").parse().map_err(|_| Error::checkpoint(path, "it does not say its step"))?;
    let cpu = Device::cpu(RunPrecision::F32);
    let read = |name: &str| -> Result<Vec<f32>> {
        let tensor: Tensor = source.tensor(name, &cpu)?;
        if tensor.shape() != [length] {
            return Err(Error::checkpoint(path, format!("{name} has shape {:?}, not [{length}]", tensor.shape())));
        }
        Ok(tensor.f32()?.to_vec())
    };
    Ok(OptimiserState {
        values: read("values")?,
        average: read("average")?,
        first_moment: read("first_moment")?,
        second_moment: read("second_moment")?,
        step,
    })
}
