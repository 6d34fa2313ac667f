//! The files of the repository that people write.
use anyhow::Result;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what programs write; `.gitignore` names them too.
const WRITTEN_BY_PROGRAMS: &[&str] = &[".git", "target", "dist", "danqing-out", "runs", "data", "node_modules", "corpus", "artifacts"];

/// Folders in the root.
pub fn rooms(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !WRITTEN_BY_PROGRAMS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// All files below `root` with one of the `endings`, in order, relative to it. Folders of the root that programs write to are left out.
pub fn files(root: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let relative = path.strip_prefix(root)?.to_owned();
        if path.is_dir() {
            if !WRITTEN_BY_PROGRAMS.iter().any(|name| relative.as_os_str() == *name) {
                collect(&path, &relative, endings, &mut found)?;
            }
        } else if has_ending(&path, endings) {
            found.push(relative);
        }
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, relative: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, relative) = (entry.path(), relative.join(entry.file_name()));
        match path.is_dir() {
            // A crate that is built by itself has a target folder of its own.
            true if entry.file_name() == "target" => {}
            true => collect(&path, &relative, endings, found)?,
            false if has_ending(&path, endings) => found.push(relative),
            false => {}
        }
    }
    Ok(())
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|ending| endings.contains(&ending))
}
