//! Items per second of put, lease and finish, by adapter and by how many are leased together; and how long listing takes beside a plan of
//! 100,000 items.
//!
//!     cargo run --release -p store --example queue_speed [FOLDER]
//!
//! The SQLite file lies in FOLDER, or where temporary files do, which may be memory: give a folder on the disk that is meant.
#![allow(clippy::unwrap_used, reason = "a measurement may end where something fails")]

use spec::job::{FinishedItem, Job, JobId, JobPage, LeaseOwner, LeaseTerms, Priority};
use spec::{JobQueue, SystemClock, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{MemoryQueue, SqliteQueue};

const ITEMS: u32 = 20_000;
const PLAN: u32 = 100_000;

fn job(number: u32, items: u32) -> Job {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    Job {
        id: JobId::new(Timestamp(u64::from(number)), random),
        account: "shop".into(),
        request: "{\"prompt\":\"a red shoe on white\",\"model\":\"xiaopin\"}".into(),
        shape: "xiaopin 128×128".into(),
        items,
        priority: Priority::BATCH,
        maximum_attempts: 3,
    }
}

/// How the items are put, leased and finished.
#[derive(Clone, Copy)]
struct Way {
    items_of_a_job: u32,
    leased_together: u32,
    finished_together: bool,
}

const WAYS: [Way; 5] = [
    Way { items_of_a_job: 1_000, leased_together: 32, finished_together: true },
    Way { items_of_a_job: 1_000, leased_together: 32, finished_together: false },
    Way { items_of_a_job: 1_000, leased_together: 1, finished_together: true },
    Way { items_of_a_job: 1, leased_together: 32, finished_together: true },
    Way { items_of_a_job: 1, leased_together: 1, finished_together: true },
];

fn measure(name: &str, queue: &dyn JobQueue, way: Way) {
    let started = Instant::now();
    for number in 0..ITEMS / way.items_of_a_job {
        queue.put(&job(number, way.items_of_a_job)).unwrap();
    }
    let put = started.elapsed();
    let started = Instant::now();
    let terms = LeaseTerms { owner: LeaseOwner([1; 16]), shape: None, most: way.leased_together, term: Duration::from_mins(1) };
    let mut done = 0;
    while let Some(lease) = queue.lease(&terms).unwrap() {
        let finished: Vec<_> = lease.items().map(|item| FinishedItem { item, result: item.produce_id().to_string() }).collect();
        for part in finished.chunks(if way.finished_together { finished.len() } else { 1 }) {
            done += part.len() - queue.finish(lease.token, part).unwrap().len();
        }
    }
    let worked = started.elapsed();
    assert_eq!(done, ITEMS as usize);
    let rate = |elapsed: Duration| f64::from(ITEMS) / elapsed.as_secs_f64();
    println!(
        "{name}: jobs of {}, {} leased together, finished {}: {:.0} items/s ({:.0} items/s put, {:.0} items/s leased and finished)",
        way.items_of_a_job,
        way.leased_together,
        if way.finished_together { "together" } else { "one by one" },
        rate(put + worked),
        rate(put),
        rate(worked),
    );
    for number in 0..ITEMS / way.items_of_a_job {
        queue.remove(job(number, way.items_of_a_job).id).unwrap();
    }
}

fn listing(name: &str, queue: &dyn JobQueue) {
    let started = Instant::now();
    queue.put(&job(1, PLAN)).unwrap();
    let put = started.elapsed();
    for number in 2..200 {
        queue.put(&job(number, 1)).unwrap();
    }
    let started = Instant::now();
    assert_eq!(queue.list(&JobPage { most: 50, ..JobPage::default() }).unwrap().len(), 50);
    let listed = started.elapsed();
    let started = Instant::now();
    assert_eq!(queue.items(job(1, PLAN).id, PLAN - 100..PLAN).unwrap().len(), 100);
    println!("{name}: a job of {PLAN} items put in {put:.1?}; 50 jobs listed in {listed:.1?}, 100 items in {:.1?}", started.elapsed());
}

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let memory = MemoryQueue::new(Arc::new(SystemClock));
    let sqlite = SqliteQueue::open(&folder.path().join("queue.sqlite"), Arc::new(SystemClock)).unwrap();
    let queues: [(&str, &dyn JobQueue); 2] = [("memory", &memory), ("sqlite", &sqlite)];
    for (name, queue) in queues {
        for way in WAYS {
            measure(name, queue, way);
        }
        listing(name, queue);
    }
}
