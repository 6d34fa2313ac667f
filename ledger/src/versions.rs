//! The forms that leaves have had. Each is read for ever, into the one form in memory, and written back byte by byte to see that it was
//! exactly that; only the newest is appended.

mod v2;

use crate::{Entry, Version};
use serde::Deserialize;

#[derive(Deserialize)]
struct Versioned {
    version: Version,
}

/// The bytes of an entry, in the form of its version.
pub fn write(entry: &Entry) -> serde_json::Result<Vec<u8>> {
    match entry.version {
        Version::V1 | Version::V2 => v2::write(entry),
        Version::V3 => serde_json::to_vec(entry),
    }
}

/// The entry in a leaf of any version; `None` where it is no leaf.
pub fn read(leaf: &[u8]) -> Option<Entry> {
    let Versioned { version } = serde_json::from_slice(leaf).ok()?;
    match version {
        Version::V1 | Version::V2 => v2::read(leaf),
        Version::V3 => serde_json::from_slice(leaf).ok(),
    }
}
