//! How items end.

use super::{Open, TERM, at_present, counts, failure, finished, item, items, job, lease, lease_some, put, state};
use spec::job::{Extension, ItemCounts, ItemState, Job, JobState, Priority, Retry};

pub fn death_and_retry(open: &Open) {
    let (clock, queue) = at_present(open);
    let job = job(1, 2);
    put(&*queue, &[&job]);
    let first = lease_some(&*queue, 1, 1);
    assert_eq!(queue.fail(first.token, &items(&first), &failure(), Retry::Again).expect("it fails"), []);
    let again = queue.items(job.id, 0..1).expect("they are read").remove(0);
    assert_eq!((again.state, again.attempts, again.failure), (ItemState::Waiting, 1, Some(failure())));
    // The second attempt ends with its worker.
    let second = lease_some(&*queue, 1, 1);
    assert_eq!((items(&second), second.jobs[0].items[0].attempts), (vec![item(&job, 0)], 1));
    clock.pass(TERM);
    let third = lease_some(&*queue, 1, 9);
    assert_eq!(items(&third), [item(&job, 1)], "an item that takes its workers with it is given to no third one");
    assert_eq!(state(&*queue, item(&job, 0)), (ItemState::Dead, 2));
    assert_eq!(queue.finish(third.token, &[finished(item(&job, 1))]).expect("it is finished"), []);
    let status = queue.status(job.id).expect("it is read").expect("it is known");
    assert_eq!((status.state(), status.counts.dead), (JobState::Dead, 1));
    clock.pass(TERM * 10);
    assert_eq!(lease(&*queue, 1, 9), None);

    assert_eq!(queue.retry(job.id).expect("it is retried"), 1);
    assert_eq!(state(&*queue, item(&job, 0)), (ItemState::Waiting, 0));
    let fourth = lease_some(&*queue, 1, 9);
    assert_eq!((items(&fourth), fourth.jobs[0].items[0].attempts), (vec![item(&job, 0)], 0));
    assert_eq!(queue.finish(fourth.token, &[finished(item(&job, 0))]).expect("it is finished"), []);
    assert_eq!(queue.retry(job.id).expect("it is told"), 0, "nothing to retry");
    assert_eq!(counts(&*queue, &job).state(), JobState::Finished);
}

pub fn final_failure(open: &Open) {
    let (_, queue) = at_present(open);
    let job = job(1, 1);
    put(&*queue, &[&job]);
    let held = lease_some(&*queue, 1, 1);
    assert_eq!(queue.fail(held.token, &items(&held), &failure(), Retry::Never).expect("it fails"), []);
    assert_eq!((state(&*queue, item(&job, 0)), lease(&*queue, 1, 1)), ((ItemState::Dead, 1), None));
}

pub fn putting_back(open: &Open) {
    let (_, queue) = at_present(open);
    let job = job(1, 3);
    put(&*queue, &[&job]);
    for _ in 0..9 {
        let held = lease_some(&*queue, 1, 2);
        assert_eq!(queue.put_back(held.token, &items(&held)).expect("it is put back"), []);
        assert_eq!(queue.extend(held.token, TERM).expect("it is told"), Extension::Lost);
    }
    let held = lease_some(&*queue, 1, 9);
    assert_eq!(held.jobs[0].items.iter().map(|item| (item.index, item.attempts)).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
}

pub fn cancelling(open: &Open) {
    let (clock, queue) = at_present(open);
    let (job, neighbour) = (job(1, 6), job(2, 1));
    put(&*queue, &[&job, &neighbour]);
    let held = lease_some(&*queue, 1, 3);
    let doomed = lease_some(&*queue, 2, 1);
    assert!(queue.cancel(job.id).expect("it is cancelled"));
    assert_eq!(counts(&*queue, &job), ItemCounts { leased: 4, cancelled: 2, ..ItemCounts::default() });
    assert_eq!(counts(&*queue, &neighbour), ItemCounts { waiting: 1, ..ItemCounts::default() });
    let Extension::Until { cancelled, .. } = queue.extend(held.token, TERM).expect("it is extended") else { panic!("the lease holds") };
    assert_eq!(cancelled, [job.id], "its worker learns of it");

    assert_eq!(queue.finish(held.token, &[finished(item(&job, 0))]).expect("it is finished"), [], "what is made is made");
    assert_eq!(queue.put_back(held.token, &[item(&job, 1)]).expect("it is put back"), []);
    assert_eq!(queue.fail(held.token, &[item(&job, 2)], &failure(), Retry::Again).expect("it fails"), []);
    assert_eq!(items(&lease_some(&*queue, 3, 9)), [item(&neighbour, 0)]);
    clock.pass(TERM);
    assert_eq!(items(&lease_some(&*queue, 3, 9)), [item(&neighbour, 0)]);
    assert_eq!(queue.finish(doomed.token, &[finished(item(&job, 3))]).expect("it is told"), [item(&job, 3)]);
    let status = queue.status(job.id).expect("it is read").expect("it is known");
    assert_eq!((status.cancelled, status.state()), (true, JobState::Cancelled));
    assert_eq!(status.counts, ItemCounts { finished: 1, cancelled: 5, ..ItemCounts::default() });
    assert!(!queue.cancel(job.id).expect("it is told"), "all of it is settled");

    assert_eq!(queue.retry(job.id).expect("it is retried"), 5);
    let status = queue.status(job.id).expect("it is read").expect("it is known");
    assert_eq!((status.cancelled, status.counts.waiting), (false, 5));
    assert!(!queue.cancel(super::job(9, 1).id).expect("it is told"), "nobody knows that job");
}

pub fn removing(open: &Open) {
    let (_, queue) = at_present(open);
    let (job, neighbour) = (job(1, 2), Job { priority: Priority(-1), ..job(2, 1) });
    put(&*queue, &[&neighbour]);
    for step in ["waiting", "leased", "finished in part", "cancelled", "dead"] {
        put(&*queue, &[&job]);
        let held = (step != "waiting").then(|| lease_some(&*queue, 1, 1));
        if let Some(held) = &held {
            let lost = match step {
                "finished in part" => queue.finish(held.token, &[finished(item(&job, 0))]),
                "dead" => queue.fail(held.token, &items(held), &failure(), Retry::Never),
                "cancelled" => queue.cancel(job.id).map(|_| Vec::new()),
                _ => Ok(Vec::new()),
            };
            assert_eq!(lost.expect("it is settled"), [], "{step}");
        }
        assert!(queue.remove(job.id).expect("it is removed"), "{step}");
        assert!(!queue.remove(job.id).expect("it is told"), "{step}");
        assert_eq!(queue.status(job.id).expect("it is read"), None, "{step}");
        if let Some(held) = held {
            let late = [finished(item(&job, 0)), finished(item(&job, 1))];
            assert_eq!(queue.finish(held.token, &late).expect("it is told"), [late[0].item, late[1].item], "{step}");
            assert_eq!(queue.extend(held.token, TERM).expect("it is told"), Extension::Lost, "{step}");
        }
    }
    assert_eq!(counts(&*queue, &neighbour), ItemCounts { waiting: 1, ..ItemCounts::default() });
    assert_eq!(items(&lease_some(&*queue, 1, 9)), [item(&neighbour, 0)]);
}
