use crate::arguments::{LastStage, TrainOptions};
use crate::failure::Failure;
use crate::interrupt;
use std::time::Duration;
use trainer::{Existing, Options, Stage};

pub fn run(options: &TrainOptions) -> Result<u8, Failure> {
    let flag = interrupt::flag();
    let stages = Options {
        data: options.data.clone(),
        output: options.output.clone(),
        existing: if options.resume { Existing::Resume } else { Existing::Refuse },
        initialise: options.initialise.clone(),
        until: match options.stage {
            LastStage::Autoencoder => Stage::Autoencoder,
            LastStage::Latents => Stage::Latents,
            LastStage::Denoiser => Stage::Denoiser,
        },
        time_limit: options.max_minutes.map(|minutes| Duration::from_secs_f64((minutes * 60.0).clamp(0.0, 1e9))),
    };
    trainer::train(&options.recipe, &stages, &flag)?;
    println!("{}", options.output.join("model").display());
    Ok(0)
}
