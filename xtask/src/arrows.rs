//! Which crate may depend on which: the arrows of ARCHITECTURE.md, and the crates that only one room may see.
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Room and the rooms it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("kernels", &[]),
    ("engine", &["design", "kernels", "spec"]),
    ("trainer", &["engine", "kernels", "spec"]),
    ("policy", &["engine", "spec"]),
    ("credentials", &["spec"]),
    ("provenance", &["credentials", "spec", "watermark"]),
    ("watermark", &["kernels", "spec"]),
    ("ledger", &["spec"]),
    ("store", &["spec"]),
    ("pipeline", &["credentials", "engine", "ledger", "policy", "provenance", "spec", "store"]),
    ("installation", &["credentials", "engine", "ledger", "pipeline", "policy", "provenance", "spec", "store"]),
    ("design", &["kernels"]),
    ("filing", &["engine", "ledger", "policy", "provenance", "spec", "trainer"]),
    (
        "cli",
        &[
            "credentials",
            "engine",
            "filing",
            "installation",
            "kernels",
            "ledger",
            "pipeline",
            "policy",
            "provenance",
            "spec",
            "store",
            "trainer",
        ],
    ),
    // Only ever a development dependency, which this table does not count: no room lists it.
    ("testkit", &["spec"]),
    ("benches", &["engine", "installation", "kernels", "spec"]),
    ("xtask", &["provenance", "spec"]),
];

/// Third-party crates that exactly one room sees, so that replacing them touches one room.
const GUARDED: &[(&str, &str)] = &[
    ("rusqlite", "store"),
    ("ab_glyph", "provenance"),
    ("clap", "cli"),
    ("zip", "filing"),
    ("p256", "credentials"),
    ("x509-cert", "credentials"),
    ("ureq", "installation"),
];

pub fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .context("running cargo metadata")?;
    serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Name and normal (not dev) dependencies of every workspace member.
pub fn members(metadata: &Value) -> Vec<(String, Vec<String>)> {
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().cloned().unwrap_or_default();
            let names = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap_or_default().to_owned())
                .collect();
            (package["name"].as_str().unwrap_or_default().to_owned(), names)
        })
        .collect()
}

pub fn faults(metadata: &Value) -> Vec<String> {
    let members = members(metadata);
    let rooms: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let mut faults = Vec::new();
    for (name, dependencies) in &members {
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| room == name) else {
            faults.push(format!("arrows: room {name} is not in the table of xtask/src/arrows.rs"));
            continue;
        };
        for dependency in dependencies {
            if rooms.contains(&dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                faults.push(format!("arrows: {name} may not depend on {dependency}"));
            }
            if let Some((guarded, owner)) = GUARDED.iter().find(|(guarded, owner)| guarded == dependency && owner != name) {
                faults.push(format!("arrows: only {owner} may depend on {guarded}, not {name}"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::faults;
    use serde_json::json;

    #[test]
    fn a_forbidden_arrow_is_named() {
        let package = |name: &str, dependency: &str| json!({"name": name, "dependencies": [{"name": dependency, "kind": null}]});
        let metadata = json!({"packages": [package("spec", "serde"), package("ledger", "store"), package("store", "rusqlite"), package("policy", "rusqlite"), package("store", "testkit"), package("testkit", "spec")]});
        let found = faults(&metadata);
        assert_eq!(
            found,
            [
                "arrows: ledger may not depend on store",
                "arrows: only store may depend on rusqlite, not policy",
                "arrows: store may not depend on testkit"
            ]
        );
    }
}
