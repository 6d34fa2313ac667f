//! Leases and time.

use super::{Open, TERM, at_present, counts, failure, finished, item, items, job, lease, lease_some, put, state, worker};
use spec::Clock as _;
use spec::job::{Extension, ItemCounts, ItemState, JobFailure, LeaseToken, Retry};
use std::time::Duration;

/// The least that a clock can show.
const MOMENT: Duration = Duration::from_millis(1);
/// A term but for the last moment.
const ALMOST: Duration = TERM.saturating_sub(MOMENT);

pub fn expiry(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 2);
    put(&*queue, &[&job]);
    let late = lease_some(&*queue, 1, 2);
    clock.pass(ALMOST);
    assert_eq!(lease(&*queue, 2, 2), None, "the lease holds to its end");
    clock.pass(MOMENT);
    assert_eq!(queue.peek().expect("it is read").map(|job| job.id), Some(job.id), "looking ends leases too");
    assert_eq!(state(&*queue, item(&job, 0)), (ItemState::Waiting, 1));
    let next = lease_some(&*queue, 2, 1);
    assert_eq!((items(&next), next.jobs[0].items[0].attempts), (vec![item(&job, 0)], 1));

    for lost in [item(&job, 0), item(&job, 1)] {
        assert_eq!(queue.finish(late.token, &[finished(lost)]).expect("it is told"), [lost]);
        assert_eq!(queue.fail(late.token, &[lost], &failure(), Retry::Never).expect("it is told"), [lost]);
        assert_eq!(queue.put_back(late.token, &[lost]).expect("it is told"), [lost]);
    }
    assert_eq!(queue.extend(late.token, TERM).expect("it is told"), Extension::Lost);
    assert_eq!(counts(&*queue, &job), ItemCounts { waiting: 1, leased: 1, ..ItemCounts::default() });
    let why = queue.items(job.id, 0..1).expect("they are read").remove(0).failure;
    assert_eq!(why, Some(JobFailure::lease_ended()));
    assert_eq!(queue.finish(next.token, &[finished(item(&job, 0))]).expect("it is finished"), []);
    let done = queue.items(job.id, 0..1).expect("they are read").remove(0);
    assert_eq!((done.state, done.attempts, done.failure), (ItemState::Finished, 1, None));
}

pub fn extension(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 1);
    put(&*queue, &[&job]);
    let held = lease_some(&*queue, 1, 1);
    for _ in 0..5 {
        clock.pass(ALMOST);
        let until = clock.now().after(TERM);
        assert_eq!(queue.extend(held.token, TERM).expect("it is extended"), Extension::Until { until, cancelled: Vec::new() });
        assert_eq!(lease(&*queue, 2, 1), None);
    }
    assert_eq!(state(&*queue, item(&job, 0)), (ItemState::Leased, 0));
    clock.pass(TERM);
    assert_eq!(lease_some(&*queue, 2, 1).jobs[0].items[0].attempts, 1);
}

pub fn late_and_unnoticed(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 2);
    put(&*queue, &[&job]);
    let held = lease_some(&*queue, 1, 2);
    clock.pass(TERM * 3);
    assert_eq!(queue.finish(held.token, &[finished(item(&job, 0))]).expect("it is finished"), [], "nobody else had it");
    assert!(matches!(queue.extend(held.token, TERM).expect("it is extended"), Extension::Until { .. }));
    assert_eq!(lease(&*queue, 2, 1), None);
    assert_eq!(queue.finish(held.token, &[finished(item(&job, 1))]).expect("it is finished"), []);
}

pub fn clock_set_back(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 1);
    put(&*queue, &[&job]);
    let held = lease_some(&*queue, 1, 1);
    clock.turn_back(TERM);
    assert_eq!(lease(&*queue, 2, 1), None, "two machines' clocks may differ by so much");
    clock.turn_back(TERM * 100);
    let next = lease_some(&*queue, 2, 1);
    assert_eq!(queue.finish(held.token, &[finished(item(&job, 0))]).expect("it is told"), [item(&job, 0)]);
    clock.pass(TERM * 1_000);
    assert_eq!(queue.finish(next.token, &[finished(item(&job, 0))]).expect("it is finished"), []);
}

pub fn strangers(open: &Open) {
    let (_, queue) = at_present(open);
    let (mine, other) = (job(1, 2), job(2, 1));
    put(&*queue, &[&mine, &other]);
    let held = lease_some(&*queue, 1, 1);
    let unknown = job(9, 1);
    let forged = [
        LeaseToken { owner: worker(2), ..held.token },
        LeaseToken { epoch: held.token.epoch + 1, ..held.token },
        LeaseToken { epoch: u64::MAX, ..held.token },
        LeaseToken { epoch: 0, ..held.token },
    ];
    for token in forged {
        assert_eq!(queue.finish(token, &[finished(item(&mine, 0))]).expect("it is told"), [item(&mine, 0)]);
        assert_eq!(queue.fail(token, &[item(&mine, 0)], &failure(), Retry::Again).expect("it is told"), [item(&mine, 0)]);
        assert_eq!(queue.put_back(token, &[item(&mine, 0)]).expect("it is told"), [item(&mine, 0)]);
        assert_eq!(queue.extend(token, TERM).expect("it is told"), Extension::Lost);
    }
    assert_eq!(state(&*queue, item(&mine, 0)), (ItemState::Leased, 0));
    // Its own lease, but items that are not under it.
    let not_held = [item(&mine, 1), item(&other, 0), item(&mine, 7), item(&unknown, 0)];
    let told: Vec<_> = [not_held[0], item(&mine, 0), not_held[1], not_held[2], not_held[3]].map(finished).to_vec();
    assert_eq!(queue.finish(held.token, &told).expect("the one is finished"), not_held);
    assert_eq!(counts(&*queue, &mine), ItemCounts { waiting: 1, finished: 1, ..ItemCounts::default() });
    assert_eq!(counts(&*queue, &other), ItemCounts { waiting: 1, ..ItemCounts::default() });
    assert_eq!(queue.status(unknown.id).expect("it is read"), None);
    assert_eq!(queue.items(unknown.id, 0..1).expect("they are read"), []);
}

pub fn reopening(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 3);
    put(&*queue, &[&job]);
    let held = lease_some(&*queue, 1, 2);
    assert_eq!(queue.finish(held.token, &[finished(item(&job, 0))]).expect("it is finished"), []);
    drop(queue);
    let queue = open(clock.shared());
    assert_eq!(counts(&*queue, &job), ItemCounts { waiting: 1, leased: 1, finished: 1, ..ItemCounts::default() });
    assert_eq!(items(&lease_some(&*queue, 2, 9)), [item(&job, 2)], "what the other process has is its own until the term");
    clock.pass(TERM);
    let next = lease_some(&*queue, 3, 9);
    assert_eq!(items(&next), [item(&job, 1), item(&job, 2)]);
    assert!(next.token.epoch > held.token.epoch);
}
