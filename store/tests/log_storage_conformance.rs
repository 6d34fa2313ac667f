//! Every adapter of `LogStorage` behaves the same.
use spec::LogStorage;
use store::{MemoryLog, SqliteLog};
use testkit::log_storage_suite;

#[test]
fn memory() {
    log_storage_suite::conforms(|| {
        let log = MemoryLog::new();
        move || -> Box<dyn LogStorage> { Box::new(log.clone()) }
    });
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let mut names = Vec::new();
    log_storage_suite::conforms(|| {
        let name = format!("{}.sqlite", names.len());
        let path = folder.path().join(&name);
        names.push(name);
        move || -> Box<dyn LogStorage> { Box::new(SqliteLog::open(&path).expect("the log opens")) }
    });
    let entries = std::fs::read_dir(folder.path()).expect("the folder is read");
    let mut found: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    assert_eq!(found, names, "each log is one file");
}
