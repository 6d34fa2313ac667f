//! Whoever can write to the database can remove and add rows beside the leaves: it changes no decision, and verification names it.
mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{LONG_AGO, Outcome, SetClock, account, content, decision, held, id, refusal, request, settings};
use ledger::{Account, Discrepancy, Error, Evidence, KeyFiles, Ledger, PromptStorage, Report, Snapshot, SuspensionCause};
use ledger::{verify, verify_against};
use rusqlite::Connection;
use spec::{Code, Sha256Digest, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::SqliteLog;
use tempfile::TempDir;

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("danqing-ledger.sqlite")
}

fn open(folder: &TempDir) -> Result<Ledger, Error> {
    let log = SqliteLog::open(&path(folder)).expect("the log opens");
    Ledger::open(Box::new(log), SetClock::at(LONG_AGO))?.with_vault(&settings(folder.path(), PromptStorage::Encrypted))
}

/// A refusal, a picture, two stops, and a suspension of another account.
fn ledger() -> Result<TempDir, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut ledger = open(&folder)?;
    ledger.append_refusal(&request(), &refusal(), &account())?;
    ledger.append(held(0), &account())?;
    ledger.append_refusal(&request(), &refusal(), &account())?;
    ledger.stop(decision())?;
    ledger.resume(decision())?;
    ledger.suspend(&Account::new("乙")?, SuspensionCause::InARow)?;
    ledger.append(held(1), &account())?;
    ledger.stop(decision())?;
    Ok(folder)
}

/// Changes the database as its own triggers forbid, and puts these back as they were.
fn tamper(folder: &TempDir, statement: &str) -> Outcome {
    let connection = Connection::open(path(folder))?;
    let triggers: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    connection.execute_batch(statement)?;
    for (_, sql) in &triggers {
        connection.execute_batch(sql)?;
    }
    Ok(())
}

fn report(folder: &TempDir) -> Result<Report, Error> {
    verify(&SqliteLog::open_to_verify(&path(folder)).expect("opens"))
}

#[test]
fn a_deleted_tag_undoes_no_stop_no_suspension_and_no_strike() -> Outcome {
    for statement in [
        "DELETE FROM tag WHERE tag = 'switch' AND position = 7",
        "DELETE FROM tag WHERE tag LIKE 'standing%'",
        "DELETE FROM tag WHERE tag LIKE 'refusal:%' AND position = 2",
        "DELETE FROM tag",
        "INSERT INTO tag VALUES ('switch', 5), ('switch', 1), ('switch', 900)",
        "UPDATE tag SET position = 6 WHERE tag = 'switch' AND position = 7",
    ] {
        let folder = ledger()?;
        assert!(report(&folder)?.is_sound());
        tamper(&folder, statement)?;
        let mut ledger = open(&folder)?;
        assert_eq!(ledger.halt()?.map(|halt| halt.index), Some(7), "{statement}");
        assert!(matches!(ledger.append(held(9), &account()), Err(Error::Stopped { .. })), "{statement}");
        assert!(ledger.history(&Account::new("乙")?, Timestamp(0))?.suspended.is_some(), "{statement}");
        assert_eq!(ledger.history(&account(), Timestamp(0))?.refusals.len(), 2, "{statement}");
        assert_eq!(ledger.suspensions()?.len(), 1, "{statement}");
        let report = report(&folder)?;
        assert!(!report.is_sound() && !report.discrepancies.is_empty(), "{statement}: {report}");
    }
    Ok(())
}

#[test]
fn a_foreign_row_is_found_and_spoils_nobodys_file() -> Outcome {
    let folder = ledger()?;
    let ours = Sha256Digest::of(&content(0));
    tamper(&folder, &format!("INSERT INTO tag VALUES ('content:{ours}', 6)"))?;
    assert_eq!(open(&folder)?.find_by_content(ours)?.map(|entry| entry.index), Some(1));
    let report = report(&folder)?;
    assert_eq!(report.discrepancies, [Discrepancy::TagForeign { tag: format!("content:{ours}"), index: 6 }], "{report}");
    Ok(())
}

#[test]
fn a_changed_key_hides_no_file() -> Outcome {
    let folder = ledger()?;
    tamper(&folder, "UPDATE leaf SET key = 'x' WHERE position = 1")?;
    assert_eq!(open(&folder)?.find(id(0))?.map(|entry| entry.index), Some(1));
    assert!(!report(&folder)?.is_sound());
    Ok(())
}

#[test]
fn keys_of_sealed_records_that_were_changed_or_deleted_are_missed() -> Outcome {
    type Sound = (bool, bool);
    // Whether it is sound without and with the record key.
    let cases: [(&str, Sound); 6] = [
        ("SELECT 1", (true, true)),
        ("DELETE FROM secret", (false, false)),
        ("DELETE FROM secret WHERE id = (SELECT max(id) FROM secret)", (false, false)),
        ("UPDATE secret SET keep_until = time", (false, false)),
        ("UPDATE secret SET content = zeroblob(length(content)) WHERE id <> zeroblob(16)", (true, false)),
        ("UPDATE secret SET content = zeroblob(length(content))", (true, false)),
    ];
    for (statement, (without, with)) in cases {
        let folder = ledger()?;
        tamper(&folder, statement)?;
        let log = SqliteLog::open_to_verify(&path(&folder))?;
        let key = settings(folder.path(), PromptStorage::Plain).key;
        let sealed = verify_against(&log, Evidence { record_key: Some(&key), keys: None })?;
        assert_eq!((verify(&log)?.is_sound(), sealed.is_sound()), (without, with), "{statement}: {sealed}");
        if with {
            assert_eq!(sealed.opened, 8);
        }
    }
    Ok(())
}

#[test]
fn what_was_shredded_is_explained() -> Outcome {
    let folder = tempfile::tempdir()?;
    let clock = SetClock::at(LONG_AGO);
    let settings = settings(folder.path(), PromptStorage::Encrypted);
    let log = SqliteLog::open(&path(&folder))?;
    let mut ledger = Ledger::open(Box::new(log), Arc::<SetClock>::clone(&clock))?.with_vault(&settings)?;
    ledger.append(held(0), &account())?;
    clock.pass_days(200);
    ledger.append(held(1), &account())?;
    assert_eq!(ledger.shred(Timestamp(LONG_AGO + 86_400_000), "张三")?, 1);
    assert!(report(&folder)?.is_sound());
    tamper(&folder, "DELETE FROM secret WHERE id <> zeroblob(16)")?;
    assert!(report(&folder)?.discrepancies.contains(&Discrepancy::SecretMissing { index: 1 }));
    assert!(!report(&folder)?.discrepancies.contains(&Discrepancy::SecretMissing { index: 0 }));
    Ok(())
}

#[test]
fn guards_are_compared_and_put_back() -> Outcome {
    for statement in [
        "DROP TRIGGER tag_is_never_removed",
        "DROP TRIGGER leaf_is_never_changed; CREATE TRIGGER leaf_is_never_changed BEFORE UPDATE ON leaf BEGIN SELECT 1; END",
        "CREATE TRIGGER more AFTER INSERT ON leaf BEGIN DELETE FROM secret; END",
        "DROP INDEX secret_by_time",
    ] {
        let folder = ledger()?;
        Connection::open(path(&folder))?.execute_batch(statement)?;
        let report_before = report(&folder)?;
        assert!(matches!(report_before.discrepancies[..], [Discrepancy::Storage(_)]), "{statement}: {report_before}");
        assert_eq!(open(&folder)?.notices().len(), 1, "{statement}");
        assert!(report(&folder)?.is_sound(), "{statement}");
        assert!(open(&folder)?.notices().is_empty(), "{statement}");
    }
    Ok(())
}

/// Removes the last leaves and writes the head that fits.
fn roll_back(folder: &TempDir, size: u64) -> Outcome {
    let log = SqliteLog::open(&path(folder))?;
    let mut frontier = ledger::Frontier::default();
    for index in 0..size {
        let row = spec::LogStorage::leaf(&log, index)?.ok_or("a leaf")?;
        frontier.push(ledger::leaf_hash(&row[32..]));
    }
    let peaks: Vec<String> = frontier.peaks().iter().map(|peak| format!("frontier {}\n", STANDARD.encode(peak.0))).collect();
    let lines = format!("{}{}", ledger::Checkpoint { size, root: frontier.root() }, peaks.concat());
    tamper(
        folder,
        &format!("DELETE FROM leaf WHERE position >= {size}; DELETE FROM tag WHERE position >= {size}; UPDATE head SET text = '{lines}'"),
    )
}

#[test]
fn a_roll_back_behind_the_checkpoint_beside_the_key_is_found() -> Outcome {
    let folder = ledger()?;
    let keys = KeyFiles::of(&path(&folder), None);
    keys.sign(&Snapshot::read(&SqliteLog::open(&path(&folder))?)?)?;
    let sound = |folder: &Path| {
        let log = SqliteLog::open_to_verify(&folder.join("danqing-ledger.sqlite")).expect("opens");
        verify_against(&log, Evidence { record_key: None, keys: Some(&keys) })
    };
    assert_eq!(sound(folder.path())?.continues, Some(8));
    open(&folder)?.resume(decision())?;
    assert!(sound(folder.path())?.is_sound(), "a longer ledger continues it");
    roll_back(&folder, 7)?;
    assert!(open(&folder)?.halt()?.is_none(), "without the checkpoint the stop is gone for good");
    assert!(report(&folder)?.is_sound());
    let report = sound(folder.path())?;
    assert!(matches!(report.discrepancies[..], [Discrepancy::Signed(_)]), "{report}");
    let error = open(&folder)?.check_last_signed(&keys).expect_err("must be found");
    assert_eq!(error.code(), Code::LedgerBroken);
    std::fs::remove_file(folder.path().join("danqing-ledger.vkey"))?;
    assert!(!sound(folder.path())?.is_sound(), "nor does it help to take the verifier key away");
    Ok(())
}

#[test]
fn a_ledger_whose_last_leaf_was_changed_does_not_open() -> Outcome {
    for statement in [
        "UPDATE leaf SET content = CAST(replace(CAST(content AS TEXT), '张三', '李四') AS BLOB) WHERE position = 7",
        "UPDATE leaf SET content = (SELECT content FROM leaf WHERE position = 3) WHERE position = 7",
        "DELETE FROM leaf WHERE position = 7",
        "UPDATE leaf SET content = x'00' WHERE position = 0",
    ] {
        let folder = ledger()?;
        tamper(&folder, statement)?;
        assert!(matches!(open(&folder), Err(Error::Broken { .. })), "{statement}");
    }
    Ok(())
}

#[test]
fn verifying_needs_no_readable_record_key() -> Outcome {
    let folder = ledger()?;
    let settings = settings(folder.path(), PromptStorage::Encrypted);
    let open = || Ledger::open(Box::new(SqliteLog::open_existing(&path(&folder)).expect("opens")), SetClock::at(LONG_AGO));
    let (ledger, none) = open()?.with_vault_if_readable(&settings);
    assert!(none.is_none() && ledger.reveal(&ledger.entry(1)?.ok_or("an entry")?)?.personal.is_some());
    // A folder cannot be read as a file, by nobody.
    std::fs::rename(&settings.key, folder.path().join("away"))?;
    std::fs::create_dir(&settings.key)?;
    let (ledger, why) = open()?.with_vault_if_readable(&settings);
    assert!(matches!(why, Some(Error::File { .. })), "{why:?}");
    let entry = ledger.find(id(0))?.ok_or("recorded")?;
    assert!(ledger.reveal(&entry)?.personal.is_none() && ledger.verify()?.is_sound());
    std::fs::remove_dir(&settings.key)?;
    let (_, why) = open()?.with_vault_if_readable(&settings);
    assert!(why.is_some() && !settings.key.exists(), "no key is made to read");
    Ok(())
}
