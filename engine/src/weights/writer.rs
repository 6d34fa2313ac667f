#![deny(clippy::indexing_slicing)]

use super::ElementType;
use crate::error::{Error, Result};
use crate::waist::Tensor;
use kernels::element::Elements;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A tensor to be stored.
pub struct TensorBytes<'a> {
    /// Full name.
    pub name: String,
    /// Type of the elements.
    pub element_type: ElementType,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// Little-endian values.
    pub bytes: Cow<'a, [u8]>,
}

impl TensorBytes<'static> {
    /// A tensor in its own element type.
    pub fn from_tensor(name: impl Into<String>, tensor: &Tensor) -> Self {
        let (element_type, bytes) = match tensor.as_elements() {
            Elements::F32(values) => (ElementType::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Elements::Bf16(values) => (ElementType::Bf16, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        };
        Self { name: name.into(), element_type, shape: tensor.shape().to_vec(), bytes: Cow::Owned(bytes) }
    }
}

/// Writes a safetensors file that appears at `path` whole or not at all. The same tensors give the same bytes whatever
/// order they come in: wide elements first, so that every tensor is aligned, then by name.
pub fn write_safetensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = TensorBytes<'a>>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let mut tensors: Vec<TensorBytes<'a>> = tensors.into_iter().collect();
    tensors.sort_by(|a, b| b.element_type.bytes().cmp(&a.element_type.bytes()).then_with(|| a.name.cmp(&b.name)));
    let header = header(path, &tensors, metadata)?;
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let file_name = path.file_name().ok_or_else(|| failed(io::Error::from(io::ErrorKind::InvalidInput)))?;
    let temporary = path.with_file_name(format!(".{}.{}.partial", file_name.to_string_lossy(), std::process::id()));
    let written = write(&temporary, &header, &tensors).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        // The first error is the one to report; the leftover may not even exist.
        let _ = fs::remove_file(&temporary);
        failed(source)
    })
}

fn write(path: &Path, header: &[u8], tensors: &[TensorBytes<'_>]) -> io::Result<()> {
    let mut file = BufWriter::new(OpenOptions::new().write(true).create(true).truncate(true).open(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header)?;
    for tensor in tensors {
        file.write_all(&tensor.bytes)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// The JSON, padded with spaces so that values start at a multiple of eight bytes.
fn header(path: &Path, tensors: &[TensorBytes<'_>], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let invalid = |detail: String| Error::InvalidFile { path: path.to_owned(), detail };
    let mut object = serde_json::Map::new();
    if !metadata.is_empty() {
        object.insert("__metadata__".into(), serde_json::json!(metadata));
    }
    let mut offset = 0;
    for tensor in tensors {
        let (name, length) = (&tensor.name, tensor.bytes.len());
        let needed = tensor.shape.iter().try_fold(tensor.element_type.bytes(), |product, &size| product.checked_mul(size));
        if needed != Some(length) {
            return Err(invalid(format!("tensor {name:?}: {length} bytes cannot have shape {:?}", tensor.shape)));
        }
        let entry = serde_json::json!({"dtype": tensor.element_type, "shape": tensor.shape, "data_offsets": [offset, offset + length]});
        if name == "__metadata__" || object.insert(name.clone(), entry).is_some() {
            return Err(invalid(format!("tensor {name:?} occurs twice")));
        }
        offset += length;
    }
    let mut json = serde_json::to_vec(&object).map_err(|error| invalid(error.to_string()))?;
    json.resize(json.len().next_multiple_of(8), b' ');
    Ok(json)
}
