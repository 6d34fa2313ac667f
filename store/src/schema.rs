use rusqlite::{Connection, Result, TransactionBehavior};

/// `PRAGMA application_id` of a Danqing ledger: the ASCII bytes `DnQg`.
pub const APPLICATION_ID: i64 = 0x446e_5167;

/// Upgrade steps; step `n` brings a database from schema `n` to schema `n + 1`. Steps are only ever added.
const STEPS: &[&str] = &["
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
"];

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

/// Finds out what the database is, and upgrades a ledger (or fills an empty file) to the newest schema in one transaction.
pub fn prepare(connection: &mut Connection) -> Result<Found> {
    if let Some(found) = recognise(connection)? {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have upgraded it between the look above and the lock.
    if let Some(found) = recognise(&transaction)? {
        return Ok(found);
    }
    let version = pragma(&transaction, "user_version")?;
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

fn pragma(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
