use rusqlite::{Connection, ErrorCode, Result, TransactionBehavior};

/// `PRAGMA application_id` of a Danqing ledger: the ASCII bytes `DnQg`.
pub const APPLICATION_ID: i64 = 0x446e_5167;

/// Upgrade steps; step `n` brings a database from schema `n` to schema `n + 1`. Steps are only ever added.
const STEPS: &[&str] = &[
    "
    CREATE TABLE leaf (
        position INTEGER PRIMARY KEY,
        key      TEXT NOT NULL,
        content  BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX leaf_by_key ON leaf (key);
    CREATE TABLE head (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        text TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER leaf_is_never_changed BEFORE UPDATE ON leaf BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;
    CREATE TRIGGER leaf_is_never_removed BEFORE DELETE ON leaf BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;
",
    TAGS,
    SECRETS,
];

/// Step 1 → 2. The tags of leaves that are there already are read from them as the ledger wrote them by then: 32 bytes of
/// hash, then JSON. What is no JSON is damaged, and left for verification to name.
const TAGS: &str = "
    CREATE TABLE tag (
        tag      TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (tag, position)
    ) STRICT, WITHOUT ROWID;
    WITH entry AS (
        SELECT position, CASE WHEN json_valid(CAST(substr(content, 33) AS TEXT)) THEN CAST(substr(content, 33) AS TEXT) END AS json FROM leaf
    )
    INSERT OR IGNORE INTO tag (tag, position)
        SELECT 'content:' || (json ->> '$.record.content_sha256'), position FROM entry WHERE json ->> '$.record.content_sha256' IS NOT NULL
        UNION ALL
        SELECT 'mark:' || substr(json ->> '$.record.produce_id', 25), position FROM entry WHERE json ->> '$.record.watermarked';
    CREATE TRIGGER tag_is_never_changed BEFORE UPDATE ON tag BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;
    CREATE TRIGGER tag_is_never_removed BEFORE DELETE ON tag BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;
";

/// Step 2 → 3. The trigger goes by the machine's clock, which the program's own check does not need to trust.
const SECRETS: &str = "
    CREATE TABLE secret (
        id         BLOB PRIMARY KEY CHECK (length(id) = 16),
        time       INTEGER NOT NULL,
        keep_until INTEGER NOT NULL,
        content    BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX secret_by_time ON secret (time);
    CREATE TRIGGER secret_is_never_changed BEFORE UPDATE ON secret BEGIN SELECT raise(ABORT, 'a secret is kept or removed'); END;
    CREATE TRIGGER secret_is_kept_for_its_term BEFORE DELETE ON secret WHEN old.keep_until > unixepoch() * 1000
        BEGIN SELECT raise(ABORT, 'the term of this secret is not over'); END;
";

/// The upgrade steps, in order.
pub fn steps() -> &'static [&'static str] {
    STEPS
}

/// The schema that this build writes.
pub const NEWEST: i64 = STEPS.len() as i64;

/// What a database turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A ledger, now at the newest schema.
    Ledger,
    /// A database of something else.
    Foreign,
    /// A ledger of a schema that this build does not know.
    TooNew(i64),
}

/// Finds out what the database is, and upgrades a ledger (or fills an empty file, if `fill`) to the newest schema in one transaction.
/// An empty file that is not to be filled is foreign.
pub fn prepare(connection: &mut Connection, fill: bool) -> Result<Found> {
    // One look at one state: between two of them another process may fill the file.
    let look = connection.transaction()?;
    if let Some(found) = recognise(&look)? {
        return Ok(found);
    }
    drop(look);
    match upgrade(connection, fill) {
        Err(error) if is_read_only(&error) && pragma(connection, "user_version")? >= 1 => {
            // On a read-only medium what is missing lives as long as the connection.
            let version = pragma(connection, "user_version")?;
            for step in STEPS.iter().skip(version as usize) {
                connection.execute_batch(&step.replace("CREATE T", "CREATE TEMP T").replace("CREATE INDEX ", "CREATE INDEX temp."))?;
            }
            Ok(Found::Ledger)
        }
        outcome => outcome,
    }
}

/// The file, or the folder where its journal would lie, cannot be written to.
fn is_read_only(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

fn upgrade(connection: &mut Connection, fill: bool) -> Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have upgraded it between the look above and the lock.
    if let Some(found) = recognise(&transaction)? {
        return Ok(found);
    }
    let version = pragma(&transaction, "user_version")?;
    if version == 0 && !fill {
        return Ok(Found::Foreign);
    }
    for step in STEPS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()?;
    Ok(Found::Ledger)
}

/// `None` when upgrade steps are due.
fn recognise(connection: &Connection) -> Result<Option<Found>> {
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    Ok(match version {
        0 if tables == 0 && application == 0 => None,
        _ if application != APPLICATION_ID || version <= 0 => Some(Found::Foreign),
        _ if version > NEWEST => Some(Found::TooNew(version)),
        _ if version == NEWEST => Some(Found::Ledger),
        _ => None,
    })
}

pub fn pragma(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::{APPLICATION_ID, Found, NEWEST, STEPS, pragma, prepare};
    use rusqlite::{Connection, OpenFlags, Result};

    const LEAVES: &str = r#"
        INSERT INTO leaf VALUES (0, 'a', zeroblob(32) || '{"record":{"content_sha256":"c0","produce_id":"01a205b3-d000-7000-8000-0123456789ab","watermarked":true}}');
        INSERT INTO leaf VALUES (1, 'b', zeroblob(32) || '{"record":{"content_sha256":"c1","produce_id":"01a205b3-d000-7000-8000-00000000000b"}}');
        INSERT INTO leaf VALUES (2, 'c', zeroblob(32) || '{"record":{"kind":"refused"}}');
        INSERT INTO leaf VALUES (3, 'd', x'ff'), (4, 'e', zeroblob(40));
    "#;

    fn tags(connection: &Connection) -> Result<Vec<(String, i64)>> {
        let mut query = connection.prepare("SELECT tag, position FROM tag ORDER BY tag")?;
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    #[test]
    fn an_older_ledger_gets_its_tags_and_a_read_only_one_for_the_time_being() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ledger.sqlite");
        let mut old = Connection::open(&path)?;
        old.execute_batch(STEPS[0])?;
        old.execute_batch(&LEAVES.replace("zeroblob(32) || ", "CAST(zeroblob(32) || ").replace("}')", "}' AS BLOB))"))?;
        old.pragma_update(None, "application_id", APPLICATION_ID)?;
        old.pragma_update(None, "user_version", 1)?;
        let expected = [("content:c0", 0), ("content:c1", 1), ("mark:0123456789ab", 0)].map(|(tag, position)| (tag.to_owned(), position));

        let mut reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        assert_eq!(prepare(&mut reader, true)?, Found::Ledger);
        assert_eq!((tags(&reader)?, pragma(&reader, "user_version")?), (expected.to_vec(), 1));
        drop(reader);

        assert_eq!(prepare(&mut old, true)?, Found::Ledger);
        assert_eq!((tags(&old)?, pragma(&old, "user_version")?), (expected.to_vec(), NEWEST));
        old.execute_batch("INSERT INTO secret VALUES (zeroblob(16), 1, 2, x'00'), (randomblob(16), 1, 9e15, x'00')")?;
        for statement in ["UPDATE secret SET content = x'01'", "DELETE FROM secret"] {
            assert!(old.execute_batch(statement).is_err(), "{statement}");
        }
        old.execute_batch("DELETE FROM secret WHERE keep_until = 2")?;
        for statement in ["UPDATE tag SET position = 9", "DELETE FROM tag"] {
            assert!(old.execute_batch(statement).is_err_and(|error| error.to_string().contains("only grows")));
        }
        Ok(())
    }
}
