//! What has to be there before the first measurement: our binary, the peers' virtual environment, the random checkpoints.
use super::Options;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tokenizer of the random pipeline.
const TOKENIZER: &str = "testkit/goldens/pipelines/ernie-image/tokenizer";

/// Places.
pub struct Environment {
    pub root: PathBuf,
    /// Logs of the workers.
    pub logs: PathBuf,
    /// Folder of the random checkpoints `block` and `pipeline`.
    pub models: PathBuf,
    pub ours: PathBuf,
    pub python: PathBuf,
    /// A Python with stable-diffusion.cpp's package; it may be missing there.
    pub stable_diffusion_python: PathBuf,
    pub tiny: bool,
}

impl Environment {
    pub fn prepare(options: &Options) -> Result<Self> {
        let root = crate::workspace_root();
        let work = options.work.clone().unwrap_or_else(|| root.join("target/bench"));
        fs::create_dir_all(&work)?;
        let work = work.canonicalize()?;
        check(Command::new(env!("CARGO")).args(["build", "--release", "--package", "benches"]).current_dir(&root))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let python = options.python.clone().map_or_else(|| virtual_environment(&root, &work), Ok)?;
        let models = work.join(if options.tiny { "tiny" } else { "models" });
        let environment = Self {
            ours: target.join("release/benches"),
            stable_diffusion_python: options.stable_diffusion_python.clone().unwrap_or_else(|| python.clone()),
            logs: work,
            models,
            python,
            tiny: options.tiny,
            root,
        };
        environment.write_models()?;
        Ok(environment)
    }

    /// Of the working tree, `+` where it has changes.
    pub fn commit(&self) -> String {
        let git = Command::new("git").args(["describe", "--always", "--dirty=+", "--exclude=*"]).current_dir(&self.root).output();
        git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    }

    fn write_models(&self) -> Result<()> {
        // Written last, so that an interrupted run starts over.
        let done = self.models.join("done");
        let script = self.root.join("benches/models.py");
        let wanted = fs::read(&script)?;
        if fs::read(&done).is_ok_and(|made_by| made_by == wanted) {
            return Ok(());
        }
        eprintln!("writing random checkpoints to {}", self.models.display());
        let mut command = Command::new(&self.python);
        command.arg(&script).arg(&self.models).arg(TOKENIZER).current_dir(&self.root);
        check(command.args(self.tiny.then_some("--tiny")))?;
        Ok(fs::write(done, wanted)?)
    }
}

/// Made once; stable-diffusion.cpp is compiled there, and may fail to.
fn virtual_environment(root: &Path, work: &Path) -> Result<PathBuf> {
    let folder = work.join("venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let done = folder.join("installed");
    let requirements = root.join("benches/requirements.txt");
    let wanted = fs::read(&requirements)?;
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    eprintln!("making a virtual environment in {}", folder.display());
    check(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    check(Command::new(&python).args(["-m", "pip", "install", "--requirement"]).arg(&requirements))?;
    let optional = root.join("benches/requirements-stable-diffusion.txt");
    if let Err(error) = check(Command::new(&python).args(["-m", "pip", "install", "--requirement"]).arg(optional)) {
        eprintln!("stable-diffusion.cpp is left out: {error:#}");
    }
    fs::write(done, wanted)?;
    Ok(python)
}

fn check(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
