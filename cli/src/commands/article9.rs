use crate::commands::ledger::{DEFAULT_LEDGER, find};
use crate::failure::Failure;
use crate::identity::system_user;
use crate::made::tell_made;
use crate::{interrupt, notes, stop_watch};
use clap::{Args, Subcommand};
use engine::families::{Control, Residency};
use installation::{Configuration, FirstUse, PartsOptions};
use ledger::{Account, Recipient, Record};
use pipeline::{Switch, UnlabelledCopy};
use serde_json::json;
use spec::stage::Granted as _;
use spec::{Code, ProduceId};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Existing;

#[derive(Subcommand)]
pub enum Article9Command {
    /// Accept the agreement and apply for an unlabelled copy of a recorded picture / 接受协议并申请
    Apply(ApplyOptions),
    /// Put on record that the recipient was identified, and approve / 核验接收人身份并批准
    Approve(ApproveOptions),
    /// Generate the picture again from its record, without the explicit label, for an approved application / 导出副本
    Export(ExportOptions),
    /// Applications, and whether they are approved / 列出申请
    List(ListOptions),
}

#[derive(Args)]
#[command(after_help = "Example / 示例:
  danqing article9 apply danqing-out/PICTURE.png --accept-agreement 2026-01 \\
      --recipient 某某出版社 --identity \"USCC 91110000100006666X\" --purpose 印刷样张

danqing.toml names the agreement, which must fix the user's own duty to label and responsibility for use (标识办法 article 9):
  article9_agreement = { version = \"2026-01\", file = \"agreement.md\" }")]
pub struct ApplyOptions {
    /// The picture's file, its ProduceID, or its entry / 图片文件、ProduceID 或条目序号
    #[arg(value_name = "FILE|PRODUCE_ID|ENTRY")]
    what: String,
    /// The agreement's version, which the applicant hereby accepts / 申请人接受的协议版本
    #[arg(long, value_name = "VERSION")]
    accept_agreement: String,
    /// Who receives the copy / 接收人
    #[arg(long, value_name = "NAME")]
    recipient: String,
    /// What identifies them, for example a unified social credit code / 接收人身份标识
    #[arg(long, value_name = "ID")]
    identity: String,
    /// What the copy is for / 用途
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// Who applies / 申请账户
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    account: Option<String>,
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    ledger: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing article9 approve 12 --identified-by \"核对营业执照原件\" --officer 张三")]
pub struct ApproveOptions {
    /// Entry of the application / 申请的账本条目
    application: u64,
    /// How the recipient's identity was checked / 身份核验方式
    #[arg(long, value_name = "TEXT")]
    identified_by: String,
    /// Who approves; by default the system user / 批准人
    #[arg(long, env = "DANQING_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    ledger: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Example / 示例:\n  danqing article9 export 12

The copy lies beside the ledger, has its own ProduceID and implicit label, and its record names the recipient.
副本与账本同目录，有自己的 ProduceID 与隐式标识，其记录含接收人信息。")]
pub struct ExportOptions {
    /// Entry of the application / 申请的账本条目
    application: u64,
    /// The copy's file name, in the ledger's folder / 副本文件名
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Who asks; by default the system user / 账户
    #[arg(long, env = "DANQING_ACCOUNT", value_name = "NAME")]
    account: Option<String>,
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    ledger: PathBuf,
    /// JSON on standard output / 以 JSON 输出
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct ListOptions {
    /// The ledger / 账本文件
    #[arg(long, default_value = DEFAULT_LEDGER, value_name = "FILE")]
    ledger: PathBuf,
    /// One JSON object per application / 以 JSON 输出
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Article9Command, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        Article9Command::Apply(options) => apply(options, configuration),
        Article9Command::Approve(options) => approve(options, configuration),
        Article9Command::Export(options) => export(options, configuration),
        Article9Command::List(options) => list(options, configuration),
    }
}

fn apply(options: &ApplyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let agreement = configuration.agreement()?;
    let (accepted, current) = (&options.accept_agreement, &agreement.version);
    if accepted != current {
        let message = format!("agreement {current} is in force, not {accepted} / 现行协议为 {current}，而不是 {accepted}");
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let index = find(&options.what, &options.ledger)?;
    let account = Account::new(&options.account.clone().unwrap_or_else(system_user))?;
    let mut ledger = configuration.open_ledger(&options.ledger)?;
    let produced = ledger.entry(index)?.and_then(|entry| entry.produced().map(|produced| produced.produce_id));
    let produce_id: ProduceId = produced
        .ok_or_else(|| Failure::new(Code::InvalidRequest, format!("entry {index} is not a picture / 第 {index} 条不是图片记录")))?;
    let (name, identity, purpose) = (options.recipient.clone(), options.identity.clone(), options.purpose.clone());
    let application = ledger.apply(produce_id, agreement, Recipient { name, identity, purpose }, &account)?;
    println!("application {application} / 申请编号 {application}");
    Ok(0)
}

fn approve(options: &ApproveOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let mut ledger = configuration.open_ledger(&options.ledger)?;
    let officer = options.officer.clone().unwrap_or_else(system_user);
    let index = ledger.approve(options.application, &officer, &options.identified_by)?;
    println!("approved, entry {index} / 已批准，账本条目 {index}");
    Ok(0)
}

fn export(options: &ExportOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let grant = configuration.open_ledger(&options.ledger)?.grant(options.application, &configuration.agreement()?)?;
    let request = grant.request().clone();
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| format!("{}.unlabelled-{}.{}", grant.copy_of(), options.application, request.asked.format().extension()));
    let folder = options.ledger.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let account = Account::new(&options.account.clone().unwrap_or_else(system_user))?;
    let mut first_use = FirstUse::of(configuration, folder)?;
    let (existing, residency) = (Existing::Refuse, Residency::OneAtATime);
    let mut parts = configuration.parts(PartsOptions { folder, ledger: &options.ledger, existing, residency })?;
    tell_made(&mut first_use);
    for warning in parts.admission.warnings() {
        notes::warn(warning.code(), warning);
    }
    let flag = interrupt::flag();
    stop_watch::start(Switch::of(&options.ledger, configuration.stop_file()), Arc::clone(&flag));
    let mut observe = |_| if flag.load(Ordering::SeqCst) { Control::Stop } else { Control::Continue };
    match parts.worker.unlabelled_copy(grant, &account, &name, &mut observe)? {
        UnlabelledCopy::Released(released) => {
            if options.json {
                println!("{}", json!(released));
            } else {
                println!("{}", released.path.display());
                eprintln!("  ProduceID {}  ledger entry / 账本条目 {}", released.produce_id, released.ledger_index);
                eprintln!("  the recipient has to label it wherever it is published / 接收人发布时须自行履行标识义务");
            }
            Ok(0)
        }
        UnlabelledCopy::Withheld(withheld) => {
            eprintln!("{}\n{}", withheld.chinese, withheld.english);
            Ok(Code::Refused.exit_code())
        }
        UnlabelledCopy::Refused(refused) => {
            eprintln!("{}\n{}", refused.refusal.chinese, refused.refusal.english);
            Ok(Code::Refused.exit_code())
        }
    }
}

fn list(options: &ListOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let ledger = configuration.open_ledger(&options.ledger)?;
    for (entry, approval) in ledger.applications()? {
        let recipient = ledger.reveal(&entry)?.personal.and_then(|personal| personal.recipient);
        let Record::Applied(application) = &entry.record else { continue };
        let deliveries = ledger.deliveries(entry.index)?;
        if options.json {
            let (picture, agreement, time) = (application.produce_id, &application.agreement, entry.time.to_rfc3339());
            println!(
                "{}",
                json!({"application": entry.index, "time": time, "picture": picture, "agreement": agreement, "recipient": recipient, "approval": approval, "deliveries": deliveries})
            );
            continue;
        }
        let state = approval.map_or_else(|| "not approved / 未批准".to_owned(), |index| format!("approved, entry {index} / 已批准"));
        let name = recipient.map_or_else(|| "(shredded / 已销毁)".to_owned(), |recipient| recipient.name);
        let indices: Vec<String> = deliveries.iter().map(u64::to_string).collect();
        let delivered = if indices.is_empty() { String::new() } else { format!("; delivered / 已交付: {}", indices.join(", ")) };
        println!("{}  {}  {}  {name}  {state}{delivered}", entry.index, entry.time.to_rfc3339(), application.produce_id);
    }
    Ok(0)
}
