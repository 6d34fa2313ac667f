//! Packed weights on disk, so that a second start maps them instead of packing again, and processes share one copy.
//!
//! One file for each component of a model and each form of packing, `MODEL-COMPONENT-FORM.packed`, where MODEL is the digest of the
//! model ([`crate::model_folder::ModelFolder::identity`]) and FORM what [`crate::Executor::packed_form`] says:
//!
//! ```text
//! "DANQPACK" │ u32 little-endian version │ zeros to 64 │ parts, each at a multiple of 64 │ index │ u64 place and u64 length of the index │ its SHA-256
//! index: JSON {"model", "component", "form", "weights": {name: {"shape", "form", "parts": [[place, length, checksum], …]}}}
//! ```
//!
//! A file appears under its name whole or not at all, is never written to again, and is checked to the last byte when it is opened. One
//! that is damaged, truncated or of another version or model is packed anew; a folder that cannot be written to is done without. Two
//! processes may write the same file at once: each renames its own, and both are good.

mod checksum;
mod file;
mod folder;

pub use folder::{PackedFolder, PackedFolderEntry};

use crate::cpu::PackedWeight;
use crate::waist::{Device, Weight, WeightKind};
use file::{PackedFile, PackedWriter};
use spec::Sha256Digest;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedKey {
    /// Digest of the model.
    pub model: Sha256Digest,
    /// Folder of the component.
    pub component: String,
    /// How weights are packed.
    pub form: String,
}

/// The packed weights of one component while it is loaded: read from a file, or written to one.
pub struct PackedComponent {
    folder: PackedFolder,
    path: PathBuf,
    file: Option<PackedFile>,
    writer: RefCell<Option<PackedWriter>>,
    is_stale: Cell<bool>,
}

impl PackedComponent {
    /// Opens the file of `key`, or starts one.
    pub(crate) fn open(folder: &PackedFolder, key: &PackedKey) -> Self {
        let path = folder.file(key);
        let file = PackedFile::open(&path, key).ok();
        let writer = if file.is_none() { PackedWriter::create(&path, key, folder.limit()).ok() } else { None };
        if file.is_some() {
            folder::touch(&path);
        }
        Self { folder: folder.clone(), path, file, writer: RefCell::new(writer), is_stale: Cell::new(false) }
    }

    /// A weight of the file, if it has it.
    pub(super) fn weight(&self, device: &Device, name: &str, kind: WeightKind) -> Option<Weight> {
        let file = self.file.as_ref()?;
        let weight = file.weight(name, kind).map(|packed| Weight::new(kind, device.clone(), std::sync::Arc::new(packed)));
        if weight.is_none() {
            self.is_stale.set(true);
        }
        weight
    }

    /// Adds a weight to the file that is being written. A file that cannot be written is given up.
    pub(super) fn keep(&self, name: &str, weight: &Weight) {
        let mut writer = self.writer.borrow_mut();
        let Some(open) = writer.as_mut() else { return };
        let is_kept = weight.packed::<PackedWeight>().is_some_and(|packed| open.add(name, weight.kind(), packed).is_ok());
        if !is_kept {
            *writer = None;
        }
    }

    /// Ends the file that is being written, once the component is loaded as a whole. A file that lacked weights is removed: the next
    /// start writes it anew.
    pub(crate) fn finish(self) {
        if self.is_stale.get() {
            folder::remove(&self.path);
        }
        if let Some(writer) = self.writer.into_inner()
            && writer.finish(&self.path).is_ok()
        {
            self.folder.keep_within_limit(&self.path);
        }
    }
}
