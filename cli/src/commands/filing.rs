use super::today;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use engine::ModelDefaults;
use filing::{Evaluation, Finding, FindingKind, Located, ManifestSummary, ModelRecord, Records, Subject};
use installation::{Configuration, trust};
use ledger::{Snapshot, Statistics};
use policy::{Bank, Lexicon};
use serde_json::json;
use spec::Code;
use std::path::{Path, PathBuf};
use store::SqliteLog;
use trainer::data::Registry;

/// The subject file when none is named.
const DEFAULT_SUBJECT: &str = "filing.toml";
/// The ledger when the subject file names none.
const DEFAULT_LEDGER: &str = "danqing-out/danqing-ledger.sqlite";

#[derive(Subcommand)]
pub enum FilingCommand {
    /// Print an empty subject file: every field, its form and clause / 打印空白的主体信息文件
    Template,
    /// Write the documents, DOCX and Markdown, in Chinese / 生成备案材料
    Build(BuildOptions),
    /// Say what is missing, out of date, or contradicts the records / 核对备案材料
    Check(CheckOptions),
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing filing template > filing.toml        # then fill in what you know
  danqing filing build filing-2026-11

Writes 算法备案 (7 documents), 生成式人工智能服务备案 (6 and the keywords as CSV), 应用商店标识材料, 模型卡, a cover that lists every
gap with its clause, and records.json. Every value names the record it was read from; what no record says is marked 【待补】.
每个值注明所据记录；没有记录的一律标【待补】，并列于封面。")]
pub struct BuildOptions {
    /// Folder to write; must not exist / 输出文件夹
    pub(super) out: PathBuf,
    /// The subject file / 主体信息文件
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SUBJECT)]
    pub(super) subject: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Exit code 1 when anything but notes is found. That nothing is found does not mean that a service conforms.
除提示外有任何发现时退出码为 1；没有发现不等于合规。")]
pub struct CheckOptions {
    /// The subject file / 主体信息文件
    #[arg(long, value_name = "FILE", default_value = DEFAULT_SUBJECT)]
    pub(super) subject: PathBuf,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    pub(super) json: bool,
}

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
    let records = gather(&options.subject, configuration)?;
    let bundle = filing::build(&records, &options.out)?;
    println!("{} files / 个文件 → {}", bundle.files.len(), options.out.display());
    println!("{} gaps, listed on the cover / 处缺项，见封面", bundle.gaps);
    Ok(0)
}

fn check(options: &CheckOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let findings = filing::check(&gather(&options.subject, configuration)?);
    let blocking = findings.iter().filter(|finding| finding.kind != FindingKind::Note).count();
    if options.json {
        println!("{}", json!({"passed": blocking == 0, "findings": findings}));
    } else {
        for Finding { kind, clause, english, chinese, .. } in &findings {
            println!("{} {clause}\n    {english}\n    {chinese}", kind_name(*kind));
        }
        let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
        println!(
            "{} gaps, {} out of date, {} numbers missed, {} contradictions, {} notes / 缺项 {0}，过期 {1}，未达标 {2}，矛盾 {3}，提示 {4}",
            count(FindingKind::Gap),
            count(FindingKind::Stale),
            count(FindingKind::Missed),
            count(FindingKind::Contradiction),
            count(FindingKind::Note)
        );
    }
    Ok(if blocking == 0 { 0 } else { Code::CheckFailed.exit_code() })
}

fn kind_name(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Gap => "GAP           缺项",
        FindingKind::Stale => "OUT OF DATE   过期",
        FindingKind::Missed => "MISSED        未达标",
        FindingKind::Contradiction => "CONTRADICTION 矛盾",
        FindingKind::Note => "note          提示",
    }
}

/// Reads everything that the subject file and the configuration name.
fn gather(subject: &Path, configuration: &Configuration) -> Result<Records, Failure> {
    if !subject.exists() {
        let path = subject.display();
        let message = format!("{path} is missing; danqing filing template > {path} makes one / 缺少 {path}，可用该命令生成");
        return Err(Failure::new(Code::ConfigurationInvalid, message));
    }
    let subject = Subject::read(subject)?;
    let trust = trust(&configuration.trusted_keys)?;
    let mut lexicons = vec![Lexicon::builtin()?];
    for path in &configuration.lexicons {
        lexicons.push(Lexicon::read_trusting(path, &trust)?);
    }
    let bank = |path: &Path| -> Result<Bank, Failure> { Ok(Bank::parse(&read_text(path)?, &path.display().to_string())?) };
    Ok(Records {
        today: today(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: configuration.path().to_owned(),
        provider_code: configuration.provider_code()?,
        explicit_label: configuration.explicit_label.clone().unwrap_or_else(|| provenance::DEFAULT_EXPLICIT_TEXT.to_owned()),
        watermark: configuration.watermark_key.is_some(),
        classifiers: configuration.screening().names().into_iter().map(str::to_owned).collect(),
        appeal_contact: configuration.appeal_contact.clone(),
        trusted_keys: configuration.trusted_keys.len(),
        lexicons,
        model: model(&subject)?,
        registry: located(&subject, "data_registry", |path| Ok(Registry::read(path)?))?,
        manifest: located(&subject, "data_manifest", |path| Ok(ManifestSummary::read(path)?))?,
        bank: located(&subject, "bank", bank)?,
        evaluation: located(&subject, "evaluation", |path| Ok(Evaluation::read(path)?))?,
        ledger: statistics(&subject, configuration)?,
        subject,
    })
}

fn located<T>(subject: &Subject, name: &str, read: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<Option<Located<T>>, Failure> {
    let Some(path) = subject.record_path(name) else { return Ok(None) };
    let record = read(&path)?;
    Ok(Some(Located { path, record }))
}

fn model(subject: &Subject) -> Result<ModelRecord, Failure> {
    let named = subject.value("records.model").unwrap_or(installation::DEFAULT_MODEL);
    let place = subject.record_path("model").filter(|path| path.is_dir());
    let name = place.as_ref().map_or_else(|| named.to_owned(), |path| path.display().to_string());
    let folder = installation::find_model(&name)?;
    let defaults = ModelDefaults::read(&folder)?;
    let beside = place.map(|path| path.join("MODEL_CARD.md")).filter(|path| path.exists());
    let card = match subject.record_path("model_card").or(beside) {
        Some(path) => Some(Located { record: read_text(&path)?, path }),
        None => None,
    };
    Ok(ModelRecord {
        identity: folder.identity(named)?,
        inspection: engine::model_folder::inspect(&folder)?,
        defaults: (defaults.width, defaults.height, defaults.num_inference_steps),
        card,
    })
}

fn statistics(subject: &Subject, configuration: &Configuration) -> Result<Option<Located<Statistics>>, Failure> {
    let path = match subject.record_path("ledger").or_else(|| configuration.ledger.clone()) {
        Some(path) => path,
        None if Path::new(DEFAULT_LEDGER).exists() => PathBuf::from(DEFAULT_LEDGER),
        None => return Ok(None),
    };
    let log = SqliteLog::open_existing(&path)?;
    let record = Statistics::read(&Snapshot::read(&log)?)?;
    Ok(Some(Located { path, record }))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::reading(path, &error))
}
