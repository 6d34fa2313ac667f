//! Several threads, each with its own handle.

use super::{Open, TERM, counts, finished, items, job, lease, put, worker};
use crate::clock::{JumpingClock, PRESENT, SetClock};
use spec::Clock;
use spec::job::{ItemCounts, Job, JobItem, LeaseTerms};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u8 = 4;
const JOBS: u8 = 3;
const ITEMS: u32 = 40;

/// Every thread leases, now and then gives up, and finishes, until nothing is left. How often each item was finished without being
/// lost.
fn work(open: &Open, clock: &Arc<dyn Clock>) -> BTreeMap<JobItem, u32> {
    let jobs: Vec<Job> = (1..=JOBS).map(|number| Job { maximum_attempts: u32::MAX, ..job(number, ITEMS) }).collect();
    let queue = open(Arc::clone(clock));
    put(&*queue, &jobs.iter().collect::<Vec<_>>());
    let done: Mutex<BTreeMap<JobItem, u32>> = Mutex::default();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (jobs, done) = (&jobs, &done);
            scope.spawn(move || {
                let queue = open(Arc::clone(clock));
                let settled = || jobs.iter().all(|job| counts(&*queue, job).state().is_settled());
                let mut turn = 0_u32;
                while !settled() {
                    let terms = LeaseTerms { owner: worker(number), shape: None, most: 1 + turn % 5, term: TERM };
                    turn += 1;
                    let Some(lease) = queue.lease(&terms).expect("leasing works") else { continue };
                    if turn.is_multiple_of(4) {
                        queue.put_back(lease.token, &items(&lease)).expect("it is put back");
                        continue;
                    }
                    let all: Vec<_> = lease.items().map(finished).collect();
                    let lost = queue.finish(lease.token, &all).expect("it is finished");
                    let mut done = done.lock().expect("no thread panics");
                    for item in lease.items().filter(|item| !lost.contains(item)) {
                        *done.entry(item).or_default() += 1;
                    }
                }
            });
        }
    });
    for job in &jobs {
        assert_eq!(counts(&*queue, job), ItemCounts { finished: ITEMS, ..ItemCounts::default() });
    }
    done.into_inner().expect("no thread panicked")
}

fn once_each(done: &BTreeMap<JobItem, u32>) {
    assert_eq!(done.len(), JOBS as usize * ITEMS as usize);
    assert!(done.values().all(|&times| times == 1), "{done:?}");
}

pub fn each_item_once(open: &Open) {
    once_each(&work(open, &SetClock::at(PRESENT).shared()));
}

pub fn each_item_once_under_jumps(open: &Open) {
    let far = (TERM * 5).as_millis() as i64;
    once_each(&work(open, &(Arc::new(JumpingClock::new(PRESENT, &[0, far, 1, 0, -far, 5, far / 2])) as Arc<dyn Clock>)));
}

pub fn waiting(open: &Open) {
    let clock = SetClock::at(PRESENT);
    let queue = open(clock.shared());
    let started = Instant::now();
    queue.wait(Duration::from_millis(20));
    assert!(started.elapsed() < Duration::from_secs(20), "it waits no longer than it was told");
    let other = open(clock.shared());
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(50));
            put(&*other, &[&job(1, 1)]);
        });
        let started = Instant::now();
        while lease(&*queue, 1, 1).is_none() {
            queue.wait(Duration::from_mins(1));
        }
        assert!(started.elapsed() < Duration::from_secs(30), "it is woken by what another thread puts");
    });
    // What waits already is no reason to wait.
    put(&*queue, &[&job(2, 1)]);
    let started = Instant::now();
    queue.wait(Duration::from_mins(1));
    assert!(started.elapsed() < Duration::from_secs(30));
}
