use crate::output::create_private;
use crate::schema::{self, Found};
use crate::{Error, Result, guards, secrets};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use spec::{Beside, LogStorage, PortError, Secret, SecretId, StorageFault, Timestamp};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a call waits for another process that holds the database: an append takes milliseconds, so a wait this long
/// means that something hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A log in one SQLite file.
///
/// ```text
/// application_id  DnQg            user_version  3
/// leaf   position  INTEGER   0, 1, 2, … without gaps
///        key       TEXT      unique; finds the leaf again
///        content   BLOB      opaque here; the ledger draws it
/// tag    tag       TEXT      finds leaves by what they share; (tag, position) is unique
///        position  INTEGER
/// head   text      TEXT      at most one row; opaque here
/// secret id          BLOB     16 bytes; finds the secret again
///        time        INTEGER  when it was made, ms since 1970
///        keep_until  INTEGER  ms since 1970
///        content     BLOB     opaque here; the ledger's vault draws it
/// ```
///
/// Triggers refuse to change or remove a leaf or a tag, to change a secret, and to remove one before its term by the machine's clock
/// is over. They stop mistakes; whoever can write to the file can drop them, so that they are compared with those of this build at every
/// opening, put back, and told. What is removed is overwritten in the file (`secure_delete`). The journal is a rollback journal, so that between calls the log is
/// exactly one file that can be copied; `synchronous=EXTRA` makes an append that returned `Ok` survive a power cut.
/// An append is one transaction, whatever is written beside the leaf: a transaction flushes the disk five times (the journal twice, the
/// folder after it appears and after it goes, the database), and these are nearly all of its time.
#[derive(Debug)]
pub struct SqliteLog {
    connection: Connection,
    path: PathBuf,
    restored: Vec<String>,
}

impl SqliteLog {
    /// Opens the log at `path`, and creates it if there is none. The folder must exist.
    pub fn open(path: &Path) -> Result<Self> {
        // What people wrote stands in it. An empty file is filled below, one that is there keeps its mode, and what hinders is told below.
        drop(create_private(path));
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?.with_guards()
    }

    /// Opens the log at `path`; an error if there is none, and for an empty file, which is what is left of a ledger that was cut off. A log on a read-only medium opens for reading.
    pub fn open_existing(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?.with_guards()
    }

    /// Opens the log at `path`, by the rules of [`Self::open_existing`], and leaves its triggers and indices as they are, so that
    /// `faults` tells what was done to them.
    pub fn open_to_verify(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn with_guards(mut self) -> Result<Self> {
        let failed = self.failed("open");
        self.restored = guards::restore(&mut self.connection).map_err(failed)?;
        Ok(self)
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Self> {
        let failed = |source| Error::Database { path: path.to_owned(), what: "open", source };
        let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
        connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "EXTRA").map_err(failed)?;
        connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
        match schema::prepare(&mut connection, flags.contains(OpenFlags::SQLITE_OPEN_CREATE)).map_err(failed)? {
            Found::Ledger => Ok(Self { connection, path: path.to_owned(), restored: Vec::new() }),
            Found::Foreign => Err(Error::NotALedger { path: path.to_owned() }),
            Found::TooNew(found) => Err(Error::SchemaTooNew { path: path.to_owned(), found, known: schema::NEWEST }),
        }
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Database { path, what, source }
    }

    fn try_append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<()> {
        let failed = self.failed("append to");
        match append(&mut self.connection, (index, key, tags, leaf), beside) {
            Ok(Appended::Done) => Ok(()),
            Ok(Appended::OutOfTurn(length)) => Err(Error::OutOfTurn { index, length }),
            Ok(Appended::KeyTaken) => Err(Error::KeyTaken { key: key.to_owned() }),
            Ok(Appended::SecretTaken) => Err(Error::SecretTaken),
            Err(source) => Err(failed(source)),
        }
    }
}

enum Appended {
    Done,
    OutOfTurn(u64),
    KeyTaken,
    SecretTaken,
}

type Leaf<'a> = (u64, &'a str, &'a [String], &'a [u8]);

fn append(connection: &mut Connection, (index, key, tags, leaf): Leaf<'_>, beside: Beside<'_>) -> rusqlite::Result<Appended> {
    // Immediate: the look at the length and the insertion must see the same log. One transaction for everything, since each costs
    // several flushes of the disk.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let length = length(&transaction)?;
    if index != length {
        return Ok(Appended::OutOfTurn(length));
    }
    if find(&transaction, key)?.is_some() {
        return Ok(Appended::KeyTaken);
    }
    transaction.prepare_cached("INSERT INTO leaf (position, key, content) VALUES (?1, ?2, ?3)")?.execute(params![
        index as i64,
        key,
        leaf
    ])?;
    for tag in tags {
        transaction.prepare_cached("INSERT OR IGNORE INTO tag (tag, position) VALUES (?1, ?2)")?.execute(params![tag, index as i64])?;
    }
    if let Some(secret) = beside.secret
        && !secrets::keep(&transaction, secret)?
    {
        return Ok(Appended::SecretTaken);
    }
    if let Some(head) = beside.head {
        set_head(&transaction, head)?;
    }
    transaction.commit()?;
    Ok(Appended::Done)
}

fn length(connection: &Connection) -> rusqlite::Result<u64> {
    let next: i64 = connection
        .prepare_cached("SELECT coalesce((SELECT position FROM leaf ORDER BY position DESC LIMIT 1), -1)")?
        .query_row([], |row| row.get(0))?;
    // A position below zero can only come from a damaged file; it counts as nothing here and verification names it.
    Ok(next.saturating_add(1).max(0) as u64)
}

fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<u64>> {
    let position: Option<i64> =
        connection.prepare_cached("SELECT position FROM leaf WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()?;
    Ok(position.and_then(|position| u64::try_from(position).ok()))
}

fn find_tagged(connection: &Connection, tag: &str, before: u64) -> rusqlite::Result<Option<u64>> {
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let position: Option<i64> = connection
        .prepare_cached("SELECT position FROM tag WHERE tag = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1")?
        .query_row(params![tag, before], |row| row.get(0))
        .optional()?;
    Ok(position.and_then(|position| u64::try_from(position).ok()))
}

fn leaf(connection: &Connection, index: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    let Ok(position) = i64::try_from(index) else { return Ok(None) };
    connection.prepare_cached("SELECT content FROM leaf WHERE position = ?1")?.query_row([position], |row| row.get(0)).optional()
}

fn visit_leaves(connection: &Connection, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> rusqlite::Result<()> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut query = connection.prepare_cached("SELECT position, content FROM leaf WHERE position >= ?1 ORDER BY position")?;
    let mut rows = query.query([from])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        if !visit(position as u64, row.get_ref(1)?.as_blob()?) {
            break;
        }
    }
    Ok(())
}

fn key(connection: &Connection, index: u64) -> rusqlite::Result<Option<String>> {
    let Ok(position) = i64::try_from(index) else { return Ok(None) };
    connection.prepare_cached("SELECT key FROM leaf WHERE position = ?1")?.query_row([position], |row| row.get(0)).optional()
}

fn visit_tags(connection: &Connection, visit: &mut dyn FnMut(&str, u64)) -> rusqlite::Result<()> {
    let mut query = connection.prepare_cached("SELECT tag, position FROM tag ORDER BY position")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(1)?;
        // No leaf is there, as there is none below zero.
        visit(row.get_ref(0)?.as_str()?, u64::try_from(position).unwrap_or(u64::MAX));
    }
    Ok(())
}

fn head(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("SELECT text FROM head WHERE only = 1")?.query_row([], |row| row.get(0)).optional()
}

fn set_head(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO head (only, text) VALUES (1, ?1) ON CONFLICT (only) DO UPDATE SET text = excluded.text")?
        .execute([text])?;
    Ok(())
}

impl LogStorage for SqliteLog {
    fn length(&self) -> Result<u64, PortError> {
        Ok(length(&self.connection).map_err(self.failed("read"))?)
    }

    fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, PortError> {
        Ok(leaf(&self.connection, index).map_err(self.failed("read"))?)
    }

    fn visit_leaves(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), PortError> {
        Ok(visit_leaves(&self.connection, from, visit).map_err(self.failed("read"))?)
    }

    fn append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<(), PortError> {
        Ok(self.try_append(index, key, tags, leaf, beside)?)
    }

    fn find(&self, key: &str) -> Result<Option<u64>, PortError> {
        Ok(find(&self.connection, key).map_err(self.failed("read"))?)
    }

    fn key(&self, index: u64) -> Result<Option<String>, PortError> {
        Ok(key(&self.connection, index).map_err(self.failed("read"))?)
    }

    fn visit_tags(&self, visit: &mut dyn FnMut(&str, u64)) -> Result<(), PortError> {
        Ok(visit_tags(&self.connection, visit).map_err(self.failed("read"))?)
    }

    fn find_tagged(&self, tag: &str) -> Result<Option<u64>, PortError> {
        self.find_tagged_before(tag, u64::MAX)
    }

    fn find_tagged_before(&self, tag: &str, before: u64) -> Result<Option<u64>, PortError> {
        Ok(find_tagged(&self.connection, tag, before).map_err(self.failed("read"))?)
    }

    fn keep_secret(&mut self, secret: &Secret) -> Result<bool, PortError> {
        Ok(secrets::keep(&self.connection, secret).map_err(self.failed("append to"))?)
    }

    fn secret(&self, id: SecretId) -> Result<Option<Vec<u8>>, PortError> {
        Ok(secrets::read(&self.connection, id).map_err(self.failed("read"))?)
    }

    fn visit_secrets(&self, visit: &mut dyn FnMut(&Secret)) -> Result<(), PortError> {
        Ok(secrets::visit(&self.connection, visit).map_err(self.failed("read"))?)
    }

    fn secrets_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), PortError> {
        Ok(secrets::before(&self.connection, time).map_err(self.failed("read"))?)
    }

    fn remove_secrets(&mut self, time: Timestamp, now: Timestamp) -> Result<u64, PortError> {
        Ok(secrets::remove(&self.connection, time, now).map_err(self.failed("remove secrets from"))?)
    }

    fn head(&self) -> Result<Option<String>, PortError> {
        Ok(head(&self.connection).map_err(self.failed("read"))?)
    }

    fn set_head(&mut self, head: &str) -> Result<(), PortError> {
        Ok(set_head(&self.connection, head).map_err(self.failed("append to"))?)
    }

    fn faults(&self) -> Result<Vec<StorageFault>, PortError> {
        Ok(guards::faults(&self.connection).map_err(self.failed("read"))?)
    }

    fn restored(&self) -> &[String] {
        &self.restored
    }
}
