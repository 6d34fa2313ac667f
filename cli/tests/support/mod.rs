//! Runs the real binary in a folder of its own.
#![allow(dead_code, reason = "each test binary uses its own part")]

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that the binary runs in.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_danqing"));
        command.current_dir(self.path());
        // Keys and configuration of whoever runs the tests stay out of them.
        command.env("XDG_CONFIG_HOME", self.home("config")).env("XDG_DATA_HOME", self.home("data"));
        command
    }

    /// A user's folder for configuration, data or caches.
    pub fn home(&self, name: &str) -> PathBuf {
        self.path().join("home").join(name)
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.command().args(arguments).output().expect("the binary runs")
    }

    /// Runs with few steps and `--json`; one object for each picture.
    pub fn generate(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(["generate", "--steps", "2", "--json"].iter().chain(arguments));
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Visible and hidden files below the folder, the ledger and the test certificate left out.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a readable folder") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if ["danqing-ledger", "danqing-c2pa-test"].iter().any(|name| path.to_string_lossy().contains(name)) => {}
                    false => found.push(path),
                }
            }
        }
        found
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("testkit/goldens/pipelines").join(name)
}
