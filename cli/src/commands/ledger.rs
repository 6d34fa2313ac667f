mod export;
mod options;
mod read;
mod time_stamp;

pub use options::{DEFAULT_LEDGER, LedgerCommand};

use crate::failure::Failure;
use crate::identity::system_user;
use credentials::{Anchors, verify_time_stamp};
use installation::Configuration;
use ledger::{
    Entry, Evidence, InclusionProof, KeyFiles, Ledger, Record, Signed, SignedCheckpoint, Snapshot, TimestampResponse, VerifierKey,
};
use options::{CheckpointOptions, ProveOptions, ShredOptions, VerifyOptions};
use serde::Serialize;
use serde_json::json;
use spec::{Code, ProduceId, Sha256Digest, SystemClock, Timestamp};
use std::path::Path;
use std::sync::Arc;
use store::SqliteLog;

pub fn run(command: &LedgerCommand, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        LedgerCommand::List(options) => read::list(options, configuration),
        LedgerCommand::Show(options) => read::show(options, configuration),
        LedgerCommand::Search(options) => read::search(options, configuration),
        LedgerCommand::Verify(options) => match &options.proof {
            Some(proof) => verify_proof(proof, options),
            None => verify(options, configuration),
        },
        LedgerCommand::Checkpoint(options) => checkpoint(options, configuration),
        LedgerCommand::Prove(options) => prove(options, configuration),
        LedgerCommand::Export(options) => export::run(options, configuration),
        LedgerCommand::Shred(options) => shred(options, configuration),
    }
}

fn shred(options: &ShredOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let before = moment("--before", &options.before)?;
    let mut ledger = configuration.open_ledger(&options.ledger.path(configuration))?;
    let keys = ledger.shred(before, &options.officer.clone().unwrap_or_else(system_user))?;
    println!("{keys} keys destroyed / 已销毁 {keys} 个密钥");
    Ok(0)
}

/// The beginning of a day, in UTC.
fn moment(option: &str, date: &str) -> Result<Timestamp, Failure> {
    let day = date.parse::<policy::Date>();
    let day = day.map_err(|error| Failure::new(Code::InvalidRequest, format!("{option} {date}: {error}")))?;
    Ok(Timestamp(u64::try_from(day.days_since(policy::Date::from_unix_seconds(0))).unwrap_or(0) * 86_400_000))
}

fn verify(options: &VerifyOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let path = &options.ledger.path(configuration);
    let log = SqliteLog::open_to_verify(path)?;
    let (keys, record_key) = (key_files(path, configuration), configuration.vault(path)?.key);
    // Whoever may not read the key verifies all but what is sealed with it.
    let record_key = Some(record_key.as_path()).filter(|key| !options.without_record_key && std::fs::File::open(key).is_ok());
    let report = ledger::verify_against(&log, Evidence { record_key, keys: Some(&keys) })?;
    let mut stamped = None;
    let since = match &options.since {
        // A discrepancy beside the leaves is no reason not to compare these.
        Some(old) if report.fault.is_none() => {
            let key = verifier_key(options.vkey.as_deref(), &keys)?;
            let signed = SignedCheckpoint::open(&read_text(old)?, &key)?;
            if let Some(response) = &options.timestamp_response {
                let bytes = std::fs::read(response).map_err(|error| unreadable(response, &error))?;
                let time = TimestampResponse::read(&bytes)?.time_of(&signed)?.to_owned();
                let pinned =
                    options.timestamp_ca.as_deref().map(|path| Ok::<_, Failure>(Anchors::from_pem(&read_text(path)?)?)).transpose()?;
                stamped = Some((time, pinned.map(|pinned| verify_time_stamp(&bytes, &pinned))));
            }
            let old = signed.checkpoint();
            Some((old, Snapshot::read(&log)?.check_continues(old)))
        }
        _ => None,
    };
    let continues = since.as_ref().is_none_or(|(_, verdict)| verdict.is_ok());
    if options.json {
        let fault = report.fault.as_ref().map(|fault| json!({"index": fault.index, "problem": fault.problem.to_string()}));
        let discrepancies: Vec<String> = report.discrepancies.iter().map(ToString::to_string).collect();
        let mut answer = json!({"sound": report.is_sound(), "entries": report.length, "fault": fault, "root": report.root,
            "discrepancies": discrepancies, "signed_last": report.continues, "sealed_opened": record_key.map(|_| report.opened)});
        if let Some((old, verdict)) = &since {
            answer["since"] = json!({"entries": old.size, "continues": verdict.is_ok()});
            if let Some((time, signature)) = &stamped {
                answer["since"]["time_stamp"] = json!({"time": time, "signature": time_stamp::name(signature.as_ref())});
            }
        }
        println!("{answer}");
    } else {
        println!("{report}");
        match record_key {
            Some(key) => println!("{} sealed records opened with / 条加密记录已解密核对，密钥 {}", report.opened, key.display()),
            None => println!("sealed records were not opened: no record key was read / 未读取记录密钥，加密内容未解密核对"),
        }
        match &since {
            Some((old, Ok(()))) => {
                println!("it continues the signed checkpoint of {0} leaves / 账本延续了 {0} 叶的签名检查点", old.size);
            }
            Some((_, Err(error))) => println!("{error}"),
            None => {}
        }
        if let Some((time, signature)) = &stamped {
            time_stamp::print(time, signature.as_ref());
        }
    }
    let is_stamped = stamped.is_none_or(|(_, signature)| signature.is_none_or(|signature| time_stamp::holds(&signature)));
    Ok(match (report.is_sound() && continues, is_stamped) {
        (false, _) => Code::LedgerBroken.exit_code(),
        (true, false) => Code::CheckFailed.exit_code(),
        (true, true) => 0,
    })
}

fn verify_proof(proof: &Path, options: &VerifyOptions) -> Result<u8, Failure> {
    let vkey = options.vkey.as_deref().unwrap_or_default();
    let proven = InclusionProof::from_json(&read_text(proof)?)?.verify(&parse_key(vkey)?)?;
    let same_file = match &options.file {
        None => None,
        Some(file) => {
            let digest = Sha256Digest::of(&std::fs::read(file).map_err(|error| unreadable(file, &error))?);
            Some(proven.entry.content_sha256() == Some(digest))
        }
    };
    let (entry, size) = (&proven.entry, proven.checkpoint.size);
    if options.json {
        // Straight to text: a detour by JSON values would show numbers of single precision with digits that nobody typed.
        let answer = ProofAnswer { holds: true, entries: size, root: proven.checkpoint.root, entry, same_file };
        println!("{}", serde_json::to_string(&answer).map_err(|error| Failure::new(Code::Internal, error))?);
    } else {
        let index = entry.index;
        println!("the proof holds: entry {index} of a signed ledger of {size} / 证明成立：共 {size} 条的签名账本中的第 {index} 条");
        print_entry(entry);
        match same_file {
            Some(true) => println!("  the file is the recorded one / 文件与记录一致"),
            Some(false) => println!("  the file is NOT the recorded one / 文件与记录不一致"),
            None => {}
        }
    }
    Ok(if same_file == Some(false) { Code::CheckFailed.exit_code() } else { 0 })
}

/// What a proof showed, as JSON.
#[derive(Serialize)]
struct ProofAnswer<'a> {
    holds: bool,
    entries: u64,
    root: Sha256Digest,
    entry: &'a Entry,
    same_file: Option<bool>,
}

fn print_entry(entry: &Entry) {
    println!("  time / 时间: {}", entry.time.to_rfc3339());
    if let Some(produced) = entry.produced() {
        println!("  ProduceID: {}", produced.produce_id);
        println!("  SHA-256: {}", produced.content_sha256);
        println!("  prompt / 提示词: {}", shown(&produced.request.texts.prompt));
    }
    match &entry.record {
        Record::Produced(_) => {}
        Record::Relabelled(copied) => {
            println!("  id: {}", copied.relabelling.id);
            println!("  SHA-256: {}", copied.relabelling.content_sha256);
            println!("  made from / 源文件 SHA-256: {}", copied.relabelling.source_sha256);
        }
        Record::Withheld(withheld) => println!("  withheld / 拦截: {}", shown(&withheld.request.texts.prompt)),
        Record::Refused(refused) => println!("  refused / 拒绝: {}", shown(&refused.request.texts.prompt)),
        Record::Stopped(decision) => println!("  generation stopped / 停用生成服务: {}: {}", decision.officer, decision.reason),
        Record::Resumed(decision) => println!("  generation resumed / 恢复生成服务: {}: {}", decision.officer, decision.reason),
        Record::Suspended(_) => println!("  an account suspended / 账户暂停"),
        Record::Lifted(decision) => println!("  a suspension lifted / 解除账户暂停: {}: {}", decision.officer, decision.reason),
        Record::Applied(application) => {
            println!("  application for an unlabelled copy of / 申请不含显式标识的副本: {}", application.produce_id);
        }
        Record::Approved(approval) => println!("  application {0} approved / 批准申请 {0}: {1}", approval.application, approval.officer),
        Record::Delivered(delivery) => println!("  unlabelled copy of / 不含显式标识的副本，原图: {}", delivery.copy_of),
        Record::Shredded(shredding) => println!("  {0} keys destroyed / 已销毁 {0} 个密钥", shredding.keys),
    }
}

/// A prompt as it stands in the leaf.
pub fn shown(prompt: &str) -> &str {
    if prompt.is_empty() { "(sealed / 已加密或仅存摘要)" } else { prompt }
}

fn checkpoint(options: &CheckpointOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let path = &options.ledger.path(configuration);
    let log = SqliteLog::open_existing(path)?;
    let signed = sign(&Snapshot::read(&log)?, &key_files(path, configuration))?;
    if let Some(query) = &options.timestamp_query {
        store::write_output(query, &ledger::timestamp_query(&signed.checkpoint))?;
    }
    print!("{}", signed.checkpoint.text());
    Ok(0)
}

fn prove(options: &ProveOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let file = Path::new(&options.what);
    let beside = file.parent().map(|folder| folder.join(pipeline::LEDGER_FILE)).filter(|_| file.is_file());
    let path = options.ledger(beside, configuration);
    let index = find(&options.what, &path)?;
    let log = SqliteLog::open_existing(&path)?;
    let snapshot = Snapshot::read(&log)?;
    let unknown = || Failure::new(Code::InvalidRequest, format!("the ledger has no entry {index} / 账本没有第 {index} 条"));
    if index >= snapshot.checkpoint().size {
        return Err(unknown());
    }
    let signed = sign(&snapshot, &key_files(&path, configuration))?;
    let proof = snapshot.prove(index, &signed.checkpoint)?.ok_or_else(unknown)?.to_json()?;
    match &options.out {
        None => print!("{proof}"),
        Some(out) => {
            store::write_output(out, proof.as_bytes())?;
            println!("{}", out.display());
        }
    }
    Ok(0)
}

/// The index of the entry that the user means.
pub fn find(what: &str, path: &Path) -> Result<u64, Failure> {
    let file = Path::new(what);
    if let (false, Ok(index)) = (file.exists(), what.parse()) {
        return Ok(index);
    }
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    let found = match what.parse::<ProduceId>() {
        Ok(id) if !file.exists() => ledger.find(id)?,
        _ => {
            let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
            ledger.find_by_content(Sha256Digest::of(&bytes))?
        }
    };
    let unknown = || {
        let path = path.display();
        Failure::new(
            Code::CheckFailed,
            format!(
                "the ledger {path} does not know {what} (a changed file has another digest) / 账本 {path} 中没有 {what} 的记录（改动过的文件摘要不同）"
            ),
        )
    };
    found.map(|entry| entry.index).ok_or_else(unknown)
}

fn key_files(ledger: &Path, configuration: &Configuration) -> KeyFiles {
    KeyFiles::of(ledger, configuration.ledger_key.as_deref())
}

fn sign(snapshot: &Snapshot<'_>, keys: &KeyFiles) -> Result<Signed, Failure> {
    let signed = keys.sign(snapshot)?;
    for notice in &signed.notices {
        eprintln!("note / 提示: {notice}");
    }
    Ok(signed)
}

fn verifier_key(given: Option<&str>, keys: &KeyFiles) -> Result<VerifierKey, Failure> {
    if let Some(text) = given {
        return parse_key(text);
    }
    eprintln!(
        "note / 提示: checked with the key beside the ledger; --vkey names your own copy / 使用账本旁的公钥核验，可用 --vkey 指定自存公钥"
    );
    Ok(keys.verifier()?)
}

/// A verifier key's text, or the file that holds it.
fn parse_key(text: &str) -> Result<VerifierKey, Failure> {
    let key = text.parse::<VerifierKey>().or_else(|_| {
        let contents = std::fs::read_to_string(text).map_err(|_| None)?;
        contents.parse::<VerifierKey>().map_err(Some)
    });
    key.map_err(|error: Option<ledger::ParseKeyError>| {
        let reason = error
            .map_or_else(|| "neither a verifier key nor a readable file / 既不是验证公钥，也不是可读的文件".to_owned(), |e| e.to_string());
        Failure::new(Code::ConfigurationInvalid, format!("--vkey {text}: {reason}"))
    })
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::reading(path, error)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::writing(path, error)
}
