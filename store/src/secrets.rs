//! The table of secrets beside the log.

use rusqlite::{Connection, OptionalExtension, Result, params};
use spec::{Secret, SecretId, Timestamp};

/// Milliseconds as SQLite keeps them; what is beyond its integers is the end of time.
fn integer(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

pub fn keep(connection: &Connection, secret: &Secret) -> Result<bool> {
    let kept = connection
        .prepare_cached("INSERT OR IGNORE INTO secret (id, time, keep_until, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![secret.id, integer(secret.time), integer(secret.keep_until), secret.content])?;
    Ok(kept == 1)
}

pub fn read(connection: &Connection, id: SecretId) -> Result<Option<Vec<u8>>> {
    connection.prepare_cached("SELECT content FROM secret WHERE id = ?1")?.query_row([id], |row| row.get(0)).optional()
}

pub fn visit(connection: &Connection, visit: &mut dyn FnMut(&Secret)) -> Result<()> {
    let mut query = connection.prepare_cached("SELECT id, time, keep_until, content FROM secret")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let moment = |column| -> Result<Timestamp> { Ok(Timestamp(row.get::<_, i64>(column)?.max(0) as u64)) };
        visit(&Secret { id: row.get(0)?, time: moment(1)?, keep_until: moment(2)?, content: row.get(3)? });
    }
    Ok(())
}

pub fn before(connection: &Connection, time: Timestamp) -> Result<(u64, Option<Timestamp>)> {
    connection.prepare_cached("SELECT count(*), max(keep_until) FROM secret WHERE time < ?1")?.query_row([integer(time)], |row| {
        let (count, until): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok((count as u64, until.map(|until| Timestamp(until.max(0) as u64))))
    })
}

pub fn remove(connection: &Connection, time: Timestamp, now: Timestamp) -> Result<u64> {
    let removed =
        connection.prepare_cached("DELETE FROM secret WHERE time < ?1 AND keep_until <= ?2")?.execute([integer(time), integer(now)])?;
    Ok(removed as u64)
}
