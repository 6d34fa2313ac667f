use crate::error::{Error, Result};
use crate::parameters::Layout;
use engine::Device;
use engine::weights::{SafetensorsSource, TensorSource as _};
use spec::RunPrecision;
use std::collections::BTreeSet;
use std::path::Path;

/// Weight files of a component, as diffusers and transformers name them.
const FILES: [&str; 2] = ["diffusion_pytorch_model.safetensors", "model.safetensors"];

/// Replaces the values of every component of `layout` that `folder` holds.
pub(super) fn read(folder: &Path, layout: &Layout, values: &mut [f32]) -> Result<()> {
    let components: BTreeSet<&str> =
        layout.slots().keys().filter_map(|name| name.split_once('/')).map(|(component, _)| component).collect();
    let device = Device::cpu(RunPrecision::F32);
    for component in components {
        let Some(path) = FILES.iter().map(|file| folder.join(component).join(file)).find(|path| path.exists()) else { continue };
        let source = SafetensorsSource::open(&path)?;
        let prefix = format!("{component}/");
        for (name, slot) in layout.slots().iter().filter_map(|(name, slot)| Some((name.strip_prefix(&prefix)?, slot))) {
            let found = source.shape(name);
            if !found.as_ref().is_some_and(|found| fits(name, found, &slot.shape)) {
                return Err(Error::checkpoint(&path, format!("{name} has shape {found:?}, the recipe needs {:?}", slot.shape)));
            }
            let tensor = source.tensor(name, &device)?.to_f32();
            values[slot.range.start..][..tensor.elements()].copy_from_slice(tensor.f32()?);
        }
    }
    Ok(())
}

/// Whether a stored tensor can fill a parameter: of the same shape or, where the vocabulary was extended, its first rows.
fn fits(name: &str, found: &[usize], needed: &[usize]) -> bool {
    found == needed || (name.contains("embed_tokens") && found.len() == 2 && found[1..] == needed[1..] && found[0] < needed[0])
}
