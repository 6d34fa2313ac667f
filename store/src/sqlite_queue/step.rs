//! What is changed of jobs, items and leases, each within a transaction that the caller began.

use super::read::{self, integer};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use spec::Timestamp;
use spec::job::{
    Extension, ItemState, Job, JobFailure, JobId, JobItem, Lease, LeaseSpan, LeaseTerms, LeaseToken, LeasedItem, LeasedJob, Retry,
};

/// Puts a job that is not there yet.
pub fn put(connection: &Connection, job: &Job) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO job (id, account, request, shape, priority, items, maximum_attempts, waiting) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
        )?
        .execute(params![job.id.to_bytes(), job.account, job.request, job.shape, job.priority.0, job.items, job.maximum_attempts])?;
    connection
        .prepare_cached(
            "WITH RECURSIVE number (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM number WHERE value + 1 < ?2)
             INSERT INTO item (job, position) SELECT ?1, value FROM number",
        )?
        .execute(params![connection.last_insert_rowid(), job.items])?;
    Ok(())
}

/// Leases the items next in turn; `None` where none waits.
pub fn lease(connection: &Connection, terms: &LeaseTerms<'_>, span: LeaseSpan) -> Result<Option<Lease>> {
    let shape = match terms.shape {
        Some(shape) => Some(shape.to_owned()),
        None => read::first(connection)?.map(|job| job.shape),
    };
    let Some(shape) = shape else { return Ok(None) };
    let (mut token, mut jobs, mut left) = (None, Vec::new(), terms.most);
    while left > 0 {
        // A job whose items are all leased is not the first any more.
        let Some(turn) = read::first_of_shape(connection, &shape)? else { break };
        let token: &LeaseToken = match &mut token {
            Some(token) => token,
            none => none.insert(begin_lease(connection, terms, span)?),
        };
        let items = take(connection, &turn, token.epoch, left)?;
        if items.is_empty() {
            // Only a damaged file counts items that are not there.
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        left -= items.len() as u32;
        jobs.push(LeasedJob { job: turn.job, items });
    }
    Ok(token.map(|token| Lease { token, until: span.until, jobs }))
}

fn begin_lease(connection: &Connection, terms: &LeaseTerms<'_>, span: LeaseSpan) -> Result<LeaseToken> {
    connection.prepare_cached("INSERT INTO lease (owner, since, until) VALUES (?1, ?2, ?3)")?.execute(params![
        terms.owner.0,
        integer(span.since),
        integer(span.until)
    ])?;
    Ok(LeaseToken { owner: terms.owner, epoch: connection.last_insert_rowid() as u64 })
}

fn take(connection: &Connection, turn: &read::Turn, epoch: u64, most: u32) -> Result<Vec<LeasedItem>> {
    let mut query =
        connection.prepare_cached("SELECT position, attempts FROM item WHERE job = ?1 AND state = 'waiting' ORDER BY position LIMIT ?2")?;
    let leased_item = |row: &Row<'_>| Ok(LeasedItem { index: row.get(0)?, attempts: row.get(1)? });
    let items: Vec<LeasedItem> = query.query_map(params![turn.sequence, most], leased_item)?.collect::<Result<_>>()?;
    let mut update = connection.prepare_cached("UPDATE item SET state = 'leased', epoch = ?3 WHERE job = ?1 AND position = ?2")?;
    for item in &items {
        update.execute(params![turn.sequence, item.index, epoch as i64])?;
    }
    Ok(items)
}

/// Lets a lease hold for another span.
pub fn extend(connection: &Connection, lease: LeaseToken, span: LeaseSpan) -> Result<Extension> {
    let Ok(epoch) = i64::try_from(lease.epoch) else { return Ok(Extension::Lost) };
    let extended = connection
        .prepare_cached("UPDATE lease SET since = ?3, until = ?4 WHERE epoch = ?1 AND owner = ?2")?
        .execute(params![epoch, lease.owner.0, integer(span.since), integer(span.until)])?;
    if extended == 0 {
        return Ok(Extension::Lost);
    }
    let mut query = connection.prepare_cached(
        "SELECT DISTINCT job.id FROM item JOIN job ON job.sequence = item.job WHERE item.epoch = ?1 AND job.cancelled = 1 ORDER BY job.id",
    )?;
    let cancelled = query.query_map([epoch], |row| row.get(0).map(JobId::from_bytes))?.collect::<Result<_>>()?;
    Ok(Extension::Until { until: span.until, cancelled })
}

/// An item that is under a lease, and what decides where it goes next.
pub struct Held {
    job: i64,
    position: u32,
    attempts: u32,
    maximum_attempts: u32,
    cancelled: bool,
}

impl Held {
    fn of_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { job: row.get(0)?, position: row.get(1)?, attempts: row.get(2)?, maximum_attempts: row.get(3)?, cancelled: row.get(4)? })
    }

    /// Settles it as finished.
    pub fn finish(&self, connection: &Connection, result: &str) -> Result<()> {
        connection
            .prepare_cached(
                "UPDATE item SET state = 'finished', epoch = NULL, code = NULL, message = NULL, result = ?3 WHERE job = ?1 AND position = ?2",
            )?
            .execute(params![self.job, self.position, result])?;
        Ok(())
    }

    /// Counts an attempt in vain, and puts it back or settles it.
    pub fn fail(&self, connection: &Connection, failure: &JobFailure, retry: Retry) -> Result<()> {
        let attempts = self.attempts.saturating_add(1);
        let state = ItemState::after_failure(attempts, self.maximum_attempts, retry, self.cancelled);
        connection
            .prepare_cached(
                "UPDATE item SET state = ?3, epoch = NULL, attempts = ?4, code = ?5, message = ?6 WHERE job = ?1 AND position = ?2",
            )?
            .execute(params![self.job, self.position, state.name(), attempts, failure.code.name(), failure.message])?;
        Ok(())
    }

    /// Puts it back as it was.
    pub fn put_back(&self, connection: &Connection) -> Result<()> {
        let state = if self.cancelled { ItemState::Cancelled } else { ItemState::Waiting };
        connection.prepare_cached("UPDATE item SET state = ?3, epoch = NULL WHERE job = ?1 AND position = ?2")?.execute(params![
            self.job,
            self.position,
            state.name()
        ])?;
        Ok(())
    }
}

/// The item, if it is under that lease.
pub fn held(connection: &Connection, lease: LeaseToken, item: JobItem) -> Result<Option<Held>> {
    let Ok(epoch) = i64::try_from(lease.epoch) else { return Ok(None) };
    connection
        .prepare_cached(
            "SELECT item.job, item.position, item.attempts, job.maximum_attempts, job.cancelled
             FROM job JOIN item ON item.job = job.sequence JOIN lease ON lease.epoch = item.epoch
             WHERE job.id = ?1 AND item.position = ?2 AND lease.epoch = ?3 AND lease.owner = ?4",
        )?
        .query_row(params![item.job.to_bytes(), item.index, epoch, lease.owner.0], Held::of_row)
        .optional()
}

/// Puts back what is under leases that are over.
pub fn end_leases(connection: &Connection, now: Timestamp) -> Result<()> {
    let over = read::leases_over(connection, now)?;
    for &epoch in &over {
        let mut query = connection.prepare_cached(
            "SELECT item.job, item.position, item.attempts, job.maximum_attempts, job.cancelled
             FROM item JOIN job ON job.sequence = item.job WHERE item.epoch = ?1",
        )?;
        let items: Vec<Held> = query.query_map([epoch], Held::of_row)?.collect::<Result<_>>()?;
        for held in items {
            held.fail(connection, &JobFailure::lease_ended(), Retry::Again)?;
        }
    }
    if over.is_empty() { Ok(()) } else { drop_empty_leases(connection) }
}

/// Forgets the leases that no item is under.
pub fn drop_empty_leases(connection: &Connection) -> Result<()> {
    connection.prepare_cached("DELETE FROM lease WHERE NOT EXISTS (SELECT 1 FROM item WHERE item.epoch = lease.epoch)")?.execute([])?;
    Ok(())
}

/// Marks a job as cancelled, and its waiting items.
pub fn cancel(connection: &Connection, job: JobId) -> Result<()> {
    connection.execute("UPDATE job SET cancelled = 1 WHERE id = ?1", [job.to_bytes()])?;
    connection.execute(
        "UPDATE item SET state = 'cancelled' WHERE job = (SELECT sequence FROM job WHERE id = ?1) AND state = 'waiting'",
        [job.to_bytes()],
    )?;
    Ok(())
}

/// Lets a job's dead and cancelled items wait once more.
pub fn retry(connection: &Connection, job: JobId) -> Result<u32> {
    connection.execute("UPDATE job SET cancelled = 0 WHERE id = ?1", [job.to_bytes()])?;
    let retried = connection.execute(
        "UPDATE item SET state = 'waiting', attempts = 0
         WHERE job = (SELECT sequence FROM job WHERE id = ?1) AND state IN ('dead', 'cancelled')",
        [job.to_bytes()],
    )?;
    Ok(retried as u32)
}

/// Forgets a job and its items.
pub fn remove(connection: &Connection, job: JobId) -> Result<bool> {
    connection.execute("DELETE FROM item WHERE job = (SELECT sequence FROM job WHERE id = ?1)", [job.to_bytes()])?;
    let removed = connection.execute("DELETE FROM job WHERE id = ?1", [job.to_bytes()])?;
    drop_empty_leases(connection)?;
    Ok(removed > 0)
}
