//! What is read of jobs, items and leases.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use spec::job::{ItemCounts, ItemState, ItemStatus, Job, JobFailure, JobId, JobItem, JobPage, JobStatus, LeaseSpan, Priority};
use spec::{Code, Timestamp};
use std::ops::Range;

/// Columns of a job, as [`job_status`] reads them.
const JOB: &str = "id, account, request, shape, priority, items, maximum_attempts, cancelled, waiting, leased, finished, dead, withdrawn";

/// Milliseconds as SQLite keeps them; what is beyond its integers is the end of time.
pub fn integer(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn job_status(row: &Row<'_>) -> Result<JobStatus> {
    let job = Job {
        id: JobId::from_bytes(row.get(0)?),
        account: row.get(1)?,
        request: row.get(2)?,
        shape: row.get(3)?,
        priority: Priority(row.get(4)?),
        items: row.get(5)?,
        maximum_attempts: row.get(6)?,
    };
    let counts =
        ItemCounts { waiting: row.get(8)?, leased: row.get(9)?, finished: row.get(10)?, dead: row.get(11)?, cancelled: row.get(12)? };
    Ok(JobStatus { job, counts, cancelled: row.get(7)? })
}

/// Where a job stands.
pub fn status(connection: &Connection, job: JobId) -> Result<Option<JobStatus>> {
    connection.prepare_cached(&format!("SELECT {JOB} FROM job WHERE id = ?1"))?.query_row([job.to_bytes()], job_status).optional()
}

/// The job whose item is next in turn.
pub fn first(connection: &Connection) -> Result<Option<Job>> {
    let query = format!("SELECT {JOB} FROM job WHERE waiting > 0 ORDER BY priority DESC, sequence LIMIT 1");
    let first = connection.prepare_cached(&query)?.query_row([], job_status).optional()?;
    Ok(first.map(|status| status.job))
}

/// A job of which items wait, with its row's number.
pub struct Turn {
    pub sequence: i64,
    pub job: Job,
}

/// The first of the jobs of one shape of which items wait; they come in turn.
pub fn first_of_shape(connection: &Connection, shape: &str) -> Result<Option<Turn>> {
    let query = format!("SELECT {JOB}, sequence FROM job WHERE waiting > 0 AND shape = ?1 ORDER BY priority DESC, sequence LIMIT 1");
    let turn = |row: &Row<'_>| Ok(Turn { sequence: row.get(13)?, job: job_status(row)?.job });
    connection.prepare_cached(&query)?.query_row([shape], turn).optional()
}

/// Numbers of the leases that are over.
pub fn leases_over(connection: &Connection, now: Timestamp) -> Result<Vec<i64>> {
    let mut query = connection.prepare_cached("SELECT epoch, since, until FROM lease ORDER BY epoch")?;
    let time = |milliseconds: i64| Timestamp(milliseconds.max(0) as u64);
    let leases = query.query_map([], |row| {
        let (epoch, since, until) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((epoch, LeaseSpan { since: time(since), until: time(until) }))
    })?;
    let over = leases.filter(|lease| lease.as_ref().map_or(true, |(_, span)| span.is_over(now)));
    over.map(|lease| lease.map(|(epoch, _)| epoch)).collect()
}

/// Where those of a job's items stand whose positions are in `range`.
pub fn items(connection: &Connection, job: JobId, range: Range<u32>) -> Result<Vec<ItemStatus>> {
    let mut query = connection.prepare_cached(
        "SELECT position, state, attempts, code, message, result FROM item
         WHERE job = (SELECT sequence FROM job WHERE id = ?1) AND position >= ?2 AND position < ?3 ORDER BY position",
    )?;
    let item_status = |row: &Row<'_>| {
        let name: String = row.get(1)?;
        let state = ItemState::from_name(&name).ok_or_else(|| Error::InvalidColumnType(1, name, Type::Text))?;
        let code: Option<String> = row.get(3)?;
        let failure = match code {
            Some(name) => Some(JobFailure { code: code_of(&name), message: row.get::<_, Option<String>>(4)?.unwrap_or_default() }),
            None => None,
        };
        let (item, attempts) = (JobItem { job, index: row.get(0)? }, row.get(2)?);
        Ok(ItemStatus { item, state, attempts, failure, result: row.get(5)? })
    };
    query.query_map(params![job.to_bytes(), range.start, range.end], item_status)?.collect()
}

/// A code that a later release wrote is some failure.
fn code_of(name: &str) -> Code {
    Code::ALL.iter().copied().find(|code| code.name() == name).unwrap_or(Code::Internal)
}

/// One page of jobs, latest first.
pub fn list(connection: &Connection, page: &JobPage<'_>) -> Result<Vec<JobStatus>> {
    let mut query = format!("SELECT {JOB} FROM job WHERE id < ?1");
    if page.account.is_some() {
        query += " AND account = ?2";
    } else {
        query += " AND ?2 IS NULL";
    }
    if page.dead {
        query += " AND dead > 0";
    }
    query += " ORDER BY id DESC LIMIT ?3";
    // No id is greater than seventeen bytes of ones.
    let before = page.before.map_or(vec![u8::MAX; 17], |before| before.to_bytes().to_vec());
    connection.prepare_cached(&query)?.query_map(params![before, page.account, page.most], job_status)?.collect()
}
