//! Personal fields are sealed, can be destroyed after their term and not before, and the log verifies all the same.
mod common;

use common::{LONG_AGO, Outcome, SetClock, held, id, refusal, request, settings};
use ledger::{Account, Error, Ledger, PromptStorage, Revealed, Snapshot, VaultSettings, verify};
use spec::{Code, LogStorage, Timestamp};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use store::SqliteLog;

fn open(folder: &Path, settings: &VaultSettings, clock: &Arc<SetClock>) -> Result<Ledger, Error> {
    let log = SqliteLog::open(&folder.join("ledger.sqlite")).expect("the log opens");
    Ledger::open(Box::new(log), Arc::<SetClock>::clone(clock))?.with_vault(settings)
}

fn li_si() -> Account {
    Account::new("李四@example.com").expect("a name")
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn reveal(ledger: &Ledger, index: u64) -> Result<Revealed, Error> {
    ledger.reveal(&ledger.entry(index)?.expect("an entry"))
}

#[test]
fn are_readable_with_the_key_alone() -> Outcome {
    for (prompts, clear) in [(PromptStorage::Plain, true), (PromptStorage::Hashed, false), (PromptStorage::Encrypted, false)] {
        let folder = tempfile::tempdir()?;
        let (settings, clock) = (settings(folder.path(), prompts), SetClock::at(LONG_AGO));
        let mut ledger = open(folder.path(), &settings, &clock)?;
        ledger.append(held(0), &li_si())?;
        ledger.append_refusal(&request(), &refusal(), &li_si())?;
        let file = fs::read(folder.path().join("ledger.sqlite"))?;
        assert!(!contains(&file, "李四"), "{prompts:?}: the account is in clear text");
        assert_eq!((contains(&file, "红色高跟鞋"), contains(&file, r#""quote":"词""#)), (clear, clear), "{prompts:?}");
        drop(ledger);

        let ledger = open(folder.path(), &settings, &clock)?;
        assert!(ledger.verify()?.is_sound());
        let revealed = reveal(&ledger, 1)?;
        assert_eq!(revealed.personal.as_ref().and_then(|personal| personal.account.as_deref()), Some("李四@example.com"));
        let ledger::Record::Refused(refused) = &revealed.entry.record else { panic!("{revealed:?}") };
        let expected = match prompts {
            PromptStorage::Hashed => String::new(),
            _ => request().texts.prompt,
        };
        assert_eq!(refused.request.texts.prompt, expected, "{prompts:?}");
        if prompts == PromptStorage::Hashed {
            let entry = ledger.entry(1)?.expect("an entry");
            assert_eq!(ledger.holds_text(&entry, &request().texts.prompt)?, Some(true));
            assert_eq!(ledger.holds_text(&entry, "别的提示词")?, Some(false));
        } else {
            assert_eq!(refused.verdict, refusal(), "{prompts:?}");
        }
    }
    Ok(())
}

#[test]
fn are_destroyed_after_the_term_and_not_before() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (settings, clock) = (settings(folder.path(), PromptStorage::Encrypted), SetClock::at(LONG_AGO));
    let mut ledger = open(folder.path(), &settings, &clock)?;
    ledger.append(held(0), &li_si())?;
    clock.pass_days(100);
    ledger.append(held(1), &li_si())?;
    let (first, second) = (Timestamp(LONG_AGO + 86_400_000), Timestamp(LONG_AGO + 101 * 86_400_000));
    let path = folder.path().join("ledger.sqlite");
    let root = Snapshot::read(&SqliteLog::open(&path)?)?.checkpoint();

    clock.pass_days(84);
    let inside = ledger.shred(first, "张三").expect_err("184 days have not passed since that day's end");
    assert!(matches!(inside, Error::InsideTerm { .. }) && inside.to_string().contains("2020-07-04"), "{inside}");
    assert_eq!(inside.code(), Code::InvalidRequest);
    clock.pass_days(1);
    assert!(ledger.shred(second, "张三").is_err(), "the second record is inside its term: nothing goes");
    assert_eq!(reveal(&ledger, 0)?.entry.produced().map(|produced| produced.request.texts.prompt.clone()), Some(request().texts.prompt));
    assert_eq!(ledger.shred(first, "张三")?, 1);

    let revealed = reveal(&ledger, 0)?;
    assert_eq!((revealed.personal, revealed.entry.produced().map(|produced| produced.request.texts.prompt.as_str())), (None, Some("")));
    assert_eq!(reveal(&ledger, 1)?.entry.produced().map(|produced| produced.request.texts.prompt.clone()), Some(request().texts.prompt));
    let log = SqliteLog::open(&path)?;
    let report = verify(&log)?;
    assert!(report.is_sound() && report.length == 3, "{report}");
    Snapshot::read(&log)?.check_continues(root)?;
    assert!(ledger.find(id(0))?.is_some(), "the record itself stays");
    assert!(matches!(ledger.entry(2)?.map(|entry| entry.record), Some(ledger::Record::Shredded(done)) if done.keys == 1));
    assert_eq!(ledger.shred(first, "张三")?, 0, "nothing is left to destroy");
    Ok(())
}

#[test]
fn a_destroyed_key_is_not_in_the_file_any_more() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (settings, clock) = (settings(folder.path(), PromptStorage::Encrypted), SetClock::at(LONG_AGO));
    let mut ledger = open(folder.path(), &settings, &clock)?;
    ledger.append(held(0), &li_si())?;
    let path = folder.path().join("ledger.sqlite");
    let sealed = ledger.entry(0)?.and_then(|entry| entry.personal).expect("sealed");
    let key = u128::from_str_radix(&sealed.key, 16)?.to_be_bytes();
    let wrapped = SqliteLog::open(&path)?.secret(key)?.expect("the wrapped key");
    let is_there = |bytes: Vec<u8>| bytes.windows(wrapped.len()).any(|window| window == wrapped);
    assert!(is_there(fs::read(&path)?));
    clock.pass_days(200);
    assert_eq!(ledger.shred(Timestamp(LONG_AGO + 1), "张三")?, 1);
    assert!(!is_there(fs::read(&path)?));
    Ok(())
}

#[test]
fn sql_cannot_remove_a_key_inside_its_term() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (settings, clock) = (settings(folder.path(), PromptStorage::Plain), SetClock::at(9_000_000_000_000));
    open(folder.path(), &settings, &clock)?.append(held(0), &li_si())?;
    let connection = rusqlite::Connection::open(folder.path().join("ledger.sqlite"))?;
    let refused = connection.execute_batch("DELETE FROM secret").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("not over"), "{refused}");
    Ok(())
}

#[test]
fn a_missing_or_foreign_key_and_a_short_term_are_refused() -> Outcome {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (ours, clock) = (settings(folder.path(), PromptStorage::Plain), SetClock::at(LONG_AGO));
    open(folder.path(), &ours, &clock)?.append(held(0), &li_si())?;
    open(other.path(), &settings(other.path(), PromptStorage::Plain), &clock)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&ours.key)?.permissions().mode() & 0o777, 0o600);
    }
    let refusal = |settings: &VaultSettings| open(folder.path(), settings, &clock).err().expect("must be refused");
    let foreign = VaultSettings { key: other.path().join("record.key"), ..ours.clone() };
    assert!(matches!(refusal(&foreign), Error::RecordKeyOfAnother { .. }));
    let gone = VaultSettings { key: folder.path().join("gone.key"), ..ours.clone() };
    assert!(matches!(refusal(&gone), Error::RecordKeyMissing { .. }));
    assert!(!gone.key.exists(), "a lost key is not replaced unseen");
    fs::write(folder.path().join("bad.key"), "中".repeat(22))?;
    assert!(matches!(refusal(&VaultSettings { key: folder.path().join("bad.key"), ..ours.clone() }), Error::RecordKeyInvalid { .. }));
    let short = VaultSettings { retention_days: 183, ..ours.clone() };
    let error = refusal(&short);
    assert!(error.to_string().contains("184") && error.code() == Code::ConfigurationInvalid, "{error}");
    assert!("none".parse::<PromptStorage>().is_err());
    assert!(verify(&SqliteLog::open(&folder.path().join("ledger.sqlite"))?)?.is_sound(), "verifying needs no key");
    Ok(())
}
