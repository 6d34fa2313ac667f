//! Every third-party crate that a room names has its line in `docs/dependencies.md`.
use crate::arrows;
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

pub fn faults(root: &Path, metadata: &Value) -> Result<Vec<String>> {
    let explained = fs::read_to_string(root.join("docs/dependencies.md"))?;
    let members = arrows::members(metadata);
    let rooms: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
    let named: BTreeSet<&String> = members.iter().flat_map(|(_, dependencies)| dependencies).filter(|name| !rooms.contains(name)).collect();
    let missing =
        named.into_iter().filter(|name| !explained.contains(&format!("| {name} |")) && !explained.contains(&format!("| `{name}` |")));
    Ok(missing.map(|name| format!("dependencies: {name} has no line in docs/dependencies.md")).collect())
}
