//! The processes that are measured, and the orders they take (`benches/src/main.rs` describes them).
use super::environment::Environment;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Who runs a contestant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Danqing,
    Diffusers,
    StableDiffusion,
}

/// One process.
struct Worker {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    about: Value,
}

/// All processes; a peer that does not start is a reason instead.
pub struct Workers {
    danqing: Worker,
    diffusers: Result<Worker, String>,
    stable_diffusion: Result<Worker, String>,
}

impl Worker {
    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().with_context(|| format!("{command:?}"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else { bail!("{command:?} has no pipes") };
        let mut worker = Self { process, input, output: BufReader::new(output), about: Value::Null };
        worker.about = worker.order(&json!({"do": "about"}))?;
        Ok(worker)
    }

    fn order(&mut self, order: &Value) -> Result<Value> {
        writeln!(self.input, "{order}")?;
        self.input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("it ended; its log says why");
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Workers {
    pub fn start(environment: &Environment) -> Result<Self> {
        let peer = |python: &Path, script: &str, log: &str| {
            let mut command = Command::new(python);
            command.arg(environment.root.join("benches").join(script)).current_dir(&environment.root);
            Worker::start(&mut command, &environment.logs.join(log)).map_err(|error| format!("{error:#}"))
        };
        let mut ours = Command::new(&environment.ours);
        Ok(Self {
            danqing: Worker::start(ours.current_dir(&environment.root), &environment.logs.join("danqing.log"))?,
            diffusers: peer(&environment.python, "peer_diffusers.py", "diffusers.log"),
            stable_diffusion: peer(&environment.stable_diffusion_python, "peer_stable_diffusion.py", "stable-diffusion.log"),
        })
    }

    /// What our side says of itself.
    pub fn about(&self) -> &Value {
        &self.danqing.about
    }

    /// Names and versions of the peers that run, and why the others do not.
    pub fn peers(&self) -> String {
        let line = |peer: &Result<Worker, String>, name: &str| match peer {
            Ok(worker) => worker.about["versions"].as_str().unwrap_or(name).to_owned(),
            Err(reason) => format!("{name} left out ({reason})"),
        };
        format!("{}; {}", line(&self.diffusers, "PyTorch and diffusers"), line(&self.stable_diffusion, "stable-diffusion.cpp"))
    }

    /// Threads that all sides use unless told otherwise.
    pub fn threads(&self) -> usize {
        self.about()["threads"].as_u64().unwrap_or(1) as usize
    }

    /// Gives `order` to `side` and returns the `seconds` of its answer, 0 where it has none.
    pub fn order(&mut self, side: Side, order: &Value) -> Result<f64> {
        let worker = match side {
            Side::Danqing => Ok(&mut self.danqing),
            Side::Diffusers => self.diffusers.as_mut(),
            Side::StableDiffusion => self.stable_diffusion.as_mut(),
        };
        let answer = worker.map_err(|reason| anyhow::anyhow!("{reason}"))?.order(order)?;
        Ok(answer["seconds"].as_f64().unwrap_or(0.0))
    }

    /// Drops what all sides have loaded.
    pub fn clear(&mut self) {
        for side in [Side::Danqing, Side::Diffusers, Side::StableDiffusion] {
            // A side that has ended holds nothing.
            let _ = self.order(side, &json!({"do": "clear"}));
        }
    }
}
