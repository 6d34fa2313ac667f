use super::PackedKey;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Ending of a whole file.
const ENDING: &str = "packed";
/// Ending of a file in the making.
const PARTIAL: &str = "partial";
/// Weights of fewer values are packed faster than a file of them is opened.
const SMALLEST: usize = 64 << 20;
/// A file in the making that nobody has written to for so long was left by a process that ended.
const ABANDONED: Duration = Duration::from_hours(1);

/// The folder that packed weights are kept in, and how much of it.
#[derive(Debug, Clone)]
pub struct PackedFolder {
    path: PathBuf,
    limit: u64,
    smallest: usize,
}

/// A file in the folder.
#[derive(Debug, Clone)]
pub struct PackedFolderEntry {
    /// Name of the file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
}

impl PackedFolder {
    /// Files in `path`, which is made when it is needed, of no more than `limit` bytes together.
    pub fn new(path: impl Into<PathBuf>, limit: u64) -> Self {
        Self { path: path.into(), limit, smallest: SMALLEST }
    }

    /// This folder, in which components of at least so many weights are kept.
    #[must_use]
    pub fn with_smallest(self, smallest: usize) -> Self {
        Self { smallest, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The most bytes that files take together.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The files, the longest unused first. A folder that is not there has none.
    pub fn entries(&self) -> Result<Vec<PackedFolderEntry>> {
        let failed = |source| Error::Io { path: self.path.clone(), source };
        let mut entries = Vec::new();
        let listing = match fs::read_dir(&self.path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
            Err(error) => return Err(failed(error)),
        };
        for entry in listing {
            let entry = entry.map_err(failed)?;
            let is_ours = entry.path().extension().is_some_and(|ending| ending == ENDING || ending == PARTIAL);
            // Another process may have removed it meanwhile.
            let Ok(metadata) = entry.metadata() else { continue };
            if is_ours && metadata.is_file() {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push(PackedFolderEntry { name: entry.file_name().to_string_lossy().into_owned(), bytes: metadata.len(), used });
            }
        }
        entries.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
        Ok(entries)
    }

    /// Removes all files; processes that use one keep it until they end. Says what was removed.
    pub fn clear(&self) -> Result<Vec<PackedFolderEntry>> {
        let entries = self.entries()?;
        for entry in &entries {
            let path = self.path.join(&entry.name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(Error::Io { path, source }),
                _ => {}
            }
        }
        Ok(entries)
    }

    pub(crate) fn smallest(&self) -> usize {
        self.smallest
    }

    pub(super) fn file(&self, key: &PackedKey) -> PathBuf {
        self.path.join(format!("{}-{}-{}.{ENDING}", key.model, key.component, key.form))
    }

    /// Removes the longest unused files, but not `newest`, until the rest are within the limit; and files that nobody finished.
    pub(super) fn keep_within_limit(&self, newest: &Path) {
        let mut entries = self.entries().unwrap_or_default();
        entries.retain(|entry| {
            let is_partial = Path::new(&entry.name).extension().is_some_and(|ending| ending == PARTIAL);
            if is_partial && entry.used.elapsed().is_ok_and(|age| age > ABANDONED) {
                remove(&self.path.join(&entry.name));
            }
            !is_partial
        });
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            let path = self.path.join(&entry.name);
            if total > self.limit && path != newest {
                remove(&path);
                total -= entry.bytes;
            }
        }
    }
}

/// Marks a file as used now. Where that is not allowed, it may leave earlier than it should.
pub(super) fn touch(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes a file, if it is there and that is allowed.
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}
