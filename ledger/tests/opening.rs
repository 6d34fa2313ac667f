//! Opening reads every leaf once; how long that takes is measured, and asserted only to be no surprise.
mod common;

use common::{LONG_AGO, Outcome, SetClock, account, held, settings};
use ledger::{Evidence, Ledger, PromptStorage, verify_against};
use rusqlite::{Connection, params};
use spec::LogStorage as _;
use std::time::{Duration, Instant};
use store::SqliteLog;

const LEAVES: u32 = 100_000;
/// Several times what two slow cores take.
const QUICK: Duration = Duration::from_secs(10);

/// `cargo test -p ledger --test opening -- --ignored --nocapture`
#[test]
#[ignore = "measures, and takes a minute"]
fn a_ledger_of_a_hundred_thousand_pictures_opens_quickly() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let settings = settings(folder.path(), PromptStorage::Plain);
    let mut ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), SetClock::at(LONG_AGO))?.with_vault(&settings)?;
    ledger.append(held(0), &account())?;
    drop(ledger);
    let first = SqliteLog::open(&path)?.leaf(0)?.ok_or("a leaf")?;
    let first = String::from_utf8(first[32..].to_vec())?;
    let mut connection = Connection::open(&path)?;
    let transaction = connection.transaction()?;
    let mut frontier = ledger::Frontier::default();
    frontier.push(ledger::leaf_hash(first.as_bytes()));
    for index in 1..LEAVES {
        let id = common::id(index);
        let leaf = first
            .replace("\"index\":0", &format!("\"index\":{index}"))
            .replace(&common::id(0).to_string(), &id.to_string())
            .replace(&spec::Sha256Digest::of(&common::content(0)).to_string(), &spec::Sha256Digest::of(&index.to_be_bytes()).to_string());
        let hash = ledger::leaf_hash(leaf.as_bytes());
        frontier.push(hash);
        let row = [&hash.0[..], leaf.as_bytes()].concat();
        transaction.prepare_cached("INSERT INTO leaf VALUES (?1, ?2, ?3)")?.execute(params![i64::from(index), id.to_string(), row])?;
    }
    let peaks = frontier.peaks().iter().map(|peak| {
        use base64::Engine as _;
        format!("frontier {}\n", base64::engine::general_purpose::STANDARD.encode(peak.0))
    });
    let checkpoint = ledger::Checkpoint { size: frontier.size(), root: frontier.root() };
    let head: String = std::iter::once(checkpoint.to_string()).chain(peaks).collect();
    transaction.execute("UPDATE head SET text = ?1", [head])?;
    transaction.commit()?;
    drop(connection);

    let started = Instant::now();
    let ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), SetClock::at(LONG_AGO))?.with_vault(&settings)?;
    let opened = started.elapsed();
    let started = Instant::now();
    assert_eq!(ledger.halt()?, None);
    let asked = started.elapsed();
    let started = Instant::now();
    let report = verify_against(&SqliteLog::open_to_verify(&path)?, Evidence { record_key: Some(&settings.key), keys: None })?;
    println!("opened in {opened:?}, asked for a stop in {asked:?}, verified in {:?} ({} leaves)", started.elapsed(), report.checked);
    assert_eq!((ledger.length()?, report.fault), (u64::from(LEAVES), None));
    assert!(opened < QUICK, "{opened:?}");
    Ok(())
}
