use super::check::{Checked, Checker, Known};
use super::print;
use crate::arguments::VerifyOptions;
use crate::failure::Failure;
use installation::Configuration;
use provenance::LabelVerdict;
use serde_json::json;
use spec::Code;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Endings of the formats whose labels are read.
const ENDINGS: [&str; 17] =
    ["png", "jpg", "jpeg", "webp", "tif", "tiff", "gif", "svg", "mp4", "m4v", "mov", "glb", "heic", "heif", "avif", "apng", "jpe"];
/// Answers that may wait to be printed in order.
const WAITING: usize = 1_024;

/// Checks every picture below `folder`, with as many threads as the process may use. Lines come in the order of the paths.
pub fn run(folder: &Path, options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let files = files_below(folder)?;
    let watermark_key = configuration.watermark_key.as_deref().filter(|_| options.watermark);
    let (next, started) = (AtomicUsize::new(0), Instant::now());
    let mut totals = Totals::default();
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    std::thread::scope(|scope| -> Result<(), Failure> {
        for _ in 0..kernels::pool::threads().min(files.len()).max(1) {
            let mut checker = Checker::new(options.ledger.as_deref(), configuration, watermark_key)?;
            let (sender, next, files) = (sender.clone(), &next, &files);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    if sender.send((index, checker.check(file))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (index, checked) in &receiver {
            waiting.insert(index, checked);
            while let Some(checked) = waiting.remove(&due) {
                totals.take(&files[due], checked, options);
                due += 1;
            }
        }
        Ok(())
    })?;
    totals.print(started.elapsed().as_secs_f64(), options);
    Ok(if totals.faults == 0 { 0 } else { Code::CheckFailed.exit_code() })
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| Failure::reading(&folder, &error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Links are not followed, so that none leads around in a circle.
            let kind = entry.file_type().map_err(failed)?;
            let path = entry.path();
            let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[derive(Default)]
struct Totals {
    compliant: usize,
    noncompliant: usize,
    not_found: usize,
    inconclusive: usize,
    unreadable: usize,
    recorded: usize,
    changed: usize,
    faults: usize,
}

impl Totals {
    fn take(&mut self, file: &Path, checked: Result<Checked, Failure>, options: &VerifyOptions) {
        let checked = match checked {
            Ok(checked) => checked,
            Err(failure) => {
                self.unreadable += 1;
                self.faults += 1;
                if options.json {
                    println!("{}", json!({"file": file.display().to_string(), "error": failure.code().name()}));
                }
                return failure.print();
            }
        };
        match checked.report.verdict {
            LabelVerdict::Compliant => self.compliant += 1,
            LabelVerdict::Noncompliant => self.noncompliant += 1,
            LabelVerdict::NotFound => self.not_found += 1,
            LabelVerdict::Inconclusive => self.inconclusive += 1,
        }
        self.recorded += usize::from(matches!(checked.known, Known::Recorded(_)));
        self.changed += usize::from(matches!(checked.known, Known::Changed(_)));
        self.faults += usize::from(!checked.is_compliant());
        if options.json {
            println!("{}", print::json(&checked));
        } else if !checked.is_compliant() {
            let codes: Vec<&str> = checked.report.findings.iter().map(|finding| finding.code()).collect();
            let changed = if matches!(checked.known, Known::Changed(_)) { "  changed / 被改动" } else { "" };
            println!("{}: {}  {}{changed}", file.display(), print::verdict(checked.report.verdict), codes.join(", "));
        }
    }

    fn print(&self, seconds: f64, options: &VerifyOptions) {
        let files = self.compliant + self.noncompliant + self.not_found + self.inconclusive + self.unreadable;
        let rate = files as f64 / seconds.max(1e-9);
        if options.json {
            let summary = json!({"files": files, "compliant": self.compliant, "noncompliant": self.noncompliant, "not_found": self.not_found,
                "inconclusive": self.inconclusive, "unreadable": self.unreadable, "recorded": self.recorded, "changed": self.changed,
                "seconds": seconds, "files_per_second": rate});
            println!("{}", json!({"summary": summary}));
        } else {
            println!(
                "{files} files / 个文件: {} compliant / 合规, {} not compliant / 不合规, {} without label / 无标识, {} inconclusive / 无法判定, \
                 {} unreadable / 无法读取",
                self.compliant, self.noncompliant, self.not_found, self.inconclusive, self.unreadable
            );
            println!("ledger / 账本: {} recorded / 有记录, {} changed / 被改动", self.recorded, self.changed);
            println!("{seconds:.2} s, {rate:.0} files/s / 个每秒");
        }
    }
}
