use crate::arguments::{LastStage, TrainOptions};
use crate::failure::Failure;
use crate::interrupt;
use installation::Configuration;
use provenance::Labeller;
use spec::{Clock as _, FileFormat, Picture, ProduceId, Sha256Digest, SystemClock};
use std::time::Duration;
use trainer::{Existing, Options, Stage};

pub fn run(options: &TrainOptions, configuration: &Configuration) -> Result<u8, Failure> {
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
    let labeller = Labeller::new(configuration.provider_code()?)?;
    trainer::train(&options.recipe, &stages, &|sheet| label_samples(&labeller, sheet), &flag)?;
    println!("{}", options.output.join("model").display());
    Ok(0)
}

/// Both labels for a sheet of samples. The digest of its pixels serves as the random part of its id.
fn label_samples(labeller: &Labeller, sheet: &Picture) -> Result<Vec<u8>, String> {
    let mut random = [0; 10];
    random.copy_from_slice(&Sha256Digest::of(sheet.pixels()).0[..10]);
    let id = ProduceId::new(SystemClock.now(), random);
    labeller.label_samples(sheet, FileFormat::Png, id).map_err(|error| error.to_string())
}
