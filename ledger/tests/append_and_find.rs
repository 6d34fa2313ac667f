//! What is appended is found again, by whichever handle; what cannot be recorded is refused.
mod common;

use common::{File, Held, Outcome, account, clock, content, held, id, pass, refusal, request, screening};
use ledger::{Entry, Error, Head, Ledger, Record, verify, verify_consistency, verify_inclusion};
use spec::stage::Recorded as _;
use spec::{Beside, Code, LogStorage, PortError, Secret, SecretId, Sha256Digest, Timestamp};
use std::rc::Rc;
use store::{MemoryLog, SqliteLog};

fn open(log: &MemoryLog) -> Result<Ledger, Error> {
    Ledger::open(Box::new(log.clone()), clock())
}

#[test]
fn entries_are_found_by_id_content_and_index() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = open(&log)?;
    for number in 0..5 {
        assert_eq!(ledger.append(held(number), &account())?.leaf_index(), u64::from(number));
    }
    assert_eq!(ledger.append_refusal(&request(), &refusal(), &account())?, 5);
    assert_eq!(ledger.append_refusal(&request(), &refusal(), &account())?, 6, "the same refusal twice is two entries");
    let ledger = open(&log)?;
    assert_eq!(ledger.length()?, 7);
    let entry = ledger.find(id(3))?.expect("recorded");
    let produced = entry.produced().expect("a picture");
    assert_eq!((entry.index, produced.seed, produced.release_name.as_str()), (3, 42, "3.png"));
    assert_eq!(produced.request, request());
    assert_eq!(ledger.find_by_content(Sha256Digest::of(&content(3)))?, Some(entry));
    assert!(matches!(ledger.entry(5)?.map(|entry| entry.record), Some(Record::Refused(_))));
    assert_eq!((ledger.find(id(9))?, ledger.entry(7)?, ledger.find_by_content(Sha256Digest::of(b"?"))?), (None, None, None));
    Ok(())
}

#[test]
fn proofs_from_the_ledger_verify() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = open(&log)?;
    let early =
        (0..3).map(|number| ledger.append(held(number), &account()).map(|recorded| recorded.root())).collect::<Result<Vec<_>, _>>()?;
    for number in 3..11 {
        ledger.append(held(number), &account())?;
    }
    let head = ledger.head();
    assert_eq!(head.size, 11);
    for index in 0..11 {
        let leaf = ledger::leaf_hash(&ledger.entry(index)?.expect("an entry").to_leaf()?);
        let proof = ledger.prove_inclusion(index)?.expect("inside");
        assert!(verify_inclusion(leaf, index, head.size, &proof, head.root));
    }
    for (size, root) in (1..).zip(early) {
        let proof = ledger.prove_consistency(size)?.expect("inside");
        assert!(verify_consistency(size, head.size, root, head.root, &proof));
    }
    Ok(())
}

#[test]
fn a_picture_is_kept_on_disk_only_once_recorded() -> Outcome {
    let mut ledger = open(&MemoryLog::new())?;
    let first = held(1);
    let kept = Rc::clone(&first.kept);
    ledger.append(first, &account())?;
    assert!(kept.get());

    let again = held(1);
    let kept = Rc::clone(&again.kept);
    assert!(matches!(ledger.append(again, &account()), Err(Error::AlreadyRecorded(_))));
    assert!(!kept.get());
    Ok(())
}

#[test]
fn what_json_cannot_hold_and_verdicts_that_do_not_fit_are_refused() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = open(&log)?;
    let bad = request().with_picture(|picture| picture.guidance_scale = f32::NAN);
    let stored = Held { file: File::of(1, bad.clone(), pass()), name: "1.png".into(), kept: Rc::default() };
    let kept = Rc::clone(&stored.kept);
    let error = ledger.append(stored, &account()).err().expect("must be refused");
    assert_eq!((error.code(), kept.get()), (Code::InvalidRequest, false));
    assert!(matches!(ledger.append_refusal(&bad, &refusal(), &account()), Err(Error::Unrecordable(_))));
    assert!(matches!(ledger.append_refusal(&request(), &pass(), &account()), Err(Error::VerdictMismatch)));
    let refused = Held { file: File::of(2, request(), refusal()), name: "2.png".into(), kept: Rc::default() };
    assert!(matches!(ledger.append(refused, &account()), Err(Error::VerdictMismatch)));
    assert_eq!(log.length()?, 0);
    Ok(())
}

#[test]
fn every_guidance_scale_reads_back() -> Outcome {
    let mut ledger = open(&MemoryLog::new())?;
    for step in 0..2_000_u32 {
        let request = request().with_picture(|picture| picture.guidance_scale = f32::from_bits(0x3f80_0000 + step * 9_973));
        ledger.append_refusal(&request, &refusal(), &account())?;
    }
    assert!(ledger.verify()?.is_sound());
    Ok(())
}

/// A disk that fails at one call.
struct Failing {
    log: MemoryLog,
    at: &'static str,
}

impl Failing {
    fn check(&self, call: &str) -> Result<(), PortError> {
        if self.at == call { Err(PortError { what: "the disk is full".into(), source: None }) } else { Ok(()) }
    }
}

impl LogStorage for Failing {
    fn length(&self) -> Result<u64, PortError> {
        self.log.length()
    }
    fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, PortError> {
        self.log.leaf(index)
    }
    fn visit_leaves(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), PortError> {
        self.log.visit_leaves(from, visit)
    }
    fn append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<(), PortError> {
        self.check("append")?;
        self.log.append(index, key, tags, leaf, beside)?;
        self.check("append, reported late")
    }
    fn find(&self, key: &str) -> Result<Option<u64>, PortError> {
        self.log.find(key)
    }
    fn key(&self, index: u64) -> Result<Option<String>, PortError> {
        self.log.key(index)
    }
    fn visit_tags(&self, visit: &mut dyn FnMut(&str, u64)) -> Result<(), PortError> {
        self.log.visit_tags(visit)
    }
    fn find_tagged(&self, tag: &str) -> Result<Option<u64>, PortError> {
        self.log.find_tagged(tag)
    }
    fn find_tagged_before(&self, tag: &str, before: u64) -> Result<Option<u64>, PortError> {
        self.log.find_tagged_before(tag, before)
    }
    fn keep_secret(&mut self, secret: &Secret) -> Result<bool, PortError> {
        self.log.keep_secret(secret)
    }
    fn secret(&self, id: SecretId) -> Result<Option<Vec<u8>>, PortError> {
        self.log.secret(id)
    }
    fn visit_secrets(&self, visit: &mut dyn FnMut(&Secret)) -> Result<(), PortError> {
        self.log.visit_secrets(visit)
    }
    fn secrets_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), PortError> {
        self.log.secrets_before(time)
    }
    fn remove_secrets(&mut self, time: Timestamp, now: Timestamp) -> Result<u64, PortError> {
        self.log.remove_secrets(time, now)
    }
    fn head(&self) -> Result<Option<String>, PortError> {
        self.log.head()
    }
    fn set_head(&mut self, head: &str) -> Result<(), PortError> {
        self.log.set_head(head)
    }
    fn faults(&self) -> Result<Vec<spec::StorageFault>, PortError> {
        self.log.faults()
    }
    fn restored(&self) -> &[String] {
        self.log.restored()
    }
}

#[test]
fn a_head_that_was_not_saved_is_brought_up() -> Outcome {
    let (whole, cut) = (MemoryLog::new(), MemoryLog::new());
    let mut cut_ledger = open(&cut)?;
    let mut ledger = open(&whole)?;
    for number in 0..2 {
        ledger.append(held(number), &account())?;
        let row = whole.leaf(u64::from(number))?.expect("the row");
        let content = Entry::from_leaf(&row[32..]).and_then(|entry| entry.content_sha256()).expect("a picture's entry");
        cut.clone().append(u64::from(number), &id(number).to_string(), &[format!("content:{content}")], &row, Beside::default())?;
    }
    assert_eq!(verify(&cut)?.head, Head::Behind { size: 0 });
    cut_ledger.append(held(2), &account())?;
    assert_eq!(verify(&cut)?.head, Head::Matches);
    cut.clone().set_head(&whole.head()?.expect("a head"))?;
    assert_eq!(verify(&cut)?.head, Head::Behind { size: 2 });
    open(&cut)?;
    assert_eq!(verify(&cut)?.head, Head::Matches);
    Ok(())
}

#[test]
fn a_failing_disk_leaves_a_true_ledger() -> Outcome {
    for (at, succeeds, recorded) in [("append", false, false), ("append, reported late", true, true)] {
        let log = MemoryLog::new();
        open(&log)?.append(held(0), &account())?;
        let mut ledger = Ledger::open(Box::new(Failing { log: log.clone(), at }), clock())?;
        let stored = held(1);
        let kept = Rc::clone(&stored.kept);
        assert_eq!(ledger.append(stored, &account()).is_ok(), succeeds, "{at}");
        assert_eq!((log.find(&id(1).to_string())?.is_some(), kept.get()), (recorded, recorded), "{at}");
        let report = verify(&log)?;
        assert!(report.is_sound(), "{at}: {report}");
        assert_eq!(report.head, Head::Matches);
        open(&log)?.append(held(2), &account())?;
        assert_eq!(verify(&log)?.head, Head::Matches, "{at}");
    }
    Ok(())
}

#[test]
fn several_processes_append_to_one_ledger() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u32)
            .map(|writer| {
                let path = &path;
                scope.spawn(move || {
                    let mut ledger = Ledger::open(Box::new(SqliteLog::open(path).expect("opens")), clock()).expect("opens");
                    for number in 0..10 {
                        ledger.append(held(writer * 100 + number), &account()).expect("appends");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("no panic");
        }
    });
    let mut ledger = Ledger::open(Box::new(SqliteLog::open(&path)?), clock())?;
    ledger.append(held(999), &account())?;
    let report = ledger.verify()?;
    assert_eq!((report.length, report.fault, report.head), (41, None, Head::Matches));
    for number in (0..4).flat_map(|writer| (0..10).map(move |number| writer * 100 + number)) {
        assert!(ledger.find(id(number))?.is_some(), "{number}");
    }
    Ok(())
}

#[test]
fn statistics_count_what_was_appended() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = open(&log)?;
    for number in 0..3 {
        ledger.append(held(number), &account())?;
    }
    ledger.append_refusal(&request(), &refusal(), &account())?;
    let counts = ledger::Statistics::read(&ledger::Snapshot::read(&log)?)?;
    assert_eq!((counts.entries, counts.kinds["produced"], counts.kinds["refused"]), (4, 3, 1));
    assert_eq!(counts.refusals_by_class["A1.a"], 1);
    assert_eq!(counts.pictures_by_model.values().map(|(_, count)| count).sum::<u64>(), 3);
    assert_eq!(counts.explicit_labels.values().sum::<u64>(), 3);
    assert_eq!(counts.root, Some(ledger.head().root));
    Ok(())
}

#[test]
fn a_picture_and_its_screening_agree() -> Outcome {
    let mut ledger = open(&MemoryLog::new())?;
    let mut blocked = held(0);
    blocked.file.screening = screening(0.9);
    assert!(matches!(ledger.append(blocked, &account()), Err(Error::VerdictMismatch)), "what was blocked is no produced picture");
    let origin = File::new(0).rendering;
    for passing in [screening(0.1), screening(0.6)] {
        assert!(matches!(ledger.append_withheld(&origin, &passing, true, &account()), Err(Error::VerdictMismatch)));
    }
    assert_eq!(ledger.append_withheld(&origin, &screening(0.8), false, &account())?, 0);
    let Some(Record::Withheld(withheld)) = ledger.entry(0)?.map(|entry| entry.record) else { panic!("not withheld") };
    assert_eq!((withheld.seed, withheld.screening, withheld.request), (42, screening(0.8), request()));
    Ok(())
}
