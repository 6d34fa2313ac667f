mod read;
mod schema;
mod step;

use crate::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use spec::job::{
    Extension, FinishedItem, ItemStatus, Job, JobFailure, JobId, JobItem, JobPage, JobStatus, Lease, LeaseSpan, LeaseTerms, LeaseToken,
    Put, Retry,
};
use spec::{Clock, JobQueue, PortError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a waiting thread looks for what another process has put. What a thread of its own process puts wakes it at once. Nobody notices a
/// twentieth of a second before a picture, and a look takes some ten microseconds.
const LOOK: Duration = Duration::from_millis(50);

/// A queue in one SQLite file, which any number of threads and processes of one machine share.
///
/// ```text
/// application_id  DnQq            user_version  1
/// job    sequence  INTEGER  order of putting, never used again
///        id        BLOB     16 bytes; unique
///        account, request, shape  TEXT
///        priority, items, maximum_attempts  INTEGER
///        cancelled  INTEGER  1 where somebody cancelled it
///        waiting, leased, finished, dead, withdrawn  INTEGER  how many items are in each state; a trigger keeps them
/// item   job       INTEGER  job.sequence; (job, position) is the key
///        position  INTEGER  0, 1, 2, … job.items - 1
///        state     TEXT     waiting, leased, finished, dead, cancelled
///        epoch     INTEGER  lease.epoch while it is leased, else NULL
///        attempts  INTEGER  how often it was tried in vain
///        code, message  TEXT  of its last failure
///        result    TEXT     what its worker said when it finished it
/// lease  epoch     INTEGER  never used again: the fencing token
///        owner     BLOB     16 bytes
///        since, until  INTEGER  ms since 1970
/// ```
///
/// A lease's row is there for as long as an item is under it. Every call that writes is one transaction that begins with the
/// writer's lock, so that two processes never choose the same item. What is put, cancelled, retried or removed is flushed to disk before
/// the call returns; the rest survives the process at once and the loss of power a little later.
///
/// The journal is a write-ahead log: `-wal` and `-shm` beside the file belong to it, and the file may not lie on a network's file system. It is not the
/// ledger's file, which is evidence, changes seldom and is one file between calls. That an item is recorded once needs no
/// transaction over both: its id is fixed, and the ledger takes an id once. Requests lie here in clear text for as long as their job is kept: the file is for its owner
/// alone, and what is removed is overwritten.
pub struct SqliteQueue {
    connection: Mutex<Connection>,
    arrivals: Condvar,
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

/// Whether a call returns before or after the disk has what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    /// Later: the loss of it costs an item's second lease.
    Later,
    /// Before it returns.
    Now,
}

impl SqliteQueue {
    /// Opens the queue at `path`, and creates it if there is none. The folder must exist. Leases go by `clock`.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let connection = schema::open(path)?;
        Ok(Self { connection: Mutex::new(connection), arrivals: Condvar::new(), path: path.to_owned(), clock })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Queue { path, what, source }
    }

    fn read<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, PortError> {
        // One transaction, so that what is read in several steps is of one moment.
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(self.failed("read"))?;
        Ok(look(&transaction).map_err(self.failed("read"))?)
    }

    fn write<T>(&self, flush: Flush, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, PortError> {
        let mut connection = self.connection();
        let outcome = write(&mut connection, flush, change).map_err(self.failed("write to"))?;
        drop(connection);
        self.arrivals.notify_all();
        Ok(outcome)
    }

    /// Does `change` to every one of `items` that is under `lease`; returns the others.
    fn settle<'a>(
        &self,
        lease: LeaseToken,
        items: impl Iterator<Item = &'a JobItem>,
        mut change: impl FnMut(&step::Held, &Transaction<'_>, usize) -> rusqlite::Result<()>,
    ) -> Result<Vec<JobItem>, PortError> {
        self.write(Flush::Later, |transaction| {
            let mut lost = Vec::new();
            for (position, &item) in items.enumerate() {
                match step::held(transaction, lease, item)? {
                    Some(held) => change(&held, transaction, position)?,
                    None => lost.push(item),
                }
            }
            step::drop_empty_leases(transaction)?;
            Ok(lost)
        })
    }
}

fn write<T>(
    connection: &mut Connection,
    flush: Flush,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.pragma_update(None, "synchronous", if flush == Flush::Now { "FULL" } else { "NORMAL" })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = change(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}

impl JobQueue for SqliteQueue {
    fn put(&self, job: &Job) -> Result<Put, PortError> {
        crate::memory_queue::check(job)?;
        let put = self.write(Flush::Now, |transaction| match read::status(transaction, job.id)? {
            Some(known) if known.job == *job => Ok(Some(Put::Known)),
            Some(_) => Ok(None),
            None => step::put(transaction, job).map(|()| Some(Put::Added)),
        })?;
        Ok(put.ok_or(Error::JobTaken { id: job.id })?)
    }

    fn peek(&self) -> Result<Option<Job>, PortError> {
        let now = self.clock.now();
        if !self.read(|connection| read::leases_over(connection, now))?.is_empty() {
            self.write(Flush::Later, |transaction| step::end_leases(transaction, now))?;
        }
        self.read(read::first)
    }

    fn lease(&self, terms: &LeaseTerms<'_>) -> Result<Option<Lease>, PortError> {
        let now = self.clock.now();
        self.write(Flush::Later, |transaction| {
            step::end_leases(transaction, now)?;
            step::lease(transaction, terms, LeaseSpan::new(now, terms.term))
        })
    }

    fn extend(&self, lease: LeaseToken, term: Duration) -> Result<Extension, PortError> {
        let span = LeaseSpan::new(self.clock.now(), term);
        self.write(Flush::Later, |transaction| step::extend(transaction, lease, span))
    }

    fn finish(&self, lease: LeaseToken, finished: &[FinishedItem]) -> Result<Vec<JobItem>, PortError> {
        self.settle(lease, finished.iter().map(|finished| &finished.item), |held, transaction, position| {
            held.finish(transaction, finished.get(position).map_or("", |finished| &finished.result))
        })
    }

    fn fail(&self, lease: LeaseToken, items: &[JobItem], failure: &JobFailure, retry: Retry) -> Result<Vec<JobItem>, PortError> {
        self.settle(lease, items.iter(), |held, transaction, _| held.fail(transaction, failure, retry))
    }

    fn put_back(&self, lease: LeaseToken, items: &[JobItem]) -> Result<Vec<JobItem>, PortError> {
        self.settle(lease, items.iter(), |held, transaction, _| held.put_back(transaction))
    }

    fn cancel(&self, job: JobId) -> Result<bool, PortError> {
        self.write(Flush::Now, |transaction| match read::status(transaction, job)? {
            Some(status) if !status.state().is_settled() => step::cancel(transaction, job).map(|()| true),
            _ => Ok(false),
        })
    }

    fn retry(&self, job: JobId) -> Result<u32, PortError> {
        self.write(Flush::Now, |transaction| step::retry(transaction, job))
    }

    fn remove(&self, job: JobId) -> Result<bool, PortError> {
        self.write(Flush::Now, |transaction| step::remove(transaction, job))
    }

    fn status(&self, job: JobId) -> Result<Option<JobStatus>, PortError> {
        self.read(|connection| read::status(connection, job))
    }

    fn items(&self, job: JobId, range: Range<u32>) -> Result<Vec<ItemStatus>, PortError> {
        self.read(|connection| read::items(connection, job, range))
    }

    fn list(&self, page: &JobPage<'_>) -> Result<Vec<JobStatus>, PortError> {
        self.read(|connection| read::list(connection, page))
    }

    fn wait(&self, at_most: Duration) {
        let started = Instant::now();
        let mut connection = self.connection();
        // Where the file cannot be read, the caller's next call says so.
        while matches!(read::first(&connection), Ok(None)) {
            let Some(left) = at_most.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else { return };
            connection = self.arrivals.wait_timeout(connection, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
