//! Licences, bans and sources of third-party crates, as `deny.toml` states them: what `cargo deny check licenses bans sources` would say,
//! from `cargo metadata` alone.
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `deny.toml` says.
struct Rules {
    allowed: Vec<String>,
    banned: Vec<String>,
    registries: Vec<String>,
}

pub fn faults(root: &Path) -> Result<Vec<String>> {
    let rules = Rules::read(root)?;
    Ok(packages(root)?.iter().flat_map(|package| rules.faults(package)).collect())
}

/// Every third-party package that this machine's builds and tests take in, as `cargo metadata` describes it.
pub fn packages(root: &Path) -> Result<Vec<Value>> {
    let all = metadata(root)?["packages"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|package| !package["source"].is_null()).collect())
}

/// All that cargo knows of this machine's builds.
pub fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host()?])
        .current_dir(root)
        .output()
        .context("running cargo metadata")?;
    serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The target that cargo builds for by default.
pub fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("running rustc")?;
    let text = String::from_utf8(output.stdout)?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc -vV names no host")
}

impl Rules {
    fn read(root: &Path) -> Result<Self> {
        let table: toml::Table = toml::from_str(&fs::read_to_string(root.join("deny.toml"))?).context("deny.toml")?;
        let texts = |section: &str, key: &str, inner: Option<&str>| -> Vec<String> {
            let list = table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            let text =
                |value: &toml::Value| inner.map_or(Some(value), |key| value.get(key)).and_then(toml::Value::as_str).map(str::to_owned);
            list.into_iter().flatten().filter_map(text).collect()
        };
        let rules = Self {
            allowed: texts("licenses", "allow", None),
            banned: texts("bans", "deny", Some("crate")),
            registries: texts("sources", "allow-registry", None),
        };
        if rules.allowed.is_empty() || rules.registries.is_empty() {
            bail!("deny.toml allows no licence or no registry");
        }
        Ok(rules)
    }

    fn faults(&self, package: &Value) -> Vec<String> {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let (name, version, licence, source) = (text("name"), text("version"), text("license"), text("source"));
        let mut faults = Vec::new();
        if !allows(&self.allowed, licence) {
            faults.push(format!("licences: {name} {version} has {licence:?}, which deny.toml does not allow"));
        }
        if self.banned.iter().any(|banned| banned == name) {
            faults.push(format!("licences: deny.toml bans {name}"));
        }
        if !self.registries.iter().any(|registry| source == format!("registry+{registry}")) {
            faults.push(format!("licences: {name} {version} comes from {source}, which deny.toml does not allow"));
        }
        faults
    }
}

/// Whether one may take a crate of that SPDX expression; a slash is the old way of writing OR.
fn allows(allowed: &[String], expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Expression { words: &words, allowed };
    let holds = parser.any();
    holds && parser.words.is_empty()
}

struct Expression<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl<'a> Expression<'a> {
    fn next_is(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.take();
        }
        found
    }

    fn take(&mut self) -> &'a str {
        let (first, rest) = self.words.split_first().unwrap_or((&"", &[]));
        self.words = rest;
        first
    }

    fn any(&mut self) -> bool {
        let mut holds = self.all();
        while self.next_is("OR") {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.next_is("AND") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.next_is("(") {
            let holds = self.any();
            return self.next_is(")") && holds;
        }
        let mut name = self.take().to_owned();
        if self.next_is("WITH") {
            name = format!("{name} WITH {}", self.take());
        }
        self.allowed.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rules, allows};
    use serde_json::json;

    #[test]
    fn expressions_are_read_as_spdx_says() {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
        for expression in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(allows(&allowed, expression), "{expression}");
        }
        for expression in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT WITH GCC-exception", "MIT OR (GPL-3.0 AND MIT))"] {
            assert!(!allows(&allowed, expression), "{expression}");
        }
    }

    #[test]
    fn licence_ban_and_source_are_named() {
        let rules = Rules { allowed: vec!["MIT".into()], banned: vec!["bad".into()], registries: vec!["https://index".into()] };
        let package = json!({"name": "bad", "version": "1", "license": "GPL-3.0", "source": "git+https://elsewhere"});
        assert_eq!(rules.faults(&package).len(), 3);
        let package = json!({"name": "good", "version": "1", "license": "MIT", "source": "registry+https://index"});
        assert!(rules.faults(&package).is_empty());
    }
}
