//! What `SqliteLog` makes of files that are not what they should be.
use rusqlite::Connection;
use spec::{Beside, Code, LogStorage};
use std::fs;
use std::path::Path;
use store::{Error, SqliteLog};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn refusal(path: &Path) -> Error {
    SqliteLog::open(path).expect_err("must be refused")
}

#[test]
fn a_leaf_can_be_neither_changed_nor_removed_by_sql() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    SqliteLog::open(&path)?.append(0, "a", &["tag".into()], b"leaf", Beside::default())?;
    let connection = Connection::open(&path)?;
    for statement in ["UPDATE leaf SET content = x'00'", "DELETE FROM leaf", "UPDATE tag SET position = 1", "DELETE FROM tag"] {
        let text = connection.execute_batch(statement).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("only grows"), "{text}");
    }
    Ok(())
}

#[test]
fn someone_elses_database_is_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("other.sqlite");
    Connection::open(&path)?.execute_batch("CREATE TABLE photo (name TEXT)")?;
    let before = fs::read(&path)?;
    assert!(matches!(refusal(&path), Error::NotALedger { .. }));
    assert_eq!(fs::read(&path)?, before);
    Ok(())
}

#[test]
fn a_newer_schema_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    drop(SqliteLog::open(&path)?);
    Connection::open(&path)?.pragma_update(None, "user_version", 99)?;
    let error = refusal(&path);
    assert!(matches!(error, Error::SchemaTooNew { found: 99, .. }), "{error}");
    Ok(())
}

#[test]
fn a_file_that_is_no_database_or_a_missing_folder_is_an_error_with_its_path() -> Outcome {
    let folder = tempfile::tempdir()?;
    let text = folder.path().join("notes.txt");
    fs::write(&text, "十里平湖霜满天".repeat(100))?;
    for path in [text, folder.path().to_owned(), folder.path().join("absent/ledger.sqlite")] {
        let error = refusal(&path);
        assert_eq!(error.code(), Code::StorageFailed);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.to_string().contains("账本数据库"), "{error}");
    }
    assert!(SqliteLog::open_existing(&folder.path().join("none.sqlite")).is_err());
    assert!(!folder.path().join("none.sqlite").exists());
    let empty = folder.path().join("empty.sqlite");
    fs::write(&empty, "")?;
    let error = SqliteLog::open_existing(&empty).expect_err("must be refused");
    assert!(matches!(error, Error::NotALedger { .. }) && fs::read(&empty)?.is_empty(), "{error}");
    drop(SqliteLog::open(&empty)?);
    assert!(SqliteLog::open_existing(&empty).is_ok(), "a ledger without entries is one");
    Ok(())
}

#[test]
fn one_process_may_open_what_another_is_just_creating() -> Outcome {
    for _ in 0..60 {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ledger.sqlite");
        std::thread::scope(|scope| {
            for opener in [0; 4].map(|_| scope.spawn(|| SqliteLog::open(&path).map(drop))) {
                opener.join().expect("no panic").expect("opens");
            }
        });
    }
    Ok(())
}
