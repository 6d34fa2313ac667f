use super::{ElementType, PackedComponent, SafetensorsSource};
use crate::error::{Error, Result};
use crate::model_folder::ModelFolder;
use crate::quantization::{ConvolutionSize, LinearSize, StoredConvolution, StoredInt8};
use crate::waist::{Device, Tensor, Weight, WeightKind};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Named tensors: a safetensors file, a sharded set, or the parameters of a training run.
pub trait TensorSource {
    /// File or folder, for messages.
    fn place(&self) -> String;
    /// All names.
    fn names(&self) -> Vec<String>;
    /// The shape of one tensor, without reading it.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
    /// Reads one tensor as f32 or bf16.
    fn tensor(&self, name: &str, device: &Device) -> Result<Tensor>;
    /// Fails if [`Self::tensor`] cannot read the type that a tensor is stored in.
    fn check_type(&self, _name: &str) -> Result<()> {
        Ok(())
    }
    /// The type and the little-endian bytes of one tensor, where the source has them at hand.
    fn bytes(&self, _name: &str) -> Option<(ElementType, &[u8])> {
        None
    }
    /// The caller has packed the tensor and will not read it again: its pages may be released.
    fn release(&self, name: &str);
}

/// Hands a model its weights by name, checks every shape against what the config implies and every value for being finite, packs each on
/// the device, and knows afterwards which tensors nobody asked for.
pub struct Loader<'a> {
    source: &'a dyn TensorSource,
    device: &'a Device,
    prefix: String,
    taken: &'a RefCell<BTreeSet<String>>,
    packed: Option<&'a PackedComponent>,
    purpose: Purpose,
}

/// What a loader is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The model will run.
    Run,
    /// Names, shapes and types are checked; values are not read, and nothing is packed.
    Check,
}

/// Names listed in an error about extra tensors before it is cut; more would bury the message.
const LISTED_EXTRAS: usize = 5;

impl<'a> Loader<'a> {
    /// A loader at the root of `source`. `taken` collects the names that were read.
    pub fn new(source: &'a dyn TensorSource, device: &'a Device, taken: &'a RefCell<BTreeSet<String>>) -> Self {
        Self { source, device, prefix: String::new(), taken, packed: None, purpose: Purpose::Run }
    }

    /// This loader, which does not pack again what was packed before, and keeps what it packs for the next time.
    #[must_use]
    pub fn with_packed(self, packed: Option<&'a PackedComponent>) -> Self {
        Self { packed, ..self }
    }

    /// The loader of a sub-module: `child("layers").child(0)` reads `layers.0.…`.
    #[must_use]
    pub fn child(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.full_name(&name.to_string()), ..*self }
    }

    /// The device that weights are packed on.
    pub fn device(&self) -> &'a Device {
        self.device
    }

    /// Where weights come from, for messages.
    pub fn place(&self) -> String {
        self.source.place()
    }

    /// Whether the source has `name` under this prefix.
    pub fn has(&self, name: &str) -> bool {
        self.source.shape(&self.full_name(name)).is_some()
    }

    /// `name.weight`, `[outputs, inputs]`.
    pub fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Result<Weight> {
        self.weight(name, WeightKind::Linear { outputs, inputs })
    }

    /// `name.weight`, `[outputs, inputs, kernel, kernel]`.
    pub fn conv(&self, name: &str, outputs: usize, inputs: usize, kernel: usize) -> Result<Weight> {
        self.weight(name, WeightKind::Conv { outputs, inputs, kernel })
    }

    /// `name.weight` as any kind of weight.
    pub fn weight(&self, name: &str, kind: WeightKind) -> Result<Weight> {
        let module = self.full_name(name);
        let full_name = format!("{module}.weight");
        if let WeightKind::Linear { outputs, inputs } = kind
            && StoredInt8::is_at(self.source, &module)
        {
            let names = StoredInt8::names(&module);
            self.taken.borrow_mut().extend(names.clone());
            if self.purpose == Purpose::Check {
                StoredInt8::check(self.source, &module, LinearSize { outputs, inputs })?;
                return Ok(self.unread(kind));
            }
            let stored = StoredInt8::read(self.source, &module, LinearSize { outputs, inputs }, self.device)?;
            for name in &names {
                self.source.release(name);
            }
            return self.device.stored_weight(self.device, &full_name, kind, &stored);
        }
        if let WeightKind::Conv { outputs, inputs, kernel } = kind
            && StoredConvolution::is_at(self.source, &module)
        {
            let names = StoredConvolution::names(&module);
            self.taken.borrow_mut().extend(names.clone());
            // Convolutions that are stored so are small: reading them is a check.
            let stored = StoredConvolution::read(self.source, &module, ConvolutionSize { outputs, inputs, kernel })?;
            for name in &names {
                self.source.release(name);
            }
            if self.purpose == Purpose::Check {
                return Ok(self.unread(kind));
            }
            return self.device.stored_convolution(self.device, &full_name, kind, &stored);
        }
        self.check(&full_name, &kind.shape())?;
        if self.purpose == Purpose::Check {
            self.taken.borrow_mut().insert(full_name);
            return Ok(self.unread(kind));
        }
        if let Some(weight) = self.packed.and_then(|packed| packed.weight(self.device, &full_name, kind)) {
            self.taken.borrow_mut().insert(full_name);
            return Ok(weight);
        }
        let tensor = self.read(&full_name, &kind.shape())?;
        let weight = self.device.weight(self.device, &full_name, kind, &tensor)?;
        self.source.release(&full_name);
        if let Some(packed) = self.packed {
            packed.keep(&full_name, &weight);
        }
        Ok(weight)
    }

    /// A small parameter under exactly `name`, as f32.
    pub fn parameter(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let full_name = self.full_name(name);
        let tensor = self.read(&full_name, shape)?.to_f32();
        self.source.release(&full_name);
        self.device.parameter(&full_name, tensor)
    }

    /// An embedding table under exactly `name`, in the precision it is stored in: it is read row by row, and a large one widened
    /// would weigh as much as several layers.
    pub fn table(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let full_name = self.full_name(name);
        let tensor = self.read(&full_name, shape)?;
        self.source.release(&full_name);
        self.device.parameter(&full_name, tensor)
    }

    /// Marks everything under `name` as known and not needed (a vision tower, a skipped last layer).
    pub fn ignore(&self, name: &str) {
        let full_name = self.full_name(name);
        let below = format!("{full_name}.");
        let known = self.source.names().into_iter().filter(|candidate| *candidate == full_name || candidate.starts_with(&below));
        self.taken.borrow_mut().extend(known);
    }

    /// Fails, naming them, if the source holds tensors that nobody took or ignored.
    pub fn finish(&self) -> Result<()> {
        let taken = self.taken.borrow();
        let extra: Vec<String> = self.source.names().into_iter().filter(|name| !taken.contains(name)).collect();
        if extra.is_empty() {
            return Ok(());
        }
        let listed = extra.iter().take(LISTED_EXTRAS).cloned().collect::<Vec<_>>().join(", ");
        let names = if extra.len() > LISTED_EXTRAS { format!("{listed}, … ({} in all)", extra.len()) } else { listed };
        Err(Error::ExtraTensors { names, place: self.source.place() })
    }

    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    fn read(&self, full_name: &str, expected: &[usize]) -> Result<Tensor> {
        self.check(full_name, expected)?;
        self.taken.borrow_mut().insert(full_name.to_owned());
        if self.purpose == Purpose::Check {
            return Tensor::from_f32(Vec::new(), &[0], self.device);
        }
        let tensor = self.source.tensor(full_name, self.device)?;
        if tensor.is_finite() {
            return Ok(tensor);
        }
        Err(Error::NotFinite { name: full_name.to_owned(), place: self.source.place() })
    }

    /// Stands for a weight that was checked and not read.
    fn unread(&self, kind: WeightKind) -> Weight {
        Weight::new(kind, self.device.clone(), Arc::new(()))
    }

    fn check(&self, full_name: &str, expected: &[usize]) -> Result<()> {
        let found =
            self.source.shape(full_name).ok_or_else(|| Error::MissingTensor { name: full_name.to_owned(), place: self.source.place() })?;
        if found != expected {
            return Err(Error::TensorShape { name: full_name.to_owned(), found, expected: expected.to_vec() });
        }
        self.source.check_type(full_name)
    }
}

/// Checks a component of a model as loading does, but for the values of its weights: `load` is given a loader that reads none.
pub(crate) fn check_weights(folder: &ModelFolder, component: &str, load: impl FnOnce(&Loader<'_>) -> Result<()>) -> Result<()> {
    let source = SafetensorsSource::component(folder, component)?;
    let (device, taken) = (Device::cpu(spec::RunPrecision::F32), RefCell::new(BTreeSet::new()));
    let loader = Loader { purpose: Purpose::Check, ..Loader::new(&source, &device, &taken) };
    load(&loader)?;
    loader.finish()
}
