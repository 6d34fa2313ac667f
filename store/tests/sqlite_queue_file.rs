//! The queue's file: whose it is, what is not one, and what a process leaves in it that is killed.
use rusqlite::Connection;
use spec::job::{FinishedItem, ItemCounts, Job, JobId, Lease, LeaseOwner, LeaseTerms, Priority};
use spec::{JobQueue, SystemClock, Timestamp};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Error, SqliteQueue};
use testkit::clock::{PRESENT, SetClock};
use testkit::faults::{Child, FaultPlan, FaultyQueue};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Longer than any of these tests takes.
const TERM: Duration = Duration::from_mins(10);

fn job(number: u8, items: u32) -> Job {
    Job {
        id: JobId::new(Timestamp(PRESENT.0 + u64::from(number)), [number; 10]),
        account: "甲".into(),
        request: "{}".into(),
        shape: "128×128".into(),
        items,
        priority: Priority::BATCH,
        maximum_attempts: 3,
    }
}

fn open(path: &Path) -> Result<SqliteQueue, Error> {
    SqliteQueue::open(path, Arc::new(SystemClock))
}

fn lease(queue: &impl JobQueue, number: u8, most: u32) -> Result<Option<Lease>, spec::PortError> {
    queue.lease(&LeaseTerms { owner: LeaseOwner([number; 16]), shape: None, most, term: TERM })
}

fn all(lease: &Lease) -> Vec<FinishedItem> {
    lease.items().map(|item| FinishedItem { item, result: String::new() }).collect()
}

#[cfg(unix)]
#[test]
fn requests_in_clear_text_are_for_their_owner_alone() -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    let queue = open(&folder.path().join("queue.sqlite"))?;
    queue.put(&job(1, 1))?;
    for entry in fs::read_dir(folder.path())? {
        let entry = entry?;
        assert_eq!(entry.metadata()?.permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    Ok(())
}

#[test]
fn other_files_are_refused_and_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (text, foreign, ledger, newer) =
        (folder.path().join("text"), folder.path().join("foreign"), folder.path().join("ledger"), folder.path().join("newer"));
    fs::write(&text, "this is no database. ".repeat(100))?;
    Connection::open(&foreign)?.execute_batch("CREATE TABLE job (id INTEGER)")?;
    drop(store::SqliteLog::open(&ledger)?);
    drop(open(&newer)?);
    Connection::open(&newer)?.pragma_update(None, "user_version", 99)?;
    for path in [text, foreign, ledger, newer] {
        let before = fs::read(&path)?;
        let error = open(&path).err().ok_or("must be refused")?;
        let message = error.to_string();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        assert!(message.contains(&name) && message.contains(" / "), "{message}");
        assert_eq!(fs::read(&path)?, before, "{name} was changed");
    }
    assert!(open(&folder.path().join("nowhere/queue.sqlite")).is_err());
    Ok(())
}

#[test]
fn one_process_may_open_what_another_is_just_creating() -> Outcome {
    for _ in 0..20 {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("queue.sqlite");
        std::thread::scope(|scope| {
            for opener in [0; 4].map(|_| scope.spawn(|| open(&path).map(drop))) {
                opener.join().expect("no panic").expect("opens");
            }
        });
    }
    Ok(())
}

/// The process that works: does nothing unless a test below started it. It writes down what it finished.
#[test]
fn child() -> Outcome {
    let Some(folder) = Child::folder() else { return Ok(()) };
    let queue = FaultyQueue(open(&folder.join("queue.sqlite"))?);
    let number = std::process::id() as u8;
    let mut done = fs::File::create(folder.join(format!("done-{}", std::process::id())))?;
    while let Some(lease) = lease(&queue, number, 3)? {
        let lost = queue.finish(lease.token, &all(&lease))?;
        for item in lease.items().filter(|item| !lost.contains(item)) {
            writeln!(done, "{}", item.index)?;
        }
    }
    Ok(())
}

#[test]
fn processes_that_contend_get_different_items() -> Outcome {
    const ITEMS: u32 = 300;
    let folder = tempfile::tempdir()?;
    let queue = open(&folder.path().join("queue.sqlite"))?;
    queue.put(&job(1, ITEMS))?;
    let children: Vec<_> = (0..3).map(|_| Child::command("child", folder.path()).spawn()).collect::<Result<_, _>>()?;
    for mut child in children {
        assert!(child.wait()?.success());
    }
    let mut times: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in fs::read_dir(folder.path())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("done-")) {
            for line in fs::read_to_string(path)?.lines() {
                *times.entry(line.parse()?).or_default() += 1;
            }
        }
    }
    assert_eq!(times.len(), ITEMS as usize);
    assert!(times.values().all(|&times| times == 1), "{times:?}");
    Ok(())
}

#[test]
fn a_killed_process_leaves_its_items_to_the_next_after_the_term() -> Outcome {
    for (point, finished, leased) in [("before lease", 3, 0), ("after lease", 3, 3), ("before finish", 3, 3), ("after finish", 6, 0)] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("queue.sqlite");
        let job = job(1, 9);
        open(&path)?.put(&job)?;
        assert!(!Child::run("child", folder.path(), &FaultPlan::kill_at(point, 2)).success(), "{point}: the process was not killed");

        let clock = SetClock::at(spec::Clock::now(&SystemClock));
        let queue = SqliteQueue::open(&path, clock.shared())?;
        let counts = queue.status(job.id)?.ok_or("the job is known")?.counts;
        assert_eq!(counts, ItemCounts { waiting: 9 - finished - leased, leased, finished, ..ItemCounts::default() }, "{point}");
        clock.pass(TERM);
        let rest = lease(&queue, 0, 99)?.ok_or("items wait")?;
        assert_eq!(rest.length() as u32, 9 - finished, "{point}");
        assert_eq!(queue.finish(rest.token, &all(&rest))?, []);
        assert!(queue.status(job.id)?.is_some_and(|status| status.state().is_settled()));
    }
    Ok(())
}

#[test]
fn what_is_removed_cannot_be_read_back_from_the_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("queue.sqlite");
    let queue = open(&path)?;
    let secret = Job { request: "a prompt that nobody should find".repeat(500), ..job(1, 1) };
    queue.put(&secret)?;
    assert!(queue.remove(secret.id)?);
    drop(queue);
    // Closing the last handle takes the write-ahead log into the file.
    let names: Vec<_> = fs::read_dir(folder.path())?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
    assert_eq!(names, ["queue.sqlite"]);
    let bytes = fs::read(&path)?;
    assert!(!bytes.windows(16).any(|window| window == &secret.request.as_bytes()[..16]));
    Ok(())
}
