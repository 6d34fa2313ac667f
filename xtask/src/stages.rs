//! Each stage trait of `spec::stage` has exactly one implementation outside tests, in the crate that earns it.
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// Stage and the room that earns it.
const STAGES: &[(&str, &str)] = &[
    ("Cleared", "policy"),
    ("Origin", "engine"),
    ("Generated", "engine"),
    ("Screened", "policy"),
    ("Granted", "ledger"),
    ("Labelled", "provenance"),
    ("Stored", "store"),
    ("Recorded", "ledger"),
];

/// Rooms whose sources are searched.
const ROOMS: &[&str] =
    &["spec", "kernels", "engine", "trainer", "policy", "credentials", "provenance", "watermark", "ledger", "store", "pipeline", "cli"];

pub fn faults(root: &Path) -> Result<Vec<String>> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for room in ROOMS {
        for file in rust_files(&root.join(room).join("src"))? {
            let text = fs::read_to_string(&file)?;
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            found.extend(STAGES.iter().filter(|(stage, _)| implements(product, stage)).map(|(stage, _)| (*stage, *room)));
        }
    }
    Ok(STAGES
        .iter()
        .filter_map(|&(stage, owner)| {
            let places: Vec<&str> = found.iter().filter(|(name, _)| *name == stage).map(|(_, room)| *room).collect();
            (places != [owner]).then(|| format!("stages: {stage} must be implemented once, in {owner}; found in {places:?}"))
        })
        .collect())
}

fn implements(text: &str, stage: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("impl") && (line.contains(&format!(" {stage} for ")) || line.contains(&format!("stage::{stage} for ")))
    })
}

pub fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::implements;

    #[test]
    fn finds_plain_generic_and_qualified_implementations() {
        assert!(implements("impl Labelled for File {", "Labelled"));
        assert!(implements("impl<S: Stored> stage::Recorded for Entry<S> {", "Recorded"));
        assert!(!implements("fn put(labelled: impl Labelled) {", "Labelled"));
    }
}
