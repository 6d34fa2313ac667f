use crate::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// `PRAGMA application_id` of a Danqing queue: the ASCII bytes `DnQq`.
const APPLICATION_ID: i64 = 0x446e_5171;

/// How long a call waits for another process that holds the file: a call takes milliseconds, and the longest, putting a hundred thousand
/// items, well under a second, so a wait this long means that something hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause before the journal's mode is asked for again, for which SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Upgrade steps; step `n` brings a file from schema `n` to schema `n + 1`. Steps are only ever added.
const STEPS: &[&str] = &["
    CREATE TABLE job (
        sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
        id               BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        account          TEXT NOT NULL,
        request          TEXT NOT NULL,
        shape            TEXT NOT NULL,
        priority         INTEGER NOT NULL,
        items            INTEGER NOT NULL CHECK (items > 0),
        maximum_attempts INTEGER NOT NULL CHECK (maximum_attempts > 0),
        cancelled        INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
        waiting          INTEGER NOT NULL CHECK (waiting >= 0),
        leased           INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0),
        finished         INTEGER NOT NULL DEFAULT 0 CHECK (finished >= 0),
        dead             INTEGER NOT NULL DEFAULT 0 CHECK (dead >= 0),
        withdrawn        INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn >= 0),
        CHECK (waiting + leased + finished + dead + withdrawn = items)
    ) STRICT;
    CREATE INDEX job_by_turn ON job (priority DESC, sequence) WHERE waiting > 0;
    CREATE INDEX job_by_shape ON job (shape, priority DESC, sequence) WHERE waiting > 0;
    CREATE INDEX job_by_account ON job (account, id);
    CREATE INDEX job_by_death ON job (id) WHERE dead > 0;
    CREATE TABLE item (
        job      INTEGER NOT NULL,
        position INTEGER NOT NULL,
        state    TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'finished', 'dead', 'cancelled')),
        epoch    INTEGER CHECK ((epoch IS NOT NULL) = (state = 'leased')),
        attempts INTEGER NOT NULL DEFAULT 0,
        code     TEXT,
        message  TEXT,
        result   TEXT,
        PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX item_that_waits ON item (job, position) WHERE state = 'waiting';
    CREATE INDEX item_by_lease ON item (epoch) WHERE epoch IS NOT NULL;
    CREATE TRIGGER item_is_counted AFTER UPDATE OF state ON item WHEN old.state <> new.state BEGIN
        UPDATE job SET
            waiting   = waiting   + (new.state = 'waiting')   - (old.state = 'waiting'),
            leased    = leased    + (new.state = 'leased')    - (old.state = 'leased'),
            finished  = finished  + (new.state = 'finished')  - (old.state = 'finished'),
            dead      = dead      + (new.state = 'dead')      - (old.state = 'dead'),
            withdrawn = withdrawn + (new.state = 'cancelled') - (old.state = 'cancelled')
        WHERE sequence = new.job;
    END;
    CREATE TABLE lease (
        epoch INTEGER PRIMARY KEY AUTOINCREMENT,
        owner BLOB NOT NULL CHECK (length(owner) = 16),
        since INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT;
"];

/// The schema that this build writes.
const NEWEST: i64 = STEPS.len() as i64;

enum Found {
    Queue,
    Foreign,
    TooNew(i64),
}

/// Opens the file at `path` as a queue, of the newest schema; creates it for its owner alone where there is none.
pub fn open(path: &Path) -> Result<Connection> {
    create(path)?;
    let failed = |source| Error::Queue { path: path.to_owned(), what: "open", source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
    connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
    match prepare(&mut connection).map_err(failed)? {
        Found::Queue => {}
        Found::Foreign => return Err(Error::NotAQueue { path: path.to_owned() }),
        Found::TooNew(found) => return Err(Error::QueueTooNew { path: path.to_owned(), found, known: NEWEST }),
    }
    write_ahead(&connection).map_err(failed)?;
    Ok(connection)
}

/// SQLite gives the files that it makes beside this one the same mode.
fn create(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(Error::write(path))
}

/// Recognises the file and brings it to the newest schema, in one transaction: between two looks another process may fill the file.
fn prepare(connection: &mut Connection) -> rusqlite::Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let is_empty = version == 0 && application == 0 && tables == 0;
    if !is_empty && (application != APPLICATION_ID || version <= 0) {
        return Ok(Found::Foreign);
    }
    if version > NEWEST {
        return Ok(Found::TooNew(version));
    }
    if version < NEWEST {
        for step in STEPS.iter().skip(version as usize) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", NEWEST)?;
        transaction.commit()?;
    }
    Ok(Found::Queue)
}

/// Switches to a write-ahead log, once and for all processes. A medium that has none keeps its journal, and is slower.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Err(error)
                if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
                    && started.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome.map(drop),
        }
    }
}
