use super::options::{ReportOptions, ResumeOptions, StopOptions};
use crate::failure::Failure;
use filing::{Document, Stop};
use installation::Configuration;
use ledger::{Decision, Ledger};
use pipeline::Switch;
use spec::{Clock as _, SystemClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::SqliteLog;

/// Every process has halted by then: see `stop_watch`.
const HALTED_AFTER: Duration = Duration::from_secs(2);

/// Stops by both means, each whether or not the other one works: this is no moment to give up at the first error.
pub fn stop(options: &StopOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let path = &options.officer.ledger;
    let decision = options.officer.decision();
    let closed = Switch::of(path, configuration.stop_file()).close(SystemClock.now(), &decision);
    let recorded = record(path, decision);
    match &recorded {
        Ok((_, index)) => println!("generation is stopped, entry {index} / 生成服务已停用，账本条目 {index}"),
        Err(_) if closed.is_ok() => println!(
            "the stop file {0} stops every process with this configuration; THE STOP IS NOT ON RECORD / 停用标志文件 {0} 已使同一配置的所有进程停用；但停用未能记入账本",
            configuration.stop_file().display()
        ),
        Err(_) => {}
    }
    std::thread::sleep(HALTED_AFTER);
    let (ledger, index) = recorded?;
    let report = options.report.clone().unwrap_or_else(|| path.with_file_name(format!("danqing-stop-report-{index}.md")));
    let written = document(&ledger, path).and_then(|document| write(&report, &document));
    if written.is_ok() {
        println!("report / 报告: {}", report.display());
    }
    if let Err(error) = closed {
        let message = format!("{error}; PROCESSES WITH OTHER LEDGERS ARE NOT STOPPED / 使用其他账本的进程未停用");
        return Err(Failure::new(error.code(), message));
    }
    written.map(|()| 0)
}

fn record(path: &Path, decision: Decision) -> Result<(Ledger, u64), Failure> {
    // Where nothing was drawn yet there is no ledger, and the stop is its first entry.
    store::prepare_folder(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    let mut ledger = Ledger::open(Box::new(SqliteLog::open(path)?), Arc::new(SystemClock))?;
    let index = ledger.stop(decision)?;
    Ok((ledger, index))
}

pub fn resume(options: &ResumeOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let path = &options.officer.ledger;
    let mut ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    let recorded = ledger.resume(options.officer.decision());
    // The file last: it may belong to the stop of another ledger, and is then all that is left to end.
    let removed = Switch::of(path, configuration.stop_file()).open()?;
    match recorded {
        Ok(index) => println!("generation goes on, entry {index} / 生成服务已恢复，账本条目 {index}"),
        Err(ledger::Error::NotStopped) if removed => {
            println!("the stop file is removed; this ledger was not stopped / 已移除停用标志文件；此账本并未停用");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(0)
}

pub fn report(options: &ReportOptions) -> Result<u8, Failure> {
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(&options.ledger)?), Arc::new(SystemClock))?;
    let document = document(&ledger, &options.ledger)?;
    match &options.out {
        None => print!("{}", filing::markdown(&document)),
        Some(out) => {
            write(out, &document)?;
            println!("{}", out.display());
        }
    }
    Ok(0)
}

fn document(ledger: &Ledger, path: &Path) -> Result<Document, Failure> {
    Ok(filing::stop_report(&Stop { ledger, path, hidden_files: hidden_files(path) })?)
}

/// Files beside the ledger that are recorded but not released.
fn hidden_files(ledger: &Path) -> usize {
    let folder = ledger.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.strip_suffix(".part").is_some_and(|stem| stem.starts_with(".danqing-"))).count()
}

/// Writes DOCX where the name says so, and Markdown otherwise.
fn write(path: &Path, document: &Document) -> Result<(), Failure> {
    let is_docx = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("docx"));
    let bytes = if is_docx {
        filing::docx(document).map_err(|error| Failure::writing(path, &error))?
    } else {
        filing::markdown(document).into_bytes()
    };
    Ok(store::write_output(path, &bytes)?)
}
