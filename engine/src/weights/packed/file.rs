#![deny(clippy::indexing_slicing)]

use super::PackedKey;
use super::checksum::checksum;
use crate::cpu::PackedWeight;
use crate::waist::WeightKind;
use crate::weights::FileBytes;
use kernels::storage::SharedBytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use spec::Sha256Digest;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MAGIC: &[u8; 8] = b"DANQPACK";
/// Version of the file, not of the layout of weights, which is part of the form.
const VERSION: u32 = 1;
/// Parts start at multiples of this: a cache line, and the widest vector.
const ALIGNMENT: u64 = 64;
/// Place, length and digest of the index.
const TRAILER_BYTES: usize = 8 + 8 + 32;

/// Files that this process has begun.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    model: Sha256Digest,
    component: String,
    form: String,
    weights: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    shape: Vec<usize>,
    form: String,
    parts: Vec<(u64, u64, Sha256Digest)>,
}

/// A checked file.
pub(super) struct PackedFile {
    bytes: SharedBytes,
    weights: BTreeMap<String, Entry>,
}

impl PackedFile {
    /// Maps a file and checks every byte of it; the error says what is wrong.
    pub fn open(path: &Path, key: &PackedKey) -> Result<Self, String> {
        let bytes = FileBytes::map(path).map_err(|error| error.to_string())?;
        bytes.will_need();
        let index = read_index(&bytes)?;
        if index.model != key.model || index.component != key.component || index.form != key.form {
            return Err("the file holds another model, component or form".into());
        }
        for (name, entry) in &index.weights {
            for (place, length, expected) in &entry.parts {
                let part = range(*place, *length).and_then(|range| bytes.get(range));
                if part.map(checksum) != Some(*expected) {
                    return Err(format!("weight {name:?} is damaged"));
                }
            }
        }
        Ok(Self { bytes: Arc::new(bytes), weights: index.weights })
    }

    /// A weight of this name and kind, if there is one.
    pub fn weight(&self, name: &str, kind: WeightKind) -> Option<PackedWeight> {
        let entry = self.weights.get(name).filter(|entry| entry.shape == kind.shape())?;
        let parts = entry.parts.iter().map(|(place, length, _)| range(*place, *length)).collect::<Option<Vec<_>>>()?;
        PackedWeight::restored(kind, &entry.form, &self.bytes, &parts)
    }
}

fn range(place: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(place).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

fn read_index(bytes: &[u8]) -> Result<Index, String> {
    let damaged = || "the file is damaged or truncated".to_owned();
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (version, _) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    if magic != MAGIC || u32::from_le_bytes(*version) != VERSION {
        return Err("not packed weights of this version".into());
    }
    let (_, trailer) = bytes.split_last_chunk::<TRAILER_BYTES>().ok_or_else(damaged)?;
    let (place, trailer) = trailer.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (length, digest) = trailer.split_first_chunk::<8>().ok_or_else(damaged)?;
    let json = range(u64::from_le_bytes(*place), u64::from_le_bytes(*length)).and_then(|range| bytes.get(range)).ok_or_else(damaged)?;
    if Sha256::digest(json).as_slice() != digest {
        return Err(damaged());
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

/// A file in the making, under a name of its own until it is whole. Dropped before that, it is removed.
pub(super) struct PackedWriter {
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
    written: u64,
    limit: u64,
    index: Index,
}

impl PackedWriter {
    /// Starts the file that will be `path`, of no more than `limit` bytes.
    pub fn create(path: &Path, key: &PackedKey, limit: u64) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        // No other process, and nobody else in this one, has this name.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".{name}.{}-{count}.partial", std::process::id()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = BufWriter::with_capacity(1 << 20, OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?);
        let index = Index { model: key.model, component: key.component.clone(), form: key.form.clone(), weights: BTreeMap::new() };
        let mut writer = Self { temporary, file: Some(file), written: 0, limit, index };
        writer.write(MAGIC)?;
        writer.write(&VERSION.to_le_bytes())?;
        Ok(writer)
    }

    /// Adds a weight.
    pub fn add(&mut self, name: &str, kind: WeightKind, packed: &PackedWeight) -> io::Result<()> {
        let (form, parts) = packed.saved().ok_or_else(|| io::Error::other("this form is not kept"))?;
        let mut places = Vec::with_capacity(parts.len());
        for part in parts {
            self.align()?;
            places.push((self.written, part.len() as u64, checksum(part)));
            self.write(part)?;
        }
        let entry = Entry { shape: kind.shape(), form: form.to_owned(), parts: places };
        match self.index.weights.insert(name.to_owned(), entry) {
            None => Ok(()),
            Some(_) => Err(io::Error::other("a weight was packed twice")),
        }
    }

    /// Writes the index and gives the file its name.
    pub fn finish(mut self, path: &Path) -> io::Result<()> {
        let json = serde_json::to_vec(&self.index)?;
        let mut trailer = [self.written.to_le_bytes(), (json.len() as u64).to_le_bytes()].concat();
        trailer.extend_from_slice(&Sha256::digest(&json));
        self.write(&json)?;
        self.write(&trailer)?;
        if let Some(file) = self.file.take() {
            // A crash may leave a torn file under the name: checksums tell, so nobody waits for the disk here.
            file.into_inner().map_err(io::IntoInnerError::into_error)?;
        }
        fs::rename(&self.temporary, path)
    }

    fn align(&mut self) -> io::Result<()> {
        let missing = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.write([0; ALIGNMENT as usize].get(..missing as usize).unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(bytes)
    }
}

impl Drop for PackedWriter {
    fn drop(&mut self) {
        // After `finish` there is no such file any more, and that is well.
        let _ = fs::remove_file(&self.temporary);
    }
}
