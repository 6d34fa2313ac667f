//! Runs a training recipe: `train RECIPE.toml --data DIR --output DIR [--resume] [--initialise DIR] [--stage autoencoder|latents|denoiser]
//! [--max-minutes M] [--threads N]`, or `train RECIPE.toml --output DIR --export`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trainer::{Existing, Options, Stage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let recipe = PathBuf::from(arguments.next().ok_or("which recipe?")?);
    let mut options = Options {
        data: PathBuf::from("."),
        output: PathBuf::from("run"),
        existing: Existing::Refuse,
        initialise: None,
        until: Stage::Denoiser,
        time_limit: None,
    };
    let mut export = false;
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{flag} needs a value"));
        match flag.as_str() {
            "--data" => options.data = value()?.into(),
            "--output" => options.output = value()?.into(),
            "--initialise" => options.initialise = Some(value()?.into()),
            "--resume" => options.existing = Existing::Resume,
            "--export" => export = true,
            "--max-minutes" => options.time_limit = Some(Duration::from_secs_f32(60.0 * value()?.parse::<f32>()?)),
            "--threads" => kernels::pool::set_threads(value()?.parse()?),
            "--stage" => {
                options.until = match value()?.as_str() {
                    "autoencoder" => Stage::Autoencoder,
                    "latents" => Stage::Latents,
                    "denoiser" => Stage::Denoiser,
                    other => return Err(format!("there is no stage {other}").into()),
                }
            }
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    if export {
        return Ok(trainer::export(&recipe, &options.output)?);
    }
    let interrupt = Arc::new(AtomicBool::new(false));
    let flag = interrupt.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
    match trainer::train(&recipe, &options, &interrupt) {
        Err(trainer::Error::Interrupted) => {
            eprintln!("\n{}", trainer::Error::Interrupted);
            Ok(())
        }
        other => Ok(other?),
    }
}
