//! Reading the ledger: its entries by account, time, kind, text, or file.

use super::options::{ListOptions, SearchOptions, ShowOptions};
use super::{find, moment, print_entry, shown};
use crate::failure::Failure;
use installation::Configuration;
use ledger::{Account, Entry, Ledger, Record, Revealed};
use serde::Serialize;
use spec::{Code, SystemClock, Timestamp};
use std::path::Path;
use std::sync::Arc;
use store::SqliteLog;

/// Characters of a prompt that a line of a list shows.
const SHOWN: usize = 40;

/// An entry as JSON shows it: a leaf, its sealed texts opened where that is possible, and the names that are sealed in it.
#[derive(Serialize)]
struct Opened<'a> {
    entry: &'a Entry,
    time: String,
    account: Option<&'a str>,
}

pub fn list(options: &ListOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let ledger = open(&options.ledger.path(configuration), configuration)?;
    let since = options.since.as_deref().map(|date| moment("--since", date)).transpose()?.unwrap_or(Timestamp(0));
    // The whole of that day.
    let until = options.until.as_deref().map(|date| moment("--until", date)).transpose()?;
    let until = until.map_or(u64::MAX, |day| day.0.saturating_add(86_400_000));
    let places = match &options.account {
        Some(name) => ledger.entries_of(&Account::new(name)?)?,
        None => (0..ledger.length()?).collect(),
    };
    let mut found = Vec::new();
    for index in places.into_iter().rev() {
        if found.len() == options.limit {
            break;
        }
        let Some(entry) = ledger.entry(index)? else { continue };
        let of_kind = options.kind.as_deref().is_none_or(|kind| kind == entry.record.kind());
        if of_kind && entry.time >= since && entry.time.0 < until {
            found.push(entry);
        }
    }
    found.reverse();
    print_all(&ledger, &found, options.json)
}

pub fn search(options: &SearchOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let ledger = open(&options.ledger.path(configuration), configuration)?;
    let mut found = Vec::new();
    for index in ledger.entries_with_text(&options.text)? {
        found.extend(ledger.entry(index)?);
    }
    print_all(&ledger, &found, options.json)?;
    Ok(if found.is_empty() { Code::CheckFailed.exit_code() } else { 0 })
}

pub fn show(options: &ShowOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let path = &options.ledger.path(configuration);
    let index = find(&options.what, path)?;
    let ledger = open(path, configuration)?;
    let unknown = || Failure::new(Code::InvalidRequest, format!("the ledger has no entry {index} / 账本没有第 {index} 条"));
    let entry = ledger.entry(index)?.ok_or_else(unknown)?;
    let revealed = ledger.reveal(&entry)?;
    if options.json {
        return print_json(&revealed);
    }
    println!("entry / 条目 {index}: {}", entry.record.kind());
    print_entry(&revealed.entry);
    if let Some(account) = account(&revealed) {
        println!("  account / 账户: {account}");
    }
    if let Some(recipient) = revealed.personal.as_ref().and_then(|personal| personal.recipient.as_ref()) {
        println!("  recipient / 接收人: {} ({}): {}", recipient.name, recipient.identity, recipient.purpose);
    }
    Ok(0)
}

/// Sealed fields are opened where the record key is at hand.
fn open(path: &Path, configuration: &Configuration) -> Result<Ledger, Failure> {
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    Ok(ledger.with_vault_if_readable(&configuration.vault(path)?).0)
}

fn print_all(ledger: &Ledger, entries: &[Entry], as_json: bool) -> Result<u8, Failure> {
    for entry in entries {
        let revealed = ledger.reveal(entry)?;
        if as_json {
            print_json(&revealed)?;
            continue;
        }
        let entry = &revealed.entry;
        let account = account(&revealed).unwrap_or("-");
        println!("{:>6}  {}  {:<10}  {account}  {}", entry.index, entry.time.to_rfc3339(), entry.record.kind(), subject(&entry.record));
    }
    Ok(0)
}

fn account(revealed: &Revealed) -> Option<&str> {
    revealed.personal.as_ref()?.account.as_deref()
}

/// Straight to text: a detour by JSON values would show numbers of single precision with digits that nobody typed.
fn print_json(revealed: &Revealed) -> Result<u8, Failure> {
    let opened = Opened { entry: &revealed.entry, time: revealed.entry.time.to_rfc3339(), account: account(revealed) };
    println!("{}", serde_json::to_string(&opened).map_err(|error| Failure::new(Code::Internal, error))?);
    Ok(0)
}

/// What an entry is about, in a few words.
fn subject(record: &Record) -> String {
    let beginning = |text: &str| -> String {
        let text = shown(text).replace(char::is_control, " ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    match record {
        Record::Produced(produced) => format!("{}  {}", produced.release_name, beginning(&produced.request.texts.prompt)),
        Record::Delivered(delivery) => delivery.picture.release_name.clone(),
        Record::Relabelled(copied) => copied.release_name.clone(),
        Record::Refused(refused) => beginning(&refused.request.texts.prompt),
        Record::Withheld(withheld) => beginning(&withheld.request.texts.prompt),
        Record::Stopped(decision) | Record::Resumed(decision) | Record::Lifted(decision) => {
            format!("{}: {}", decision.officer, beginning(&decision.reason))
        }
        Record::Applied(application) => application.produce_id.to_string(),
        Record::Approved(approval) => format!("{}: {}", approval.application, approval.officer),
        Record::Shredded(shredding) => format!("{}: {}", shredding.officer, shredding.keys),
        Record::Suspended(_) => String::new(),
    }
}
