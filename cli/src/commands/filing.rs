mod options;
mod records;

pub use options::FilingCommand;

use crate::failure::Failure;
use filing::{Observation, ObservationKind, Subject, Tally};
use installation::Configuration;
use options::{BuildOptions, CheckOptions};
use serde_json::json;
use spec::Code;

pub fn run(command: &FilingCommand, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        FilingCommand::Template => {
            print!("{}", Subject::template());
            Ok(0)
        }
        FilingCommand::Build(options) => build(options, configuration),
        FilingCommand::Check(options) => check(options, configuration),
    }
}

fn build(options: &BuildOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let records = records::gather(&options.subject, configuration)?;
    let bundle = filing::build(&records, &options.out)?;
    println!("{} files / 个文件 → {}", bundle.files.len(), options.out.display());
    print_tally(&bundle.observations);
    let contradicted: Vec<&Observation> = bundle.observations.iter().filter(|found| found.is_contradicted_conclusion()).collect();
    for Observation { english, chinese, .. } in &contradicted {
        eprintln!("{english}\n    {chinese}");
    }
    Ok(if contradicted.is_empty() { 0 } else { Code::CheckFailed.exit_code() })
}

fn check(options: &CheckOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let observations = filing::check(&records::gather(&options.subject, configuration)?);
    let passed = Tally::of(&observations).blocking() == 0;
    if options.json {
        println!("{}", json!({"passed": passed, "findings": observations}));
    } else {
        for Observation { kind, clause, english, chinese, .. } in &observations {
            println!("{} {clause}\n    {english}\n    {chinese}", kind_name(*kind));
        }
        print_tally(&observations);
    }
    Ok(if passed { 0 } else { Code::CheckFailed.exit_code() })
}

fn kind_name(kind: ObservationKind) -> &'static str {
    match kind {
        ObservationKind::Gap => "GAP           缺项",
        ObservationKind::Stale => "OUT OF DATE   过期",
        ObservationKind::Missed => "MISSED        未达标",
        ObservationKind::Unsupported => "UNSUPPORTED   无佐证",
        ObservationKind::Contradiction => "CONTRADICTION 矛盾",
        ObservationKind::Note => "note          提示",
    }
}

fn print_tally(observations: &[Observation]) {
    let tally = Tally::of(observations);
    println!("{} / {}", tally.english(), tally.chinese());
}
