//! `danqing verify`: what a file's marks say and what the ledger knows, of a few files or of a whole folder.

mod manifest;
mod options;
mod print;

pub use options::VerifyOptions;

use crate::failure::Failure;
use installation::Configuration;
use pipeline::verification::{Checker, Question, Settings, Tally, check_all, files_below};
use std::path::Path;
use std::time::Instant;

/// Text or JSON of each file, and the exit code of them all, by the one rule of `pipeline::verification`.
pub fn run(options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    verify(options, configuration).inspect_err(|failure| {
        if options.json {
            println!("{}", failure.json());
        }
    })
}

fn verify(options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let question = if options.no_ledger { Question::Marks } else { Question::Record };
    let looks_for_watermark = options.batch.is_none() || options.watermark;
    let settings = configuration.verification(question, options.ledger.as_deref(), looks_for_watermark)?;
    let tally = match &options.batch {
        Some(folder) => batch(folder, &settings, options)?,
        None => each(&settings, options),
    };
    Ok(tally.failure().map_or(0, spec::Code::exit_code))
}

fn each(settings: &Settings, options: &VerifyOptions) -> Tally {
    let mut checker = Checker::new(settings);
    let mut tally = Tally::default();
    for file in &options.files {
        let checked = checker.check(file);
        tally.count(&checked, settings.question);
        match checked {
            Ok(checked) if options.json => println!("{}", print::json(&checked, settings.question)),
            Ok(checked) => print::text(&checked, settings.question),
            Err(error) => tell_unreadable(file, error, options),
        }
    }
    tally
}

/// Every picture below `folder`, with as many threads as the process may use.
fn batch(folder: &Path, settings: &Settings, options: &VerifyOptions) -> Result<Tally, Failure> {
    let files = files_below(folder)?;
    let started = Instant::now();
    let mut tally = Tally::default();
    check_all(&files, settings, kernels::pool::threads(), &mut |file, checked| {
        tally.count(&checked, settings.question);
        match checked {
            Ok(checked) if options.json => println!("{}", print::json(&checked, settings.question)),
            Ok(checked) => print::faults(&checked, settings.question),
            Err(error) => tell_unreadable(file, error, options),
        }
    });
    print::summary(&tally, started.elapsed().as_secs_f64(), options.json);
    Ok(tally)
}

fn tell_unreadable(file: &Path, error: pipeline::Error, options: &VerifyOptions) {
    let failure = Failure::from(error);
    if options.json {
        let mut line = failure.json();
        line["file"] = file.display().to_string().into();
        println!("{line}");
    }
    failure.print();
}
