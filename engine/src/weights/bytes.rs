#![deny(clippy::indexing_slicing)]

use crate::error::{Error, Result};
use memmap2::Mmap;
use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

/// The content of a file: mapped, or part of the program.
///
/// A mapped file must not be shortened by another process while it is open; the system then ends the reading process.
pub struct FileBytes(Storage);

enum Storage {
    Mapped(Mmap),
    Static(&'static [u8]),
}

/// Pages are released in whole units of this size, a multiple of the page size on every supported system.
const RELEASE_UNIT: usize = 64 * 1024;

impl FileBytes {
    /// Maps a file read-only.
    pub fn map(path: &Path) -> Result<Self> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(Error::InvalidFile { path: path.to_owned(), detail: "not a regular file".into() });
        }
        if metadata.len() == 0 {
            return Ok(Self(Storage::Static(&[])));
        }
        // SAFETY: the mapping is read-only and private to this process; the type's documentation states that the file may
        // not be shortened meanwhile, which every mapping of a file depends on.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self(Storage::Mapped(map)))
    }

    /// Bytes that are part of the program.
    pub fn embedded(bytes: &'static [u8]) -> Self {
        Self(Storage::Static(bytes))
    }

    /// Tells the system that all of it will be read soon, from start to end.
    pub fn will_need(&self) {
        #[cfg(unix)]
        if let Storage::Mapped(map) = &self.0 {
            // A refusal only means that reading starts later.
            let _ = map.advise(memmap2::Advice::WillNeed);
        }
    }

    /// Tells the system that the whole pages inside `range` are not needed any more. They are read again from the file if
    /// they are touched.
    pub fn release(&self, range: Range<usize>) {
        let Storage::Mapped(map) = &self.0 else { return };
        let start = range.start.next_multiple_of(RELEASE_UNIT);
        let end = range.end.min(map.len()) / RELEASE_UNIT * RELEASE_UNIT;
        if start < end {
            release_pages(map, start, end - start);
        }
    }
}

#[cfg(unix)]
fn release_pages(map: &Mmap, offset: usize, length: usize) {
    // SAFETY: dropping pages of a read-only mapping of a file loses nothing, the next touch reads the same bytes again. A
    // refusal by the system only means that the memory stays in use.
    let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, length) };
}

#[cfg(not(unix))]
fn release_pages(_map: &Mmap, _offset: usize, _length: usize) {}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Storage::Mapped(map) => map,
            Storage::Static(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for FileBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
