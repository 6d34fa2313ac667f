//! A signed checkpoint binds the ledger to its past, and a proof shows an entry to someone who has only the verifier key.
mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Outcome, account, clock, held, id, refusal, request};
use ledger::{Error, InclusionProof, KeyFiles, KeyNotice, Ledger, SecretKey, SignedCheckpoint, Snapshot, VerifierKey, leaf_hash};
use rusqlite::{Connection, params};
use spec::{Code, LogStorage as _, PortError};
use std::fs;
use std::path::{Path, PathBuf};
use store::SqliteLog;
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
    path: PathBuf,
    keys: KeyFiles,
}

impl Desk {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ledger.sqlite");
        let keys = KeyFiles::of(&path, None);
        Ok(Self { folder, path, keys })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn grow(&self, numbers: std::ops::Range<u32>) -> Outcome {
        let mut ledger = Ledger::open(Box::new(SqliteLog::open(&self.path)?), clock())?;
        for number in numbers {
            if number % 4 == 3 {
                ledger.append_refusal(&request(), &refusal(), &account())?;
            } else {
                ledger.append(held(number), &account())?;
            }
        }
        Ok(())
    }

    fn log(&self) -> Result<SqliteLog, Error> {
        Ok(SqliteLog::open(&self.path).map_err(PortError::from)?)
    }

    fn sign(&self) -> Result<SignedCheckpoint, Error> {
        self.keys.sign(&Snapshot::read(&self.log()?)?).map(|signed| signed.checkpoint)
    }

    /// Whether the ledger continues `old`.
    fn continues(&self, old: &SignedCheckpoint) -> Result<(), Error> {
        Snapshot::read(&self.log()?)?.check_continues(old.checkpoint())
    }

    fn prove(&self, index: u64) -> Result<Option<InclusionProof>, Error> {
        let log = self.log()?;
        let snapshot = Snapshot::read(&log)?;
        let signed = self.keys.sign(&snapshot)?;
        snapshot.prove(index, &signed.checkpoint)
    }
}

#[test]
fn every_entry_of_every_size_is_proved_and_every_growth_is_consistent() -> Outcome {
    let desk = Desk::new()?;
    let mut earlier = Vec::new();
    for size in 0..=9_u32 {
        earlier.push(desk.sign()?);
        for old in &earlier {
            desk.continues(old)?;
        }
        let key = desk.keys.verifier()?;
        for index in 0..u64::from(size) {
            let proof = InclusionProof::from_json(&desk.prove(index)?.ok_or("no proof")?.to_json()?)?;
            let proven = proof.verify(&key)?;
            assert_eq!((proven.entry.index, proven.checkpoint.size), (index, u64::from(size)));
        }
        assert_eq!(desk.prove(u64::from(size))?, None);
        desk.grow(size..size + 1)?;
    }
    Ok(())
}

#[test]
fn no_changed_byte_of_a_proof_is_accepted() -> Outcome {
    let desk = Desk::new()?;
    desk.grow(0..6)?;
    let json = desk.prove(2)?.ok_or("no proof")?.to_json()?;
    let key = desk.keys.verifier()?;
    let accepted = |text: &str| InclusionProof::from_json(text).and_then(|proof| proof.verify(&key)).is_ok();
    assert!(accepted(&json));
    for place in 0..json.len() {
        for bit in [0, 1, 5] {
            let mut bytes = json.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(!accepted(&changed), "byte {place}, bit {bit}: {changed}");
        }
        assert!(!accepted(json.get(..place).unwrap_or_default()), "cut at {place}");
    }
    let stranger = SecretKey::generate()?;
    let error = InclusionProof::from_json(&json)?.verify(stranger.verifier()).err().ok_or("a stranger's key was accepted")?;
    assert_eq!(error.code(), Code::CheckFailed);
    Ok(())
}

/// Rewrites a leaf, every hash above it, and the head, as whoever holds the database can.
fn rewrite(path: &Path, position: u64) -> Outcome {
    let connection = Connection::open(path)?;
    connection.execute_batch("DROP TRIGGER leaf_is_never_changed; DROP TRIGGER leaf_is_never_removed; DELETE FROM head")?;
    let log = SqliteLog::open_to_verify(path)?;
    let mut frontier = ledger::Frontier::default();
    for index in 0..log.length()? {
        let mut row = log.leaf(index)?.ok_or("no leaf")?;
        if index == position {
            let leaf = String::from_utf8(row[32..].to_vec())?.replace("红色", "蓝色");
            row = [&leaf_hash(leaf.as_bytes()).0[..], leaf.as_bytes()].concat();
            connection.execute("UPDATE leaf SET content = ?2 WHERE position = ?1", params![index as i64, row])?;
        }
        frontier.push(leaf_hash(&row[32..]));
    }
    let checkpoint = ledger::Checkpoint { size: frontier.size(), root: frontier.root() };
    let peaks = frontier.peaks().iter().map(|peak| format!("frontier {}\n", STANDARD.encode(peak.0)));
    let head: String = std::iter::once(checkpoint.to_string()).chain(peaks).collect();
    connection.execute("INSERT INTO head (only, text) VALUES (1, ?1)", [head])?;
    assert_eq!(ledger::verify(&log)?.fault, None, "the forgery is not perfect");
    Ok(())
}

#[test]
fn a_ledger_rewritten_whole_does_not_continue_its_past_and_is_not_signed() -> Outcome {
    // What is rewritten after the checkpoint cannot show by it.
    for (position, shows) in [(6, false), (4, true), (2, true), (0, true)] {
        let desk = Desk::new()?;
        desk.grow(0..5)?;
        let old = desk.sign()?;
        desk.grow(5..9)?;
        rewrite(&desk.path, position)?;
        let verdict = desk.continues(&old);
        assert_eq!(matches!(verdict, Err(Error::Rewritten { old: 5 })), shows, "leaf {position}: {verdict:?}");
        assert_eq!(desk.sign().is_err(), shows, "leaf {position}");
    }
    Ok(())
}

#[test]
fn a_ledger_that_lost_its_end_or_a_byte_is_not_signed() -> Outcome {
    let desk = Desk::new()?;
    desk.grow(0..5)?;
    let copy = fs::read(&desk.path)?;
    desk.grow(5..6)?;
    let old = desk.sign()?;
    let now = fs::read(&desk.path)?;
    fs::write(&desk.path, copy)?;
    assert!(matches!(desk.continues(&old), Err(Error::Shortened { old: 6, new: 5 })));
    assert_eq!(desk.sign().err().map(|error| error.code()), Some(Code::LedgerBroken));
    fs::write(&desk.path, now)?;
    assert_eq!(desk.sign()?, old);
    let connection = Connection::open(&desk.path)?;
    connection.execute_batch("DROP TRIGGER leaf_is_never_changed; UPDATE leaf SET content = x'00' WHERE position = 1")?;
    assert!(matches!(desk.sign(), Err(Error::Broken { .. })));
    Ok(())
}

#[test]
fn the_key_is_made_once_is_private_and_is_never_replaced_unseen() -> Outcome {
    let desk = Desk::new()?;
    desk.grow(0..3)?;
    let log = SqliteLog::open(&desk.path)?;
    let snapshot = Snapshot::read(&log)?;
    let first = desk.keys.sign(&snapshot)?;
    assert!(matches!(first.notices[..], [KeyNotice::Made { .. }]), "{:?}", first.notices);
    assert_eq!(desk.keys.sign(&snapshot)?.notices, []);
    assert_eq!(fs::read_to_string(desk.file("ledger.vkey"))?.parse::<VerifierKey>()?, first.verifier);
    assert_eq!(fs::read_to_string(desk.file("ledger.key.checkpoint"))?, first.checkpoint.text());
    let secret = fs::read_to_string(desk.file("ledger.key"))?;
    let database = fs::read(&desk.path)?;
    assert!(!database.windows(20).any(|window| window == &secret.as_bytes()[40..60]), "the secret is in the database");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(desk.file("ledger.key"))?.permissions().mode() & 0o777, 0o600);
        fs::set_permissions(desk.file("ledger.key"), fs::Permissions::from_mode(0o640))?;
        assert_eq!(desk.keys.sign(&snapshot)?.notices, [KeyNotice::Exposed(desk.file("ledger.key"))]);
    }

    fs::remove_file(desk.file("ledger.key"))?;
    let error = desk.keys.sign(&snapshot).err().ok_or("a lost key was replaced")?;
    assert!(matches!(error, Error::KeyMissing { .. }) && error.to_string().contains("缺失"), "{error}");
    assert!(!desk.file("ledger.key").exists());
    assert_eq!(SignedCheckpoint::open(first.checkpoint.text(), &desk.keys.verifier()?)?, first.checkpoint, "old ones still verify");

    fs::write(desk.file("ledger.key"), SecretKey::generate()?.to_secret_text())?;
    assert!(matches!(desk.keys.sign(&snapshot), Err(Error::KeyOfAnother { .. })));
    fs::write(desk.file("ledger.key"), "PRIVATE+KEY+")?;
    assert!(matches!(desk.keys.sign(&snapshot), Err(Error::KeyInvalid { .. })));
    fs::write(desk.file("ledger.key"), secret)?;
    assert_eq!(desk.keys.sign(&snapshot)?.checkpoint, first.checkpoint);
    Ok(())
}

#[test]
fn one_key_does_not_sign_two_ledgers() -> Outcome {
    let (one, other) = (Desk::new()?, Desk::new()?);
    one.grow(0..3)?;
    other.grow(4..7)?;
    one.sign()?;
    let keys = KeyFiles::of(&other.path, Some(&one.file("ledger.key")));
    let log = SqliteLog::open(&other.path)?;
    assert!(matches!(keys.sign(&Snapshot::read(&log)?), Err(Error::Rewritten { old: 3 })));
    assert!(keys.verifier().is_err(), "a verifier key was left beside a ledger that it does not sign");
    Ok(())
}

#[test]
fn several_processes_sign_with_one_key() -> Outcome {
    let desk = Desk::new()?;
    desk.grow(0..4)?;
    let signed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| desk.sign().expect("signs"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(signed.iter().all(|checkpoint| *checkpoint == signed[0]), "two keys were made");
    Ok(())
}

#[test]
fn a_proof_of_one_entry_does_not_speak_of_another_ledger() -> Outcome {
    let (one, other) = (Desk::new()?, Desk::new()?);
    one.grow(0..3)?;
    other.grow(0..4)?;
    let signed = other.sign()?;
    let log = SqliteLog::open(&one.path)?;
    assert!(Snapshot::read(&log)?.prove(0, &signed).is_err());
    let proven = one.prove(1)?.ok_or("no proof")?.verify(&one.keys.verifier()?)?;
    assert_eq!(proven.entry.produced().map(|produced| produced.produce_id), Some(id(1)));
    Ok(())
}
