use crate::arguments::VerifyOptions;
use crate::configuration::Configuration;
use crate::failure::Failure;
use ledger::{Entry, Ledger};
use provenance::{LabelReport, LabelVerdict, read_labels, read_watermark};
use serde_json::json;
use spec::{Code, Sha256Digest, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::SqliteLog;

/// Largest file that is read: a picture of 8192 × 8192 in the least compressed format is below it.
const MAXIMUM_BYTES: u64 = 1 << 30;

/// What the ledger knows of a file.
enum Known {
    /// No ledger was found.
    NoLedger(PathBuf),
    /// No entry has this file's digest or ProduceID.
    Unknown,
    /// An entry has its ProduceID, but other content: the file was changed.
    Changed(Box<Entry>),
    /// An entry has its digest.
    Recorded(Box<Entry>),
}

pub fn run(options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let mut all_good = true;
    for file in &options.files {
        let bytes = read(file)?;
        let report = read_labels(&bytes);
        let ledger_path = options.ledger.clone().unwrap_or_else(|| beside(file, pipeline::LEDGER_FILE));
        let ledger = if ledger_path.exists() { Some(open(&ledger_path)?) } else { None };
        let known = match &ledger {
            Some(ledger) => look_up(ledger, &bytes, &report)?,
            None => Known::NoLedger(ledger_path),
        };
        let mark = read_mark(&bytes, configuration, ledger.as_ref())?;
        all_good &= matches!(known, Known::Recorded(_)) && report.label.is_some();
        if options.json { print_json(file, &report, &known, &mark) } else { print_text(file, &report, &known, &mark) }
    }
    Ok(if all_good { 0 } else { Code::CheckFailed.exit_code() })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Code::StorageFailed, format!("cannot read {0}: {error} / 无法读取 {0}：{error}", file.display()))
    };
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > MAXIMUM_BYTES {
        let message = format!("{} is larger than any picture ({length} bytes) / 文件过大", file.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    std::fs::read(file).map_err(failed)
}

fn beside(file: &Path, name: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(name)
}

fn open(path: &Path) -> Result<Ledger, Failure> {
    Ok(Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?)
}

/// What the invisible watermark says.
enum Mark {
    /// The configuration names no key to look with.
    NoKey,
    /// None was found: the picture never had one, or lost it.
    NotFound,
    /// One was found, and which entry it belongs to, if the ledger knows it.
    Found(u64, Option<Box<Entry>>),
}

fn read_mark(bytes: &[u8], configuration: &Configuration, ledger: Option<&Ledger>) -> Result<Mark, Failure> {
    let Some(path) = &configuration.watermark_key else { return Ok(Mark::NoKey) };
    let key = pipeline::read_watermark_key(path)?;
    let Some(mark) = read_watermark(bytes, key) else { return Ok(Mark::NotFound) };
    let entry = ledger.map(|ledger| ledger.find_by_mark(mark)).transpose()?.flatten();
    Ok(Mark::Found(mark, entry.map(Box::new)))
}

fn look_up(ledger: &Ledger, bytes: &[u8], report: &LabelReport) -> Result<Known, Failure> {
    let digest = Sha256Digest::of(bytes);
    let by_id = match &report.label {
        Some(label) => ledger.find(label.produce_id)?,
        None => None,
    };
    let matches = |entry: &Entry| entry.produced().is_some_and(|produced| produced.content_sha256 == digest);
    match by_id {
        Some(entry) if matches(&entry) => Ok(Known::Recorded(Box::new(entry))),
        Some(entry) => Ok(Known::Changed(Box::new(entry))),
        None => Ok(ledger.find_by_content(digest)?.map_or(Known::Unknown, |entry| Known::Recorded(Box::new(entry)))),
    }
}

fn print_json(file: &Path, report: &LabelReport, known: &Known, mark: &Mark) {
    let (state, entry) = match known {
        Known::NoLedger(_) => ("no_ledger", None),
        Known::Unknown => ("unknown", None),
        Known::Changed(entry) => ("changed", Some(entry)),
        Known::Recorded(entry) => ("recorded", Some(entry)),
    };
    let watermark = match mark {
        Mark::NoKey => json!({"state": "no_key"}),
        Mark::NotFound => json!({"state": "not_found"}),
        Mark::Found(mark, entry) => {
            let produced = entry.as_ref().and_then(|entry| entry.produced());
            json!({"state": "found", "mark": format!("{mark:012x}"), "produce_id": produced.map(|produced| produced.produce_id)})
        }
    };
    println!("{}", json!({"file": file.display().to_string(), "label": report, "ledger": state, "entry": entry, "watermark": watermark}));
}

fn print_text(file: &Path, report: &LabelReport, known: &Known, mark: &Mark) {
    println!("{}", file.display());
    let verdict = match report.verdict {
        LabelVerdict::Compliant => "compliant / 合规",
        LabelVerdict::Noncompliant => "not compliant / 不合规",
        LabelVerdict::NotFound => "not found / 未找到",
        LabelVerdict::Inconclusive => "inconclusive / 无法判定",
    };
    println!("  implicit label / 隐式标识: {verdict}");
    for finding in &report.findings {
        println!("    {}: {} / {}", finding.code(), finding.english(), finding.chinese());
    }
    for text in &report.raw {
        println!("    {text}");
    }
    match known {
        Known::NoLedger(path) => println!("  ledger / 账本: none at {} / 未找到账本", path.display()),
        Known::Unknown => println!("  ledger / 账本: does not know this file / 无此文件的记录"),
        Known::Changed(entry) => {
            println!(
                "  ledger / 账本: entry {} has this ProduceID but other content: the file was changed / 条目 {} 的内容与文件不符：文件被改动过",
                entry.index, entry.index
            );
        }
        Known::Recorded(entry) => print_entry(entry),
    }
    match mark {
        Mark::NoKey => println!("  watermark / 水印: not looked for, no key is configured / 未配置密钥，未检查"),
        Mark::NotFound => println!("  watermark / 水印: not found / 未找到"),
        Mark::Found(mark, None) => println!("  watermark / 水印: {mark:012x}, which the ledger does not know / 账本中没有对应记录"),
        Mark::Found(mark, Some(entry)) => {
            let id = entry.produced().map(|produced| produced.produce_id.to_string()).unwrap_or_default();
            println!("  watermark / 水印: {mark:012x}, entry {} with ProduceID {id} / 对应条目 {}", entry.index, entry.index);
        }
    }
}

fn print_entry(entry: &Entry) {
    println!("  ledger / 账本: entry {} of {} / 条目 {}", entry.index, entry.time.to_rfc3339(), entry.index);
    if let Some(produced) = entry.produced() {
        println!("    prompt / 提示词: {}", produced.request.prompt);
        println!("    model / 模型: {} ({})", produced.model.name, produced.model.sha256);
        println!("    seed / 种子: {}  explicit label / 显式标识: {}", produced.seed, produced.explicit_label);
    }
}
