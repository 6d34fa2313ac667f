use super::check::{Checked, Checker, Settings};
use crate::{Error, Result};
use spec::FileFormat;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Answers that may wait to be told in order.
const WAITING: usize = 1_024;

/// Checks files in so many threads, and tells of each in the order in which they are given.
pub fn check_all(files: &[PathBuf], settings: &Settings, threads: usize, tell: &mut dyn FnMut(&Path, Result<Checked>)) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len().max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                let mut checker = Checker::new(settings);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    if sender.send((index, checker.check(file))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (index, checked) in &receiver {
            waiting.insert(index, checked);
            while let (Some(checked), Some(file)) = (waiting.remove(&due), files.get(due)) {
                tell(file, checked);
                due += 1;
            }
        }
    });
}

/// Every file below `folder` whose ending is that of a format that is read, sorted. Links are not followed, so that none leads around in a
/// circle.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::FileUnreadable { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let path = entry.path();
            let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && ending.is_some_and(|ending| FileFormat::from_extension(&ending).is_some()) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
