use crate::arguments::LedgerVerifyOptions;
use crate::failure::Failure;
use serde_json::json;
use spec::Code;
use store::SqliteLog;

pub fn verify(options: &LedgerVerifyOptions) -> Result<u8, Failure> {
    let report = ledger::verify(&SqliteLog::open_existing(&options.ledger)?)?;
    if options.json {
        let fault = report.fault.as_ref().map(|fault| json!({"index": fault.index, "problem": fault.problem.to_string()}));
        println!("{}", json!({"sound": report.is_sound(), "entries": report.length, "fault": fault, "root": report.root}));
    } else {
        println!("{report}");
    }
    Ok(if report.is_sound() { 0 } else { Code::LedgerBroken.exit_code() })
}
