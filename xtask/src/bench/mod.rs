//! `cargo xtask bench`: Danqing and its peers on this machine, in turns, and the table of BENCHMARKS.md.
//!
//! Our side (`benches/`) and each peer are processes that load models and time one run when told to; this one tells them, one at a
//! time, so that whatever else the machine does meets all of them alike.
use anyhow::{Context, Result, bail};
use environment::Environment;
use std::path::PathBuf;
use worker::Workers;

mod document;
mod environment;
mod matches;
mod table;
mod worker;

const USAGE: &str = "usage: cargo xtask bench [options]
  --only GROUP,…                   of kernels, block, pipeline, stable-diffusion, checkpoint, variations, scaling; default all
  --rounds N                       turns of each contestant; default depends on the group
  --python PATH                    use this Python, which has benches/requirements.txt, instead of making a virtual environment
  --stable-diffusion-python PATH   the same for benches/requirements-stable-diffusion.txt
  --work DIR                       virtual environment, checkpoints and logs; default target/bench
  --print                          print the sections without writing BENCHMARKS.md
  --tiny                           small models and one round, to try the command out; implies --print";

/// What the command line asked for.
struct Options {
    only: Vec<String>,
    rounds: Option<usize>,
    python: Option<PathBuf>,
    stable_diffusion_python: Option<PathBuf>,
    work: Option<PathBuf>,
    print: bool,
    tiny: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options =
            Self { only: Vec::new(), rounds: None, python: None, stable_diffusion_python: None, work: None, print: false, tiny: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value\n{USAGE}"));
            match argument.as_str() {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = Some(value()?.parse().context("--rounds takes a number")?),
                "--python" => options.python = Some(value()?.into()),
                "--stable-diffusion-python" => options.stable_diffusion_python = Some(value()?.into()),
                "--work" => options.work = Some(value()?.into()),
                "--print" => options.print = true,
                "--tiny" => options.tiny = true,
                _ => bail!("{USAGE}"),
            }
        }
        if let Some(unknown) = options.only.iter().find(|name| !matches::GROUPS.contains(&name.as_str())) {
            bail!("there is no group {unknown}\n{USAGE}");
        }
        if options.rounds == Some(0) {
            bail!("at least one round is needed");
        }
        Ok(options)
    }
}

pub fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let environment = Environment::prepare(&options)?;
    for group in matches::GROUPS {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == group) {
            continue;
        }
        let start = std::time::Instant::now();
        // Anew for each group: what a peer keeps of the last one must not take memory from the next.
        let mut workers = Workers::start(&environment)?;
        let section = table::section(group, &mut workers, &environment, &options)?;
        eprintln!("{group}: {:.0} s", start.elapsed().as_secs_f64());
        println!("\n{section}");
        if !options.print && !options.tiny {
            document::replace(&environment.root.join("BENCHMARKS.md"), group, &section)?;
        }
    }
    Ok(())
}
