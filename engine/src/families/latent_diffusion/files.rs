//! The components of a model: in files, packed, or in memory.

use crate::error::{Error, Result};
use crate::families::progress::report;
use crate::families::{Observer, Progress};
use crate::model_folder::ModelFolder;
use crate::waist::{Device, Tensor};
use crate::weights::{Loader, PackedComponent, PackedFolder, PackedKey, SafetensorsSource, TensorSource as _};
use spec::Sha256Digest;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Whether components stay in memory after their part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residency {
    /// All stay: the next run starts at once.
    Keep,
    /// Each is dropped before the next is loaded: the peak is that of the largest.
    OneAtATime,
}

/// Where packed weights are kept, and of which model.
struct Packed {
    folder: PackedFolder,
    model: Sha256Digest,
}

/// Where a model's components are read from.
pub(super) struct ComponentFiles {
    folder: ModelFolder,
    residency: Residency,
    packed: Option<Packed>,
}

impl ComponentFiles {
    pub fn new(folder: ModelFolder, residency: Residency) -> Self {
        Self { folder, residency, packed: None }
    }

    /// Keeps packed weights in a folder, under the digest of the model.
    pub fn keep_packed(&mut self, folder: PackedFolder, model: Sha256Digest) {
        self.packed = Some(Packed { folder, model });
    }

    /// Loads a component and fails if its files hold tensors that it does not know.
    fn load<T: ?Sized>(&self, component: &str, device: &Device, load: impl FnOnce(&Loader<'_>) -> Result<Box<T>>) -> Result<Box<T>> {
        let source = SafetensorsSource::component(&self.folder, component)?;
        let elements: usize = source.tensors().map(|tensor| tensor.shape.iter().product::<usize>()).sum();
        let packed = self.packed.as_ref().filter(|packed| elements >= packed.folder.smallest());
        let kept = packed.and_then(|packed| {
            let key = PackedKey { model: packed.model, component: component.to_owned(), form: device.packed_form()? };
            Some(PackedComponent::open(&packed.folder, &key))
        });
        let taken = RefCell::new(BTreeSet::new());
        let loader = Loader::new(&source, device, &taken).with_packed(kept.as_ref());
        let loaded = load(&loader)?;
        loader.finish()?;
        if let Some(kept) = kept {
            kept.finish();
        }
        Ok(loaded)
    }

    /// Fails if what a component made, at `point` of a run, holds infinite values or NaN. Loading has looked at the weights, unless they
    /// were packed by a version that did not: the error names the first of the component's weights that is the cause, or the point.
    pub fn require_finite(&self, values: &Tensor, component: &'static str, point: &str) -> Result<()> {
        if values.is_finite() {
            return Ok(());
        }
        let source = SafetensorsSource::component(&self.folder, component)?;
        let device = Device::cpu(spec::RunPrecision::F32);
        for name in source.names() {
            let is_cause = source.tensor(&name, &device).is_ok_and(|tensor| !tensor.is_finite());
            source.release(&name);
            if is_cause {
                return Err(Error::NotFinite { name, place: source.place() });
            }
        }
        Err(Error::NotFinite { name: point.to_owned(), place: self.folder.place(component).display().to_string() })
    }
}

/// A component that is loaded when it is first needed.
pub(super) struct Resident<T: ?Sized> {
    component: &'static str,
    device: Device,
    loaded: Option<Box<T>>,
}

impl<T: ?Sized> Resident<T> {
    /// One that is not in memory yet.
    pub fn new(component: &'static str, device: Device) -> Self {
        Self { component, device, loaded: None }
    }

    /// Its folder in the model's.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The component, loaded now if it is not in memory.
    pub fn get(
        &mut self,
        files: &ComponentFiles,
        observer: &mut Observer<'_>,
        load: impl FnOnce(&Loader<'_>) -> Result<Box<T>>,
    ) -> Result<&T> {
        match &mut self.loaded {
            Some(loaded) => Ok(loaded),
            empty => {
                report(observer, Progress::Loading(self.component))?;
                let loaded = files.load(self.component, &self.device, load)?;
                kernels::memory::release_freed();
                Ok(empty.insert(loaded))
            }
        }
    }

    /// Its part of a run is over.
    pub fn leave(&mut self, files: &ComponentFiles) {
        if files.residency == Residency::OneAtATime {
            self.loaded = None;
            kernels::memory::release_freed();
        }
    }
}
