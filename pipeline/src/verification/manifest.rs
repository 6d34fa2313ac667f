use crate::{Result, read_user_file};
use credentials::{Anchors, Report, Verdict, verify, verify_sidecar};
use spec::{Clock as _, SystemClock};
use std::path::Path;

/// Longest sidecar that is read: manifests of many ingredients with thumbnails stay below it.
const MOST_SIDECAR_BYTES: u64 = 64 << 20;

/// Judges the C2PA manifest of a file: the one inside it or, where there is none, the one beside it in `FILE.c2pa`.
pub fn check(file: &Path, bytes: &[u8], anchors: &Anchors) -> Result<Report> {
    let now = SystemClock.now();
    let report = verify(bytes, anchors, now);
    if report.verdict != Verdict::NotFound {
        return Ok(report);
    }
    Ok(match read_sidecar(file)? {
        Some(store) => verify_sidecar(bytes, &store, anchors, now),
        None => report,
    })
}

/// The manifest store in `FILE.c2pa`, if it is there.
pub fn read_sidecar(file: &Path) -> Result<Option<Vec<u8>>> {
    let path = store::sidecar(file);
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    read_user_file(&path, MOST_SIDECAR_BYTES).map(Some)
}
