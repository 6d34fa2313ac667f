//! Whatever byte of a ledger is changed, verification finds it and names the leaf.
mod common;

use common::{Outcome, account, clock, content, held, id, refusal, request};
use ledger::{Discrepancy, Error, Head, LeafFault, Ledger, Problem, leaf_hash, verify};
use rusqlite::{Connection, params};
use spec::{Code, LogStorage};
use std::fs;
use std::path::{Path, PathBuf};
use store::SqliteLog;
use tempfile::TempDir;

/// Three pictures, a refusal, and one more picture.
fn small_ledger() -> Result<(TempDir, PathBuf), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let mut ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), clock())?;
    for number in 0..3 {
        ledger.append(held(number), &account())?;
    }
    ledger.append_refusal(&request(), &refusal(), &account())?;
    ledger.append(held(4), &account())?;
    assert!(ledger.verify()?.is_sound());
    Ok((folder, path))
}

const LEAVES: u64 = 5;

/// A connection that may do what the ledger's own never does.
fn tamperer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "DROP TRIGGER leaf_is_never_changed; DROP TRIGGER leaf_is_never_removed; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY",
    )?;
    Ok(connection)
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1 << (place % 8);
    bytes
}

#[test]
fn of_a_leaf_or_its_hash() -> Outcome {
    let (_folder, path) = small_ledger()?;
    let connection = tamperer(&path)?;
    let log = SqliteLog::open_to_verify(&path)?;
    let write = |index: u64, row: &[u8]| connection.execute("UPDATE leaf SET content = ?2 WHERE position = ?1", params![index as i64, row]);
    let mut flips = 0;
    for index in 0..LEAVES {
        let row = log.leaf(index)?.ok_or("no row")?;
        for place in 0..row.len() {
            write(index, &flipped(&row, place))?;
            let report = verify(&log)?;
            assert_eq!(report.fault, Some(LeafFault { index, problem: Problem::Hash }), "leaf {index}, byte {place}");
            assert_eq!((report.checked, report.head, report.is_sound()), (index, Head::Unchecked, false));
            flips += 1;
        }
        for changed in [&row[..row.len() - 1], &row[..31], &[], &[&row[..], b" "].concat()] {
            write(index, changed)?;
            assert_eq!(verify(&log)?.fault, Some(LeafFault { index, problem: Problem::Hash }), "{} bytes", changed.len());
        }
        write(index, &row)?;
        assert_eq!(verify(&log)?.fault, None);
    }
    assert!(flips > 2_000, "only {flips} bytes were tried");
    Ok(())
}

#[test]
fn of_a_key() -> Outcome {
    let (_folder, path) = small_ledger()?;
    let connection = tamperer(&path)?;
    let log = SqliteLog::open_to_verify(&path)?;
    for index in 0..LEAVES {
        let key: String = connection.query_row("SELECT key FROM leaf WHERE position = ?1", [index as i64], |row| row.get(0))?;
        let write = |key: &str| connection.execute("UPDATE leaf SET key = ?2 WHERE position = ?1", params![index as i64, key]);
        for place in 0..key.len() {
            let mut changed = key.clone().into_bytes();
            // A bit that makes no key of another leaf.
            changed[place] ^= 0x40;
            write(&String::from_utf8(changed)?)?;
            assert_eq!(verify(&log)?.fault, Some(LeafFault { index, problem: Problem::Key }), "leaf {index}, byte {place}");
        }
        write(&key)?;
    }
    assert_eq!(verify(&log)?.fault, None);
    Ok(())
}

#[test]
fn of_a_tag() -> Outcome {
    for (statement, index) in [
        ("DELETE FROM tag WHERE position = 2", 2),
        ("UPDATE tag SET tag = tag || ' ' WHERE position = 1", 1),
        ("UPDATE tag SET position = 3 WHERE position = 0", 0),
        ("INSERT INTO tag SELECT tag, 4 FROM tag WHERE position = 1", 4),
        ("INSERT INTO tag SELECT tag, 99 FROM tag WHERE position = 1", 99),
    ] {
        let (_folder, path) = small_ledger()?;
        tamperer(&path)?.execute_batch(&format!("DROP TRIGGER tag_is_never_changed; DROP TRIGGER tag_is_never_removed; {statement}"))?;
        let report = verify(&SqliteLog::open(&path)?)?;
        let named = |discrepancy: &Discrepancy| matches!(discrepancy, Discrepancy::TagMissing { index: found, .. } | Discrepancy::TagForeign { index: found, .. } if *found == index);
        assert!(!report.is_sound() && report.discrepancies.iter().any(named), "{statement}: {report}");
        let ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), clock())?;
        let found = ledger.find_by_content(spec::Sha256Digest::of(&content(1)))?;
        assert_eq!(found.map(|entry| entry.index), Some(1), "{statement}");
    }
    Ok(())
}

#[test]
fn an_older_ledger_is_upgraded_and_still_sound() -> Outcome {
    let (_folder, path) = small_ledger()?;
    Connection::open(&path)?.execute_batch("DROP TABLE tag; DROP TABLE secret; PRAGMA user_version = 1")?;
    let ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), clock())?;
    assert!(ledger.verify()?.is_sound());
    let found = ledger.find_by_content(spec::Sha256Digest::of(&content(2)))?.ok_or("not found")?;
    assert_eq!(found.index, 2);
    Ok(())
}

#[test]
fn of_the_head() -> Outcome {
    let (_folder, path) = small_ledger()?;
    let connection = tamperer(&path)?;
    let log = SqliteLog::open(&path)?;
    let head = log.head()?.ok_or("no head")?;
    for place in 0..head.len() {
        let mut changed = head.clone().into_bytes();
        changed[place] ^= 1;
        connection.execute("UPDATE head SET text = ?1", [String::from_utf8(changed)?])?;
        let report = verify(&log)?;
        assert_eq!((report.checked, report.fault, report.is_sound()), (LEAVES, None, false), "byte {place}: {report}");
        let opened = Ledger::open(Box::new(SqliteLog::open(&path)?), clock());
        assert!(matches!(opened, Err(Error::Broken { .. })), "byte {place} was trusted");
    }
    connection.execute("DELETE FROM head", [])?;
    assert_eq!(verify(&log)?.head, Head::Missing);
    let error = Ledger::open(Box::new(SqliteLog::open(&path)?), clock()).err().ok_or("a missing head was trusted")?;
    assert_eq!(error.code(), Code::LedgerBroken);
    assert_eq!(log.head()?, None, "opening covered up a missing head");
    Ok(())
}

/// What a change made with care, hashes included, still shows.
#[test]
fn with_its_hash_made_to_fit() -> Outcome {
    let fitted = |leaf: &[u8]| [&leaf_hash(leaf).0[..], leaf].concat();
    let reworded = |leaf: &[u8]| String::from_utf8_lossy(leaf).replace("红色", "蓝色").into_bytes();
    for (change, fault, head) in [
        (reworded as fn(&[u8]) -> Vec<u8>, None, Head::Differs),
        (|leaf| [leaf, b" "].concat(), Some(Problem::Json), Head::Unchecked),
        (|_| Vec::new(), Some(Problem::Json), Head::Unchecked),
        (|_| b"[[[[".repeat(100_000), Some(Problem::Json), Head::Unchecked),
        (|leaf| String::from_utf8_lossy(leaf).replace("\"index\":2", "\"index\":1").into_bytes(), Some(Problem::Index), Head::Unchecked),
    ] {
        let (_folder, path) = small_ledger()?;
        let log = SqliteLog::open(&path)?;
        let row = log.leaf(2)?.ok_or("no row")?;
        tamperer(&path)?.execute("UPDATE leaf SET content = ?1 WHERE position = 2", [fitted(&change(&row[32..]))])?;
        let report = verify(&log)?;
        assert_eq!((report.fault, report.head), (fault.map(|problem| LeafFault { index: 2, problem }), head), "{report}");
        assert!(!report.is_sound());
    }
    Ok(())
}

#[test]
fn or_a_whole_leaf_is_removed_added_or_moved() -> Outcome {
    let missing = Some(LeafFault { index: 1, problem: Problem::Missing });
    let swapped = Some(LeafFault { index: 0, problem: Problem::Index });
    let negative = Some(LeafFault { index: 4, problem: Problem::Missing });
    for (statement, fault, head) in [
        ("DELETE FROM leaf WHERE position = 4", None, Head::Ahead { size: 5 }),
        ("DELETE FROM leaf", None, Head::Ahead { size: 5 }),
        ("DELETE FROM leaf WHERE position = 1", missing, Head::Unchecked),
        (
            "UPDATE leaf SET position = -1 - position WHERE position < 2; UPDATE leaf SET position = 2 + position WHERE position < 0",
            swapped,
            Head::Unchecked,
        ),
        ("UPDATE leaf SET position = 9223372036854775807 WHERE position = 4", negative, Head::Unchecked),
    ] {
        let (_folder, path) = small_ledger()?;
        tamperer(&path)?.execute_batch(statement)?;
        let report = verify(&SqliteLog::open(&path)?)?;
        assert_eq!((report.fault, report.head, report.is_sound()), (fault, head, false), "{statement}: {report}");
        let opened = Ledger::open(Box::new(SqliteLog::open(&path)?), clock());
        assert!(matches!(opened, Err(Error::Broken { .. })), "{statement}");
    }
    Ok(())
}

#[test]
fn a_changed_leaf_is_not_handed_out() -> Outcome {
    let (_folder, path) = small_ledger()?;
    let ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), clock())?;
    let connection = tamperer(&path)?;
    connection.execute("UPDATE leaf SET content = (SELECT content FROM leaf WHERE position = 1) WHERE position = 0", [])?;
    assert!(matches!(ledger.find(id(0)), Err(Error::Broken { .. })), "changed after it was read first");
    assert!(matches!(ledger.entry(0), Err(Error::Broken { .. })));
    assert!(ledger.find(id(1))?.is_some());
    Ok(())
}

/// Damage below SQL: an error or a finding, never a panic; and what still verifies is the very same ledger.
#[test]
fn of_the_raw_file_never_panics() -> Outcome {
    let (folder, path) = small_ledger()?;
    let intact = fs::read(&path)?;
    let rows = |log: &SqliteLog| (0..LEAVES).map(|index| log.leaf(index)).collect::<Result<Vec<_>, _>>();
    let original = rows(&SqliteLog::open(&path)?)?;
    let damaged = folder.path().join("damaged.sqlite");
    let (mut found, mut harmless) = (0, 0);
    // The database header whole; a prime stride visits every part of the pages.
    for place in (0..120).chain((120..intact.len()).step_by(23)) {
        fs::write(&damaged, flipped(&intact, place))?;
        let report = SqliteLog::open_existing(&damaged).ok().and_then(|log| Some((verify(&log).ok()?, log)));
        match report {
            Some((report, log)) if report.is_sound() => {
                assert_eq!(rows(&log)?, original, "byte {place} changed a leaf unseen");
                harmless += 1;
            }
            _ => found += 1,
        }
        if place % 17 == 0 {
            // Opening and appending may fail, and may not panic.
            let opened = SqliteLog::open(&damaged).ok().and_then(|log| Ledger::open(Box::new(log), clock()).ok());
            let _ = opened.map(|mut ledger| ledger.append(held(7), &account()).is_ok());
            // A journal left by a failed append would be rolled back into the next file.
            let _ = fs::remove_file(folder.path().join("damaged.sqlite-journal"));
        }
    }
    for length in (0..intact.len()).step_by(509) {
        fs::write(&damaged, &intact[..length])?;
        let _ = SqliteLog::open(&damaged).ok().map(|log| verify(&log).is_ok());
    }
    assert!(found > 200 && harmless > 200, "found {found}, harmless {harmless}");
    Ok(())
}
