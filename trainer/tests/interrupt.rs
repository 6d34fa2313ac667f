//! A run that is stopped again and again, by its clock or by its caller, in every stage, ends with the bytes of a run that never
//! was; and a folder that holds a run is left alone unless the caller says to go on.

mod packages;
mod tiny;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use trainer::{Error, Existing, Options, Stage};

const AUTOENCODER_STEPS: usize = 5;
const DENOISER_STEPS: usize = 6;

/// Two phases, so that one stop falls between them, and two micro-batches a step.
fn write_recipe(folder: &Path) -> PathBuf {
    packages::write_packages(folder);
    let phase = |crop_size: usize, steps: usize| {
        format!(
            "[[autoencoder.phases]]\ncrop_size = {crop_size}\nbatch_size = 2\nsteps = {steps}\n[autoencoder.phases.optimisation]\n\
             learning_rate = 3e-3\nwarm_up_steps = 2\nschedule = \"cosine\"\nbeta_1 = 0.9\nbeta_2 = 0.99\nweight_decay = 0.01\n\
             gradient_clip = 1.0\naverage_decay = 0.9\n"
        )
    };
    let phases = phase(32, 3) + &phase(16, AUTOENCODER_STEPS - 3);
    let recipe = tiny::RECIPE
        .replace("precision = \"f32\"", "precision = \"bf16\"")
        .replace("none.toml", "recipe.toml")
        .replace("phases = []", "")
        .replace("[latents]", &format!("{phases}[latents]"))
        .replace("micro_batches = 1", "micro_batches = 2")
        .replace("steps = 100", &format!("steps = {DENOISER_STEPS}"))
        .replace("schedule = \"constant\"", "schedule = \"cosine\"");
    let path = folder.join("tiny.recipe.toml");
    std::fs::write(&path, recipe).unwrap();
    path
}

fn options(folder: &Path, output: &str, existing: Existing) -> Options {
    Options { data: folder.to_owned(), output: folder.join(output), existing, initialise: None, until: Stage::Denoiser, time_limit: None }
}

/// Every file below `folder` by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Lets `options` go on until `stop` no longer stops it; returns how often it did.
fn sittings(path: &Path, options: &Options, stop: impl Fn(&mut Options, &AtomicBool, usize)) -> usize {
    for stopped in 0..100 {
        let mut sitting = Options { existing: if stopped == 0 { options.existing } else { Existing::Resume }, ..options.clone() };
        let interrupt = AtomicBool::new(false);
        stop(&mut sitting, &interrupt, stopped);
        match trainer::train(path, &sitting, &tiny::encode, &interrupt) {
            Ok(()) => return stopped,
            Err(Error::Interrupted) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the run does not end")
}

#[test]
fn a_run_that_is_stopped_at_every_step_ends_with_the_bytes_of_an_uninterrupted_one() {
    let place = tempfile::tempdir().unwrap();
    let path = write_recipe(place.path());
    let whole = options(place.path(), "whole", Existing::Refuse);
    trainer::train(&path, &whole, &tiny::encode, &AtomicBool::new(false)).unwrap();

    // Already out of time or interrupted when it starts: every sitting makes one step, in turns for one reason and the other.
    let one_step = |sitting: &mut Options, interrupt: &AtomicBool, number: usize| {
        if number.is_multiple_of(2) {
            sitting.time_limit = Some(Duration::ZERO);
        } else {
            interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let parts = options(place.path(), "parts", Existing::Refuse);
    let autoencoder = Options { until: Stage::Autoencoder, ..parts.clone() };
    assert_eq!(sittings(&path, &autoencoder, one_step), AUTOENCODER_STEPS - 1);
    // Encoding is stopped before it wrote anything, and starts over.
    let latents = Options { until: Stage::Latents, existing: Existing::Resume, ..parts.clone() };
    let stop_once = |sitting: &mut Options, interrupt: &AtomicBool, number: usize| {
        if number == 0 {
            one_step(sitting, interrupt, number);
        }
    };
    assert_eq!(sittings(&path, &latents, stop_once), 1);
    let denoiser = Options { existing: Existing::Resume, ..parts.clone() };
    assert_eq!(sittings(&path, &denoiser, one_step), DENOISER_STEPS - 1);

    let (whole, parts) = (files(&whole.output), files(&parts.output));
    let names: Vec<_> = whole.keys().filter(|name| name.starts_with("model")).collect();
    assert!(names.iter().filter(|name| name.extension().is_some_and(|extension| extension == "safetensors")).count() == 3, "{names:?}");
    // Besides the model: the checkpoints, the latents, the captions, the tokenizer. Logs tell of their own sitting.
    let exact = |name: &Path| name.extension().is_none_or(|extension| extension != "jsonl" || name.ends_with("captions.jsonl"));
    assert!(whole.keys().eq(parts.keys()), "{:?}\n{:?}", whole.keys(), parts.keys());
    for (name, bytes) in whole.iter().filter(|(name, _)| exact(name)) {
        assert!(*bytes == parts[name], "{} differs", name.display());
    }
    let log = |files: &BTreeMap<PathBuf, Vec<u8>>, stage: &str| {
        let text = String::from_utf8(files[Path::new(&format!("{stage}.jsonl"))].clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| (line["step"].clone(), line["loss"].clone(), line["gradient_norm"].clone())).collect::<Vec<_>>()
    };
    for (stage, steps) in [("autoencoder", AUTOENCODER_STEPS), ("denoiser", DENOISER_STEPS)] {
        assert_eq!(log(&whole, stage), log(&parts, stage));
        assert_eq!(log(&whole, stage).len(), steps);
    }
    println!("{} files of {} are equal, {} of them the model's", whole.keys().filter(|name| exact(name)).count(), whole.len(), names.len());
}

#[test]
fn a_folder_with_a_run_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = write_recipe(place.path());
    let first = Options { time_limit: Some(Duration::ZERO), ..options(place.path(), "run", Existing::Refuse) };
    let never = AtomicBool::new(false);
    // A run that has only begun counts as one, and so does a whole one.
    assert!(matches!(trainer::train(&path, &first, &tiny::encode, &never), Err(Error::Interrupted)));
    for finish in [Existing::Resume, Existing::Refuse] {
        let before = files(&first.output);
        assert!(before.contains_key(Path::new("autoencoder.safetensors")));
        let refused = trainer::train(&path, &options(place.path(), "run", Existing::Refuse), &tiny::encode, &never);
        assert!(matches!(refused, Err(Error::Checkpoint { .. })), "{refused:?}");
        assert!(files(&first.output) == before, "the run was touched");
        if finish == Existing::Resume {
            trainer::train(&path, &options(place.path(), "run", finish), &tiny::encode, &never).unwrap();
        }
    }
}

#[test]
fn resuming_with_another_architecture_is_an_error_and_leaves_the_run_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = write_recipe(place.path());
    let first = Options { time_limit: Some(Duration::ZERO), ..options(place.path(), "run", Existing::Refuse) };
    let never = AtomicBool::new(false);
    assert!(matches!(trainer::train(&path, &first, &tiny::encode, &never), Err(Error::Interrupted)));
    let before = files(&first.output);
    let recipe = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, recipe.replace("latent_channels = 4", "latent_channels = 8")).unwrap();
    let refused = trainer::train(&path, &options(place.path(), "run", Existing::Resume), &tiny::encode, &never);
    assert!(matches!(refused, Err(Error::Checkpoint { .. })), "{refused:?}");
    assert!(files(&first.output) == before, "the run was touched");
}
