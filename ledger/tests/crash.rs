//! A process killed anywhere between put, append and release: after the next opening each picture is recorded and present,
//! or neither.
mod common;

use common::{File, Outcome, account, clock, content, id, name};
use ledger::{Entry, Head, Ledger, verify};
use spec::stage::{Labelled, Source};
use spec::{Beside, FileFormat, LogStorage, PortError, ProduceId, Secret, SecretId, Sha256Digest, Timestamp};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::{Existing, Outbox, SqliteLog};

/// Where the process dies, and whether the picture in hand survives.
const STEPS: [(&str, bool); 6] = [
    ("while writing", false),
    ("after put", false),
    ("before the leaf", false),
    ("after the leaf", true),
    ("after append", true),
    ("after release", true),
];
const FOLDER: &str = "DANQING_CRASH_TEST_FOLDER";
const STEP: &str = "DANQING_CRASH_TEST_STEP";

/// The second of three pictures is in hand when the process dies.
const IN_HAND: u32 = 1;
const PICTURES: u32 = 3;

fn die_at(step: &str, number: u32) {
    if number == IN_HAND && env::var(STEP).is_ok_and(|chosen| chosen == step) {
        std::process::abort();
    }
}

/// Dies when its bytes are asked for, which the outbox does once the hidden file exists.
struct Dying(File, u32);

impl Labelled for Dying {
    fn id(&self) -> ProduceId {
        self.0.id()
    }
    fn source(&self) -> Source<'_> {
        self.0.source()
    }
    fn sidecar(&self) -> Option<&[u8]> {
        None
    }
    fn bytes(&self) -> &[u8] {
        die_at("while writing", self.1);
        self.0.bytes()
    }
    fn format(&self) -> FileFormat {
        self.0.format()
    }
    fn content_sha256(&self) -> Sha256Digest {
        self.0.content_sha256()
    }
}

struct DyingLog(SqliteLog);

impl LogStorage for DyingLog {
    fn length(&self) -> Result<u64, PortError> {
        self.0.length()
    }
    fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, PortError> {
        self.0.leaf(index)
    }
    fn visit_leaves(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), PortError> {
        self.0.visit_leaves(from, visit)
    }
    fn append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<(), PortError> {
        die_at("before the leaf", index as u32);
        self.0.append(index, key, tags, leaf, beside)?;
        die_at("after the leaf", index as u32);
        Ok(())
    }
    fn find(&self, key: &str) -> Result<Option<u64>, PortError> {
        self.0.find(key)
    }
    fn key(&self, index: u64) -> Result<Option<String>, PortError> {
        self.0.key(index)
    }
    fn visit_tags(&self, visit: &mut dyn FnMut(&str, u64)) -> Result<(), PortError> {
        self.0.visit_tags(visit)
    }
    fn find_tagged(&self, tag: &str) -> Result<Option<u64>, PortError> {
        self.0.find_tagged(tag)
    }
    fn find_tagged_before(&self, tag: &str, before: u64) -> Result<Option<u64>, PortError> {
        self.0.find_tagged_before(tag, before)
    }
    fn keep_secret(&mut self, secret: &Secret) -> Result<bool, PortError> {
        self.0.keep_secret(secret)
    }
    fn secret(&self, id: SecretId) -> Result<Option<Vec<u8>>, PortError> {
        self.0.secret(id)
    }
    fn visit_secrets(&self, visit: &mut dyn FnMut(&Secret)) -> Result<(), PortError> {
        self.0.visit_secrets(visit)
    }
    fn secrets_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), PortError> {
        self.0.secrets_before(time)
    }
    fn remove_secrets(&mut self, time: Timestamp, now: Timestamp) -> Result<u64, PortError> {
        self.0.remove_secrets(time, now)
    }
    fn head(&self) -> Result<Option<String>, PortError> {
        self.0.head()
    }
    fn set_head(&mut self, head: &str) -> Result<(), PortError> {
        self.0.set_head(head)
    }
    fn faults(&self) -> Result<Vec<spec::StorageFault>, PortError> {
        self.0.faults()
    }
    fn restored(&self) -> &[String] {
        self.0.restored()
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("danqing.ledger.sqlite")
}

fn open(folder: &Path) -> Result<(Ledger, Outbox), Box<dyn std::error::Error>> {
    let ledger = Ledger::open(Box::new(DyingLog(SqliteLog::open(&database(folder))?)), clock())?;
    let outbox = Outbox::open(folder, Existing::Refuse, |id| {
        let entry = ledger.find(id)?;
        Ok::<_, ledger::Error>(entry.as_ref().and_then(Entry::produced).map(|produced| produced.release_name.clone()))
    })?;
    Ok((ledger, outbox))
}

fn work(folder: &Path) -> Outcome {
    let (mut ledger, outbox) = open(folder)?;
    for number in 0..PICTURES {
        let stored = outbox.put(Dying(File::new(number), number), &name(number))?;
        die_at("after put", number);
        let recorded = ledger.append(stored, &account())?;
        die_at("after append", number);
        outbox.release(&recorded)?;
        die_at("after release", number);
    }
    Ok(())
}

/// The process that is killed: does nothing unless [`killed_anywhere`] started it.
#[test]
fn child() -> Outcome {
    env::var_os(FOLDER).map_or(Ok(()), |folder| work(Path::new(&folder)))
}

fn check(folder: &Path, survivors: &[u32], step: &str) -> Outcome {
    let mut expected: Vec<String> = survivors.iter().map(|&number| name(number)).collect();
    expected.push("danqing.ledger.sqlite".into());
    let mut found: Vec<String> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect::<Result<_, _>>()?;
    found.sort();
    assert_eq!(found, expected, "{step}");
    let log = SqliteLog::open_existing(&database(folder))?;
    let report = verify(&log)?;
    assert_eq!((report.length, report.fault, report.head), (survivors.len() as u64, None, Head::Matches), "{step}");
    for &number in survivors {
        assert_eq!(fs::read(folder.join(name(number)))?, content(number), "{step}");
        assert!(log.find(&id(number).to_string())?.is_some(), "{step}");
    }
    Ok(())
}

#[test]
fn killed_anywhere() -> Outcome {
    for (step, survives) in STEPS {
        let folder = tempfile::tempdir()?;
        let status = Command::new(env::current_exe()?)
            .args(["--exact", "child"])
            .env(FOLDER, folder.path())
            .env(STEP, step)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        assert!(!status.success(), "{step}: the process was not killed");
        open(folder.path())?;
        let survivors: Vec<u32> = (0..=IN_HAND).filter(|&number| survives || number < IN_HAND).collect();
        check(folder.path(), &survivors, step)?;
        // And the work can be taken up again.
        let (mut ledger, outbox) = open(folder.path())?;
        outbox.release(&ledger.append(outbox.put(File::new(9), &name(9))?, &account())?)?;
        check(folder.path(), &[survivors, vec![9]].concat(), step)?;
    }
    Ok(())
}

#[test]
fn given_up_anywhere() -> Outcome {
    for (given_up, survivors) in [("stored", &[0][..]), ("recorded", &[0, 1]), ("released", &[0, 1])] {
        let folder = tempfile::tempdir()?;
        let (mut ledger, outbox) = open(folder.path())?;
        outbox.release(&ledger.append(outbox.put(File::new(0), &name(0))?, &account())?)?;
        let stored = outbox.put(File::new(1), &name(1))?;
        match given_up {
            "stored" => drop(stored),
            "recorded" => drop(ledger.append(stored, &account())?),
            _ => drop(outbox.release(&ledger.append(stored, &account())?)?),
        }
        drop((ledger, outbox));
        open(folder.path())?;
        check(folder.path(), survivors, given_up)?;
    }
    Ok(())
}
