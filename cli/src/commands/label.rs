//! `danqing label` and `danqing convert`: files that are there already leave again with their labels, recorded.

use crate::arguments::{ConvertOptions, LabelOptions};
use crate::failure::Failure;
use crate::made::tell_made;
use crate::{identity, notes, stop_watch};
use credentials::Source;
use installation::{Configuration, FirstUse};
use ledger::{Account, Ledger};
use pipeline::verification::read_sidecar;
use pipeline::{DerivedFiles, PassingOn, ReleasedDerivedFile, Switch};
use provenance::{Conversion, DEFAULT_EXPLICIT_TEXT, EarlierPropagator, Ground, check_explicit_text};
use serde_json::json;
use spec::{Code, KindOfWork, Sha256Digest, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Existing, SqliteLog};

pub fn run(options: &LabelOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let code = configuration.propagator_code()?.ok_or_else(|| {
        let message = "passing a file on needs propagator_code, your 27-character code, in the configuration / 传播文件需在配置中设置 propagator_code（27 位编码）";
        Failure::new(Code::ConfigurationInvalid, message)
    })?;
    let source = Original::read(&options.file)?;
    check_ending(&options.out, &source.bytes)?;
    let passing = PassingOn {
        propagator_code: code,
        label_key: Box::new(|| Ok(configuration.label_key()?)),
        ground: match (options.declared, options.suspected) {
            (true, _) => Some(Ground::Declared),
            (_, true) => Some(Ground::Suspected),
            _ => None,
        },
        earlier: if options.replace_propagator { EarlierPropagator::Replace } else { EarlierPropagator::Keep },
    };
    let (folder, name) = target(&options.out)?;
    let mut first_use = FirstUse::of(configuration, &folder)?;
    let derived = open(&options.file, &folder, options.force, options.account.as_deref(), configuration)?;
    let released = derived.pass_on(&source.source(), passing, &name)?;
    tell_made(&mut first_use);
    let notice = notice(&released.relabelling.label);
    tell(&released, options.json, Some(notice));
    Ok(0)
}

pub fn convert(options: &ConvertOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let source = Original::read(&options.file)?;
    let (folder, name) = target(&options.out)?;
    let ending = options.out.extension().and_then(|ending| ending.to_str()).and_then(|ending| KindOfWork::Picture.format(ending).ok());
    let format = options.format.or(ending).ok_or_else(|| {
        Failure::new(
            Code::InvalidRequest,
            "--out ends in no format that is written; give --format png, jpeg or webp / 请用 --format 指定格式",
        )
    })?;
    if ending != Some(format) {
        let message = format!("--out ends in another format than --format {format} / --out 的扩展名与 --format {format} 不一致");
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let configured = configuration.explicit_label.as_deref().unwrap_or(DEFAULT_EXPLICIT_TEXT);
    check_explicit_text(configured)?;
    let shown = explicit_label_of(&ledger_of(&options.file, configuration), &source.bytes)?;
    let conversion = Conversion {
        format,
        fit: options.resize.or(options.thumbnail.map(|side| (side, side))),
        enlarge: options.resize.is_some(),
        shows_label: shown.is_some(),
        explicit_text: shown.unwrap_or_else(|| configured.to_owned()),
    };
    let mut first_use = FirstUse::of(configuration, &folder)?;
    let derived = open(&options.file, &folder, options.force, options.account.as_deref(), configuration)?;
    let released = derived.convert(&source.source(), &conversion, &name)?;
    tell_made(&mut first_use);
    tell(&released, options.json, None);
    Ok(0)
}

/// A file that is there already, with the C2PA manifest that may lie beside it.
struct Original {
    bytes: Vec<u8>,
    sidecar: Option<Vec<u8>>,
}

impl Original {
    fn read(file: &Path) -> Result<Self, Failure> {
        Ok(Self { bytes: pipeline::read_user_file(file, pipeline::MOST_FILE_BYTES)?, sidecar: read_sidecar(file)? })
    }

    /// Without its name, which is nobody's business where the copy goes.
    fn source(&self) -> Source<'_> {
        Source { bytes: &self.bytes, sidecar: self.sidecar.as_deref(), title: None }
    }
}

/// For the folder of the copy, unless a stop binds it, this installation, or the ledger beside the file that is copied.
fn open<'a>(
    file: &Path,
    folder: &Path,
    force: bool,
    account: Option<&str>,
    configuration: &'a Configuration,
) -> Result<DerivedFiles<'a>, Failure> {
    let stop_file = configuration.stop_file();
    let source = ledger_of(file, configuration);
    Switch::of(&source, stop_file).check()?;
    let account = Account::new(&account.map_or_else(identity::system_user, str::to_owned))?;
    check_account(&source, &account, configuration)?;
    let record = configuration.record_options(&configuration.ledger_of(folder))?;
    let ledger = record.ledger.clone();
    let existing = if force { Existing::Replace } else { Existing::Refuse };
    let signs_in = folder.to_owned();
    let signer = Box::new(move || Ok(configuration.signer(&signs_in)?));
    let derived = DerivedFiles::of(folder, existing, signer, account, record)?;
    stop_watch::start(Switch::of(&ledger, stop_file), Arc::default());
    Ok(derived)
}

/// Copying into another folder is no way around a suspension in the ledger where the picture was made, if that is ours to read.
fn check_account(path: &Path, account: &Account, configuration: &Configuration) -> Result<(), Failure> {
    if !path.exists() {
        return Ok(());
    }
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    match ledger.with_vault_if_readable(&configuration.vault(path)?) {
        (ledger, None) => Ok(pipeline::check_account(&ledger, account)?),
        (_, Some(_)) => Ok(()),
    }
}

/// The ledger of a file: the configured one, or the one beside it.
fn ledger_of(file: &Path, configuration: &Configuration) -> PathBuf {
    configuration.ledger_of(file.parent().unwrap_or(Path::new("")))
}

/// The explicit label that Danqing drew into exactly these bytes, if the ledger knows. An article 9 copy has none, and gets one
/// as any other picture.
fn explicit_label_of(path: &Path, bytes: &[u8]) -> Result<Option<String>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    let entry = ledger.find_by_content(Sha256Digest::of(bytes))?;
    let text = entry.and_then(|entry| entry.produced().map(|produced| produced.explicit_label.clone()));
    Ok(text.filter(|text| !text.is_empty()))
}

/// Folder and file name.
fn target(out: &Path) -> Result<(PathBuf, String), Failure> {
    let name = out.file_name().and_then(|name| name.to_str()).filter(|_| !out.is_dir());
    let name = name.ok_or_else(|| Failure::new(Code::InvalidRequest, "--out must be a file name / --out 应为文件名"))?;
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name.to_owned()))
}

/// A file that is passed on keeps its format, and its name must not say another.
fn check_ending(out: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // What has no format is refused further on, with a reason of its own.
    let Some(format) = provenance::format_of(bytes) else { return Ok(()) };
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if format.endings().contains(&ending.as_str()) {
        return Ok(());
    }
    let endings = format.endings().join(", .");
    let message = format!(
        "the file is {format}, and --out must end in .{endings}; danqing convert changes the format / 文件为 {format} 格式，--out 的扩展名应为 .{endings}；转换格式请用 danqing convert"
    );
    Err(Failure::new(Code::InvalidRequest, message))
}

/// What article 6 asks a platform to tell the public beside the file.
fn notice(label: &str) -> &'static str {
    let kind = serde_json::from_str::<serde_json::Value>(label).ok().and_then(|label| label["Label"].as_str().map(str::to_owned));
    match kind.as_deref() {
        Some("1") => "属于人工智能生成合成内容 / is AI-generated",
        Some("2") => "可能为人工智能生成合成内容 / may be AI-generated",
        _ => "疑似人工智能生成合成内容 / is suspected to be AI-generated",
    }
}

fn tell(released: &ReleasedDerivedFile, as_json: bool, notice: Option<&str>) {
    if let Some(warning) = released.warning {
        notes::warn(warning.code(), warning);
    }
    for notice in &released.notices {
        eprintln!("note / 提示: {notice}");
    }
    for loss in &released.losses {
        notes::warn("loss", format_args!("{} / {}", loss.english(), loss.chinese()));
    }
    if as_json {
        let mut line = json!(released);
        line["notice"] = notice.into();
        println!("{line}");
        return;
    }
    println!("{}", released.path.display());
    if let Some(sidecar) = &released.sidecar {
        eprintln!("  C2PA manifest / C2PA 清单 {}", sidecar.display());
    }
    eprintln!("  label / 标识 {}", released.relabelling.label);
    eprintln!("  ledger entry / 账本条目 {}", released.ledger_index);
    if let Some(notice) = notice {
        eprintln!("  show beside the file / 请在文件周边显著提示: {notice}");
    }
}
