//! `danqing verify`: what a file's marks say and what the ledger knows, of a few files or of a whole folder.

mod batch;
pub mod check;
mod print;

use crate::arguments::VerifyOptions;
use crate::failure::Failure;
use check::Checker;
use installation::Configuration;
use spec::Code;

pub fn run(options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    if let Some(folder) = &options.batch {
        return batch::run(folder, options, configuration);
    }
    let mut checker = Checker::new(options.ledger.as_deref(), configuration, configuration.watermark_key.as_deref())?;
    let mut all_good = true;
    for file in &options.files {
        let checked = checker.check(file)?;
        all_good &= checked.is_known_and_unchanged();
        if options.json { println!("{}", print::json(&checked)) } else { print::text(&checked) }
    }
    Ok(if all_good { 0 } else { Code::CheckFailed.exit_code() })
}
