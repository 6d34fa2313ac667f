//! The exact bytes of each format. A difference here means a new version, not a new golden file.
mod common;

use common::{File, Outcome, account, clock, decision, held, id, refusal, request, screening, settings};
use ledger::{Entry, Head, Ledger, PromptStorage, Record, leaf_hash, verify};
use spec::stage::Recorded as _;
use spec::{Beside, LogStorage as _, Secret, Timestamp};
use store::MemoryLog;

/// Version 2 without a vault adds kinds of records, and changes none that there were.
fn as_v2(leaf: &str) -> String {
    leaf.replacen("danqing.ledger.v1", "danqing.ledger.v2", 1)
}

/// What versions 1 and 2 call so has its request in parts in version 3.
const PRODUCED_V3: &str = include_str!("golden/leaf-v3-produced.json");
const REFUSED_V3: &str = include_str!("golden/leaf-v3-refused.json");
const WITHHELD_V3: &str = include_str!("golden/leaf-v3-withheld.json");
const DESIGN_V3: &str = include_str!("golden/leaf-v3-design.json");
const STOPPED: &str = r#"{"version":"danqing.ledger.v3","index":3,"time":1795392000000,"record":{"kind":"stopped","officer":"张三","reason":"收到投诉","measures":["下架"]}}"#;
const PRODUCED: &str = include_str!("golden/leaf-v1-produced.json");
/// From before pictures were screened.
const UNSCREENED: &str = include_str!("golden/leaf-v1-unscreened.json");
const WITHHELD: &str = include_str!("golden/leaf-v1-withheld.json");
const REFUSED: &str = include_str!("golden/leaf-v1-refused.json");
const HEAD: &str = include_str!("golden/head-v1.txt");

#[test]
fn a_ledger_of_version_1_verifies_and_grows() -> Outcome {
    let mut log = MemoryLog::new();
    for (index, golden, kind) in [(0, PRODUCED, "produced"), (1, REFUSED, "refused"), (2, WITHHELD, "withheld")] {
        let entry = Entry::from_leaf(golden.as_bytes()).expect("the golden leaf reads");
        assert_eq!(entry.to_leaf()?, golden.as_bytes());
        let hash = leaf_hash(golden.as_bytes());
        let (key, tags) = match entry.produced() {
            Some(produced) => (produced.produce_id.to_string(), vec![format!("content:{}", produced.content_sha256)]),
            None => (format!("{kind}:{hash}"), vec![]),
        };
        log.append(index, &key, &tags, &[&hash.0[..], golden.as_bytes()].concat(), Beside::default())?;
    }
    log.set_head(HEAD)?;
    assert_eq!(verify(&log)?.head, Head::Matches);
    let mut ledger = Ledger::open(Box::new(log.clone()), clock())?;
    assert_eq!((ledger.find(id(0))?.expect("found").index, ledger.append(held(1), &account())?.leaf_index()), (0, 3));
    let report = verify(&log)?;
    assert!(report.is_sound() && report.length == 4, "{report}");
    Ok(())
}

#[test]
fn rows_and_head_are_exactly_these_bytes() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = Ledger::open(Box::new(log.clone()), clock())?;
    let recorded = ledger.append(held(0), &account())?;
    let (produced, refused, withheld) = (PRODUCED_V3, REFUSED_V3, WITHHELD_V3);
    assert_eq!((recorded.leaf_index(), recorded.root()), (0, leaf_hash(produced.as_bytes())));
    assert_eq!(ledger.append_refusal(&request(), &refusal(), &account())?, 1);
    assert_eq!(ledger.append_withheld(&File::new(0).rendering, &screening(0.9), false, &account())?, 2);
    assert_eq!(ledger.stop(decision())?, 3);

    for (index, golden) in [(0, produced), (1, refused), (2, withheld), (3, STOPPED)] {
        let row = log.leaf(index)?.expect("the row");
        let (hash, leaf) = row.split_at(32);
        assert_eq!(String::from_utf8_lossy(leaf), golden);
        assert_eq!(hash, leaf_hash(leaf).0);
        let entry = Entry::from_leaf(golden.as_bytes()).expect("the golden leaf reads");
        assert_eq!(ledger.entry(index)?, Some(entry));
    }
    assert!(log.head()?.is_some_and(|head| head.starts_with(&ledger.head().to_string())));
    assert_eq!(log.find(&id(0).to_string())?, Some(0));
    assert_eq!(log.find(&format!("refused:{}", leaf_hash(refused.as_bytes())))?, Some(1));
    assert_eq!(log.find(&format!("withheld:{}", leaf_hash(withheld.as_bytes())))?, Some(2));
    Ok(())
}

#[test]
fn what_an_older_version_says_is_what_the_newest_says() -> Outcome {
    for (old, new) in [(PRODUCED, PRODUCED_V3), (REFUSED, REFUSED_V3), (WITHHELD, WITHHELD_V3)] {
        let new = Entry::from_leaf(new.as_bytes()).expect("the golden leaf reads");
        for old in [old.to_owned(), as_v2(old)] {
            let read = Entry::from_leaf(old.as_bytes()).expect("the golden leaf reads");
            assert_eq!((&read.record, read.to_leaf()?), (&new.record, old.into_bytes()));
            assert!(Entry { version: new.version, ..read } == new, "but for the version they are one");
        }
    }
    let sealed = Entry::from_leaf(SEALED_LEAF.as_bytes()).expect("the golden leaf reads");
    assert_eq!(sealed.to_leaf()?, SEALED_LEAF.as_bytes());
    Ok(())
}

#[test]
fn a_leaf_of_another_kind_of_work_is_of_version_3_and_no_earlier() -> Outcome {
    let design = Entry::from_leaf(DESIGN_V3.as_bytes()).expect("the golden leaf reads");
    assert_eq!(design.to_leaf()?, DESIGN_V3.as_bytes());
    let old = Entry::from_leaf(REFUSED.as_bytes()).expect("the golden leaf reads");
    assert!(Entry { version: old.version, ..design.clone() }.to_leaf().is_err());
    // What somebody wrote into the problem is sealed as a prompt is.
    let Record::Refused(refused) = design.record else { panic!("a refusal") };
    let (folder, log) = (tempfile::tempdir()?, MemoryLog::new());
    let settings = settings(folder.path(), PromptStorage::Hashed);
    let mut ledger = Ledger::open(Box::new(log.clone()), clock())?.with_vault(&settings)?;
    ledger.append_refusal(&refused.request, &refused.verdict, &account())?;
    let leaf = log.leaf(0)?.expect("the row");
    assert!(!String::from_utf8_lossy(&leaf[32..]).contains("volume_fraction"));
    assert_eq!(ledger.entries_with_text("volume_fraction = 0.4\n")?, [0]);
    assert!(ledger.entries_with_text("volume_fraction = 0.5")?.is_empty());
    let counts = ledger::Statistics::read(&ledger::Snapshot::read(&log)?)?;
    assert_eq!(counts.refused_by_kind[&spec::KindOfWork::Design], 1);
    Ok(())
}

#[test]
fn records_from_before_screening_still_read() -> Outcome {
    let entry = Entry::from_leaf(UNSCREENED.as_bytes()).expect("the golden leaf reads");
    assert_eq!(entry.to_leaf()?, UNSCREENED.as_bytes());
    assert_eq!(entry.produced().expect("a picture").screening, None);
    Ok(())
}

/// Made by testkit/scripts/sealed_leaf.py from the drawing of the format: the vault's key, a record's id and wrapped key, the secret that
/// tells the right vault's key, and the digest of the prompt, in hexadecimal.
const SEALED_LEAF: &str = include_str!("golden/leaf-v2-sealed.json");
const SEALED: &str = include_str!("golden/sealed.txt");

fn bytes(digits: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(digit).collect()
}

#[test]
fn sealed_fields_are_as_the_format_draws_them() -> Outcome {
    let [master, id, wrapped, check, digest] = SEALED.lines().collect::<Vec<_>>()[..] else { panic!("five lines") };
    let folder = tempfile::tempdir()?;
    let settings = settings(folder.path(), PromptStorage::Encrypted);
    std::fs::write(&settings.key, master)?;
    let mut log = MemoryLog::new();
    for (id, content) in [(bytes(id), wrapped), (vec![0; 16], check)] {
        let id = id.try_into().map_err(|_| "16 bytes")?;
        log.keep_secret(&Secret {
            id,
            time: clock().now(),
            keep_until: Timestamp(clock().now().0 + 184 * 86_400_000),
            content: bytes(content),
        })?;
    }
    let mut entry = Entry::from_leaf(SEALED_LEAF.as_bytes()).expect("the golden leaf reads");
    let (hash, pseudonym) = (leaf_hash(SEALED_LEAF.as_bytes()), entry.personal.as_ref().and_then(|personal| personal.account.clone()));
    let tags = [format!("refusal:{}", pseudonym.expect("a pseudonym"))];
    log.append(0, &format!("refused:{hash}"), &tags, &[&hash.0[..], SEALED_LEAF.as_bytes()].concat(), Beside::default())?;
    log.set_head(&Ledger::open(Box::new(MemoryLog::new()), clock())?.head().to_string())?;

    let ledger = Ledger::open(Box::new(log.clone()), clock())?.with_vault(&settings)?;
    assert!(verify(&log)?.is_sound());
    let revealed = ledger.reveal(&entry)?;
    assert_eq!(revealed.personal.and_then(|personal| personal.account).as_deref(), Some("甲"));
    let Record::Refused(refused) = revealed.entry.record else { panic!("a refusal") };
    assert_eq!((refused.request, refused.verdict), (request(), refusal()));
    assert_eq!(ledger.history(&account(), Timestamp(0))?.refusals.len(), 1);
    if let Some(personal) = &mut entry.personal {
        personal.digests = vec![digest.parse()?];
    }
    assert_eq!(ledger.holds_text(&entry, &request().texts.prompt)?, Some(true));
    Ok(())
}
