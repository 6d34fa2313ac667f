//! Safetensors files as a [`TensorSource`]: one file, or shards with an index.
#![deny(clippy::indexing_slicing)]

use super::header::{self, Entry, Header};
use super::{ElementType, FileBytes, TensorSource};
use crate::error::{Error, Result};
use crate::model_folder::ModelFolder;
use crate::waist::{Device, Tensor};
use half::{bf16, f16};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files that a component's weights may lie in, whole or in shards with an index, the one that is read first: diffusers
/// (`ModelMixin.from_pretrained`) looks for an index before the whole file, transformers (`PreTrainedModel.from_pretrained`) after it.
const WEIGHT_FILES: [&str; 4] = [
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
    "model.safetensors",
    "model.safetensors.index.json",
];
/// Ending of an index of shards.
const INDEX: &str = ".index.json";

/// Type and size of a tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInformation {
    /// Full name.
    pub name: String,
    /// Stored element type.
    pub element_type: ElementType,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
}

struct File {
    path: PathBuf,
    bytes: FileBytes,
}

/// Tensors of safetensors files, read on demand.
pub struct SafetensorsSource {
    place: String,
    files: Vec<File>,
    /// Name to file number and entry.
    tensors: BTreeMap<String, (usize, Entry)>,
    metadata: BTreeMap<String, String>,
}

impl SafetensorsSource {
    /// One file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_bytes(path.to_owned(), FileBytes::map(path)?)
    }

    /// One file whose content is at hand; `path` is for messages.
    pub fn from_bytes(path: PathBuf, bytes: FileBytes) -> Result<Self> {
        let Header { entries, metadata } = read_header(&path, &bytes)?;
        let tensors = entries.into_iter().map(|(name, entry)| (name, (0, entry))).collect();
        Ok(Self { place: path.display().to_string(), files: vec![File { path, bytes }], tensors, metadata })
    }

    /// The weights of a component of a diffusers folder (`""` for the folder itself): `diffusion_pytorch_model` or `model`,
    /// whole or in shards.
    pub fn component(folder: &ModelFolder, component: &str) -> Result<Self> {
        match Self::weight_files(folder, component).first() {
            Some(index) if index.ends_with(INDEX) => Self::sharded(folder, index),
            Some(file) => Self::from_bytes(folder.place(file), folder.read(file)?),
            None => {
                let detail = format!("no weights; one of {} is expected / 没有权重文件", WEIGHT_FILES.join(", "));
                Err(Error::InvalidFile { path: folder.place(component), detail })
            }
        }
    }

    /// The files in a component's folder that hold all of its weights, or the index of its shards. The first is read; others are not.
    pub fn weight_files(folder: &ModelFolder, component: &str) -> Vec<String> {
        let within = |name: &str| if component.is_empty() { name.to_owned() } else { format!("{component}/{name}") };
        WEIGHT_FILES.iter().map(|name| within(name)).filter(|file| folder.exists(file)).collect()
    }

    fn sharded(folder: &ModelFolder, index: &str) -> Result<Self> {
        let index_path = folder.place(index);
        let invalid = |detail: String| Error::InvalidFile { path: index_path.clone(), detail };
        let weight_map = read_weight_map(&folder.read(index)?).map_err(invalid)?;
        let parent = index.rsplit_once('/').map_or("", |(parent, _)| parent);
        let shard_names: BTreeSet<&String> = weight_map.values().collect();
        let mut source =
            Self { place: index_path.display().to_string(), files: Vec::new(), tensors: BTreeMap::new(), metadata: BTreeMap::new() };
        for shard in shard_names {
            let is_plain_name = !shard.is_empty() && shard != "." && shard != ".." && !shard.contains(['/', '\\', ':', '\0']);
            if !is_plain_name {
                return Err(invalid(format!("weight_map names {shard:?}, which is not a file beside the index")));
            }
            let relative = if parent.is_empty() { shard.clone() } else { format!("{parent}/{shard}") };
            let (path, bytes) = (folder.place(&relative), folder.read(&relative)?);
            let number = source.files.len();
            for (name, entry) in read_header(&path, &bytes)?.entries {
                if weight_map.get(&name) != Some(shard) {
                    return Err(Error::InvalidFile { path, detail: format!("tensor {name:?} is here, the index does not say so") });
                }
                source.tensors.insert(name, (number, entry));
            }
            source.files.push(File { path, bytes });
        }
        let missing = weight_map.iter().find(|(name, _)| !source.tensors.contains_key(*name));
        match missing {
            Some((name, shard)) => {
                Err(Error::MissingTensor { name: name.clone(), place: folder.place(parent).join(shard).display().to_string() })
            }
            None => Ok(source),
        }
    }

    /// The string metadata of a single file; empty for shards.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// All tensors in name order, without reading any.
    pub fn tensors(&self) -> impl Iterator<Item = TensorInformation> + '_ {
        self.tensors.iter().map(|(name, (_, entry))| TensorInformation {
            name: name.clone(),
            element_type: entry.element_type,
            shape: entry.shape.clone(),
        })
    }

    fn find(&self, name: &str) -> Result<(&File, &Entry, &[u8])> {
        let found = self.tensors.get(name).and_then(|(number, entry)| {
            let file = self.files.get(*number)?;
            Some((file, entry, file.bytes.get(entry.range.clone())?))
        });
        found.ok_or_else(|| Error::MissingTensor { name: name.to_owned(), place: self.place() })
    }
}

fn read_header(path: &Path, bytes: &[u8]) -> Result<Header> {
    header::read(bytes).map_err(|detail| Error::InvalidFile { path: path.to_owned(), detail })
}

fn read_weight_map(json: &[u8]) -> Result<BTreeMap<String, String>, String> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    serde_json::from_slice::<Index>(json).map(|index| index.weight_map).map_err(|error| error.to_string())
}

impl TensorSource for SafetensorsSource {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|(_, entry)| entry.shape.clone())
    }

    fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        let (file, entry, bytes) = self.find(name)?;
        match entry.element_type {
            ElementType::F32 => Tensor::from_f32(elements(bytes, f32::from_le_bytes), &entry.shape, device),
            ElementType::Bf16 => Tensor::from_bf16(elements(bytes, bf16::from_le_bytes), &entry.shape, device),
            ElementType::F16 => Tensor::from_f32(elements(bytes, |value| f16::from_le_bytes(value).to_f32()), &entry.shape, device),
            _ => Err(unreadable(file, entry, name)),
        }
    }

    fn check_type(&self, name: &str) -> Result<()> {
        let (file, entry, _) = self.find(name)?;
        match entry.element_type {
            ElementType::F32 | ElementType::Bf16 | ElementType::F16 => Ok(()),
            _ => Err(unreadable(file, entry, name)),
        }
    }

    fn bytes(&self, name: &str) -> Option<(ElementType, &[u8])> {
        self.find(name).ok().map(|(_, entry, bytes)| (entry.element_type, bytes))
    }

    fn release(&self, name: &str) {
        if let Ok((file, entry, _)) = self.find(name) {
            file.bytes.release(entry.range.clone());
        }
    }
}

fn unreadable(file: &File, entry: &Entry, name: &str) -> Error {
    let detail = format!("tensor {name:?} holds {}; F32, BF16 and F16 can be read / 无法读取此类型", entry.element_type);
    Error::InvalidFile { path: file.path.clone(), detail }
}

fn elements<const SIZE: usize, T>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks::<SIZE>().0.iter().map(|chunk| read(*chunk)).collect()
}
