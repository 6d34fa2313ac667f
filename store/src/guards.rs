//! The schema's tables, indices and triggers as they should be, compared with those that a file has.

use crate::schema::{APPLICATION_ID, pragma, steps};
use rusqlite::{Connection, ErrorCode, Result, TransactionBehavior};
use spec::StorageFault;
use std::collections::BTreeMap;

/// Messages of SQLite's own check that are asked for: the first says enough, and a damaged file has thousands.
const MESSAGES: u32 = 5;

/// What an object of a schema is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    kind: String,
    sql: String,
}

/// The objects of a schema by their names.
type Objects = BTreeMap<String, Object>;

fn objects(connection: &Connection) -> Result<Objects> {
    // SQLite's own objects are called so, and nothing else can be.
    let mut query =
        connection.prepare("SELECT name, type, coalesce(sql, '') FROM main.sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    query.query_map([], |row| Ok((row.get(0)?, Object { kind: row.get(1)?, sql: row.get(2)? })))?.collect()
}

/// The objects that a ledger of this schema has.
fn expected(version: i64) -> Result<Objects> {
    let connection = Connection::open_in_memory()?;
    for step in steps().iter().take(usize::try_from(version).unwrap_or(0)) {
        connection.execute_batch(step)?;
    }
    objects(&connection)
}

fn differing(connection: &Connection) -> Result<(Objects, Objects, Vec<String>)> {
    let (expected, found) = (expected(pragma(connection, "user_version")?)?, objects(connection)?);
    let names = expected.keys().chain(found.keys()).filter(|name| expected.get(*name) != found.get(*name));
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    Ok((expected, found, names))
}

/// What is wrong with the file: objects that are missing, changed or foreign, and what SQLite's own check says.
pub fn faults(connection: &Connection) -> Result<Vec<StorageFault>> {
    let mut faults = Vec::new();
    if pragma(connection, "application_id")? != APPLICATION_ID {
        faults.push(fault("the file does not say that it is a Danqing ledger".into(), "文件未标明为丹青账本".into()));
    }
    let (expected, found, names) = differing(connection)?;
    for name in names {
        let (english, chinese) = match (expected.contains_key(&name), found.contains_key(&name)) {
            (true, true) => ("was changed", "被改动"),
            (true, false) => ("was removed", "被删除"),
            _ => ("is not the ledger's", "不属于账本"),
        };
        let kind = expected.get(&name).or(found.get(&name)).map_or("", |object| object.kind.as_str());
        faults.push(fault(format!("the {kind} {name} of the database {english}"), format!("数据库的 {kind} {name} {chinese}")));
    }
    let stray: i64 = connection.query_row("SELECT count(*) FROM leaf WHERE position < 0", [], |row| row.get(0))?;
    if stray > 0 {
        faults.push(fault(format!("{stray} rows stand before the first leaf"), format!("首叶之前有 {stray} 行")));
    }
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({MESSAGES})"))?;
    for message in check.query_map([], |row| row.get::<_, String>(0))? {
        let message = message?;
        if message != "ok" {
            faults.push(fault(format!("the database is damaged: {message}"), format!("数据库已损坏：{message}")));
        }
    }
    Ok(faults)
}

fn fault(english: String, chinese: String) -> StorageFault {
    StorageFault { english, chinese }
}

/// Puts back the triggers and indices that are missing or were changed, and takes foreign triggers out; returns their names. On a
/// read-only medium nothing can be changed, and nothing is done.
pub fn restore(connection: &mut Connection) -> Result<Vec<String>> {
    let is_guard = |object: Option<&Object>| object.is_some_and(|object| matches!(object.kind.as_str(), "trigger" | "index"));
    let guards = |connection: &Connection| -> Result<(Objects, Vec<String>)> {
        let (expected, found, names) = differing(connection)?;
        let mut found = found;
        let mut expected = expected;
        expected.retain(|name, object| names.contains(name) && is_guard(Some(object)));
        found.retain(|name, object| names.contains(name) && (object.kind == "trigger" || expected.contains_key(name)));
        let mut names: Vec<String> = expected.keys().chain(found.keys()).cloned().collect();
        names.sort();
        names.dedup();
        Ok((expected, names))
    };
    if guards(connection)?.1.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)) => return Ok(Vec::new()),
        begun => begun?,
    };
    // Another process may have put them back meanwhile.
    let (expected, names) = guards(&transaction)?;
    for name in &names {
        let quoted = name.replace('"', "\"\"");
        transaction.execute_batch(&format!("DROP TRIGGER IF EXISTS \"{quoted}\"; DROP INDEX IF EXISTS \"{quoted}\""))?;
        if let Some(object) = expected.get(name) {
            transaction.execute_batch(&object.sql)?;
        }
    }
    match transaction.commit() {
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)) => Ok(Vec::new()),
        committed => committed.map(|()| names),
    }
}
