//! The exact bytes of format v1. A difference here means a new version, not a new golden file.
mod common;

use common::{File, Outcome, clock, held, id, refusal, request, screening};
use ledger::{Entry, Ledger, leaf_hash};
use spec::LogStorage as _;
use spec::stage::Recorded as _;
use store::MemoryLog;

const PRODUCED: &str = include_str!("golden/leaf-v1-produced.json");
/// From before pictures were screened.
const UNSCREENED: &str = include_str!("golden/leaf-v1-unscreened.json");
const WITHHELD: &str = include_str!("golden/leaf-v1-withheld.json");
const REFUSED: &str = include_str!("golden/leaf-v1-refused.json");
const HEAD: &str = include_str!("golden/head-v1.txt");

#[test]
fn rows_and_head_are_exactly_these_bytes() -> Outcome {
    let log = MemoryLog::new();
    let mut ledger = Ledger::open(Box::new(log.clone()), clock())?;
    let recorded = ledger.append(held(0))?;
    assert_eq!((recorded.leaf_index(), recorded.root()), (0, leaf_hash(PRODUCED.as_bytes())));
    assert_eq!(ledger.append_refusal(&request(), &refusal())?, 1);
    assert_eq!(ledger.append_withheld(&File::new(0).rendering, &screening(0.9))?, 2);

    for (index, golden) in [(0, PRODUCED), (1, REFUSED), (2, WITHHELD)] {
        let row = log.leaf(index)?.expect("the row");
        let (hash, leaf) = row.split_at(32);
        assert_eq!(String::from_utf8_lossy(leaf), golden);
        assert_eq!(hash, leaf_hash(leaf).0);
        let entry = Entry::from_leaf(golden.as_bytes()).expect("the golden leaf reads");
        assert_eq!(ledger.entry(index)?, Some(entry));
    }
    assert_eq!(log.head()?.as_deref(), Some(HEAD));
    assert!(HEAD.starts_with(&ledger.head().to_string()));
    assert_eq!(log.find(&id(0).to_string())?, Some(0));
    assert_eq!(log.find(&format!("refused:{}", leaf_hash(REFUSED.as_bytes())))?, Some(1));
    assert_eq!(log.find(&format!("withheld:{}", leaf_hash(WITHHELD.as_bytes())))?, Some(2));
    Ok(())
}

#[test]
fn records_from_before_screening_still_read() -> Outcome {
    let entry = Entry::from_leaf(UNSCREENED.as_bytes()).expect("the golden leaf reads");
    assert_eq!(entry.to_leaf()?, UNSCREENED.as_bytes());
    assert_eq!(entry.produced().expect("a picture").screening, None);
    Ok(())
}
