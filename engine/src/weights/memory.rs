use super::TensorSource;
use crate::error::{Error, Result};
use crate::waist::{Device, Tensor};
use std::collections::BTreeMap;

/// Tensors in memory: the parameters of a training run, or a test's.
#[derive(Default)]
pub struct MemorySource {
    tensors: BTreeMap<String, Tensor>,
}

impl MemorySource {
    /// A source of these tensors.
    pub fn new(tensors: BTreeMap<String, Tensor>) -> Self {
        Self { tensors }
    }

    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }
}

impl TensorSource for MemorySource {
    fn place(&self) -> String {
        "memory".into()
    }

    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|tensor| tensor.shape().to_vec())
    }

    fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        let tensor = self.tensors.get(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned(), place: self.place() })?;
        Ok(tensor.to_device(device))
    }

    fn release(&self, _name: &str) {}
}
