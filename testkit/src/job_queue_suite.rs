//! What every adapter of [`JobQueue`] must do.

mod contention;
mod leases;
mod settling;

use spec::job::{
    FinishedItem, ItemCounts, ItemState, Job, JobFailure, JobId, JobItem, JobPage, JobState, Lease, LeaseOwner, LeaseTerms, Priority, Put,
};
use spec::{Clock, Code, JobQueue, Timestamp};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{PRESENT, SetClock};

/// Opens a handle on one queue under a clock: another handle each time, where the medium allows several.
pub type Open = Box<dyn Fn(Arc<dyn Clock>) -> Arc<dyn JobQueue> + Send + Sync>;

/// One claim of the suite.
type Case = (&'static str, fn(&Open));

const CASES: &[Case] = &[
    ("a job is put, leased, extended and finished", put_lease_extend_finish),
    ("putting a job twice is putting it once, and another one of its id is an error", putting_twice),
    ("texts come back as they went in", texts_come_back),
    ("items are given by priority, then by putting, then by index", turns),
    ("equal shapes are leased together, whosever they are", equal_shapes_together),
    ("jobs are listed latest first, by page, by account, and by death", listing),
    ("a lease ends at its term: the item goes on, the attempt counts, and the late worker is refused", leases::expiry),
    ("an extended lease holds", leases::extension),
    ("a lease that nobody has ended yet can still be finished", leases::late_and_unnoticed),
    ("a clock that is set back ends leases, and no more than that", leases::clock_set_back),
    ("a stranger's token changes nothing", leases::strangers),
    ("what a process left that was killed is there for the next", leases::reopening),
    ("an item that fails too often is dead until it is retried", settling::death_and_retry),
    ("a failure that no attempt can mend is final", settling::final_failure),
    ("what is put back was not tried", settling::putting_back),
    ("a cancelled job stops where it is, and its neighbour does not", settling::cancelling),
    ("a job can be removed in every state", settling::removing),
    ("threads that contend finish each item once", contention::each_item_once),
    ("threads under a clock that jumps finish each item once", contention::each_item_once_under_jumps),
    ("who waits is woken by what is put, and by time", contention::waiting),
];

/// Runs the suite; `fresh` makes a new, empty queue each time.
pub fn conforms(fresh: impl Fn() -> Open) {
    for (claim, case) in CASES {
        eprintln!("{claim}");
        case(&fresh());
    }
}

/// The term of leases here.
const TERM: Duration = Duration::from_secs(30);

fn worker(number: u8) -> LeaseOwner {
    LeaseOwner([number; 16])
}

/// A job of `items` items, with an id that sorts by `number`.
fn job(number: u8, items: u32) -> Job {
    Job {
        id: JobId::new(Timestamp(PRESENT.0 + u64::from(number)), [number; 10]),
        account: "甲".into(),
        request: format!("{{\"number\":{number}}}"),
        shape: "128×128".into(),
        items,
        priority: Priority::BATCH,
        maximum_attempts: 2,
    }
}

fn item(job: &Job, index: u32) -> JobItem {
    JobItem { job: job.id, index }
}

fn finished(item: JobItem) -> FinishedItem {
    FinishedItem { item, result: format!("made {}", item.index) }
}

fn failure() -> JobFailure {
    JobFailure { code: Code::ModelInvalid, message: "broken / 损坏".into() }
}

fn lease(queue: &dyn JobQueue, number: u8, most: u32) -> Option<Lease> {
    queue.lease(&LeaseTerms { owner: worker(number), shape: None, most, term: TERM }).expect("leasing works")
}

fn lease_some(queue: &dyn JobQueue, number: u8, most: u32) -> Lease {
    lease(queue, number, most).expect("an item waits")
}

fn items(lease: &Lease) -> Vec<JobItem> {
    lease.items().collect()
}

fn counts(queue: &dyn JobQueue, job: &Job) -> ItemCounts {
    queue.status(job.id).expect("the status is read").expect("the job is known").counts
}

fn state(queue: &dyn JobQueue, item: JobItem) -> (ItemState, u32) {
    let found = queue.items(item.job, item.index..item.index + 1).expect("items are read");
    let [status] = found.as_slice() else { panic!("one item, not {found:?}") };
    assert_eq!(status.item, item);
    (status.state, status.attempts)
}

fn put(queue: &dyn JobQueue, jobs: &[&Job]) {
    for job in jobs {
        assert_eq!(queue.put(job).expect("the job is put"), Put::Added);
    }
}

fn at_present(open: &Open) -> (SetClock, Arc<dyn JobQueue>) {
    let clock = SetClock::at(PRESENT);
    let queue = open(clock.shared());
    (clock, queue)
}

fn put_lease_extend_finish(open: &Open) {
    let (clock, queue) = at_present(open);
    let queue = &*queue;
    assert_eq!(queue.peek().expect("it is read"), None);
    assert_eq!(lease(queue, 1, 10), None);
    let job = job(1, 3);
    put(queue, &[&job]);
    assert_eq!(queue.peek().expect("it is read"), Some(job.clone()));
    assert_eq!(counts(queue, &job), ItemCounts { waiting: 3, ..ItemCounts::default() });
    assert_eq!(lease(queue, 1, 0), None, "nothing was wanted");

    let first = lease_some(queue, 1, 2);
    assert_eq!((first.until, first.token.owner), (PRESENT.after(TERM), worker(1)));
    assert_eq!((items(&first), &first.jobs[0].job), (vec![item(&job, 0), item(&job, 1)], &job));
    let second = lease_some(queue, 2, 2);
    assert_eq!(items(&second), [item(&job, 2)]);
    assert!(second.token.epoch > first.token.epoch);
    assert_eq!((lease(queue, 3, 1), queue.peek().expect("it is read")), (None, None));

    clock.pass(TERM / 2);
    let until = clock.now().after(TERM);
    let extension = queue.extend(first.token, TERM).expect("it is extended");
    assert_eq!(extension, spec::job::Extension::Until { until, cancelled: Vec::new() });
    assert_eq!(queue.finish(first.token, &[finished(item(&job, 1))]).expect("it is finished"), []);
    assert_eq!(counts(queue, &job), ItemCounts { leased: 2, finished: 1, ..ItemCounts::default() });
    assert_eq!(queue.finish(first.token, &[finished(item(&job, 1))]).expect("it is told"), [item(&job, 1)], "finished twice");
    assert_eq!(queue.finish(first.token, &[finished(item(&job, 0))]).expect("it is finished"), []);
    assert_eq!(queue.extend(first.token, TERM).expect("it is told"), spec::job::Extension::Lost, "all its items are settled");
    assert_eq!(queue.finish(second.token, &[finished(item(&job, 2))]).expect("it is finished"), []);

    let status = queue.status(job.id).expect("it is read").expect("it is known");
    assert_eq!((status.state(), status.cancelled, &status.job), (JobState::Finished, false, &job));
    let results: Vec<_> =
        queue.items(job.id, 1..9).expect("they are read").into_iter().map(|item| (item.item.index, item.result)).collect();
    assert_eq!(results, [(1, Some("made 1".into())), (2, Some("made 2".into()))]);
    clock.pass(TERM * 10);
    assert_eq!(lease(queue, 1, 10), None, "a finished item is given to nobody");
}

fn putting_twice(open: &Open) {
    let (_, queue) = at_present(open);
    let first = job(1, 2);
    put(&*queue, &[&first]);
    assert_eq!(queue.put(&first).expect("it is known"), Put::Known);
    for other in [
        Job { account: "乙".into(), ..first.clone() },
        Job { request: String::new(), ..first.clone() },
        Job { shape: String::new(), ..first.clone() },
        Job { items: 3, ..first.clone() },
        Job { priority: Priority::INTERACTIVE, ..first.clone() },
        Job { maximum_attempts: 9, ..first.clone() },
    ] {
        let text = queue.put(&other).expect_err("another job has that id").to_string();
        assert!(text.contains(&first.id.to_string()), "{text}");
    }
    assert!(queue.put(&job(2, 0)).is_err(), "a job without items");
    assert!(queue.put(&Job { maximum_attempts: 0, ..job(3, 1) }).is_err(), "a job without attempts");
    assert_eq!(counts(&*queue, &first).waiting, 2);
    let lease = lease_some(&*queue, 1, 9);
    assert_eq!(queue.finish(lease.token, &[finished(item(&first, 0))]).expect("it is finished"), []);
    assert_eq!(queue.put(&first).expect("it is known"), Put::Known, "while it is worked on");
    assert_eq!(counts(&*queue, &first), ItemCounts { leased: 1, finished: 1, ..ItemCounts::default() });
}

fn texts_come_back(open: &Open) {
    let (_, queue) = at_present(open);
    let strange = "'; DROP TABLE job; -- \"\\ \u{0} 😀 丹青 \n";
    let strange = Job { account: strange.into(), request: strange.repeat(1_000), shape: strange.into(), ..job(1, 1) };
    let empty = Job { account: String::new(), request: String::new(), shape: String::new(), ..job(2, 1) };
    put(&*queue, &[&strange, &empty]);
    for expected in [strange, empty] {
        let lease = lease_some(&*queue, 1, 9);
        assert_eq!((lease.jobs.len(), &lease.jobs[0].job), (1, &expected));
        let done = FinishedItem { item: item(&expected, 0), result: expected.account.clone() };
        assert_eq!(queue.finish(lease.token, &[done]).expect("it is finished"), []);
        let found = queue.items(expected.id, 0..1).expect("they are read");
        assert_eq!(found[0].result.as_ref(), Some(&expected.account));
    }
}

fn turns(open: &Open) {
    let (_, queue) = at_present(open);
    let shaped = |number: u8, priority| Job { priority, shape: number.to_string(), ..job(number, 2) };
    let jobs = [shaped(5, Priority::BATCH), shaped(4, Priority(-7)), shaped(3, Priority::INTERACTIVE), shaped(2, Priority::BATCH)];
    put(&*queue, &jobs.each_ref());
    let mut given = Vec::new();
    while let Some(lease) = lease(&*queue, 1, 1) {
        given.extend(items(&lease));
    }
    let expected = [2, 0, 3, 1].map(|position: usize| [item(&jobs[position], 0), item(&jobs[position], 1)]).concat();
    assert_eq!(given, expected);
}

fn equal_shapes_together(open: &Open) {
    let (_, queue) = at_present(open);
    let square = Job { priority: Priority::INTERACTIVE, ..job(1, 2) };
    let wide = Job { shape: "256×128".into(), ..job(2, 5) };
    let other_square = Job { account: "乙".into(), ..job(3, 3) };
    put(&*queue, &[&square, &wide, &other_square]);
    let together = lease_some(&*queue, 1, 4);
    let of_both = [&square, &other_square].map(|job| [item(job, 0), item(job, 1)]).concat();
    assert_eq!((together.jobs.len(), together.length(), items(&together)), (2, 4, of_both));
    assert_eq!(queue.peek().expect("it is read").map(|job| job.id), Some(wide.id));

    let shaped = |shape| queue.lease(&LeaseTerms { owner: worker(2), shape: Some(shape), most: 9, term: TERM }).expect("leasing works");
    assert_eq!(shaped("64×64"), None);
    assert_eq!(shaped("128×128").map(|lease| items(&lease)), Some(vec![item(&other_square, 2)]));
    assert_eq!(shaped("128×128"), None);
    assert_eq!(lease_some(&*queue, 3, 9).length(), 5);
}

fn listing(open: &Open) {
    let (_, queue) = at_present(open);
    let jobs: Vec<Job> =
        (1..=5).map(|number| Job { account: if number % 2 == 0 { "乙" } else { "甲" }.into(), ..job(number, 1) }).collect();
    put(&*queue, &jobs.iter().collect::<Vec<_>>());
    let ids = |page: JobPage<'_>| queue.list(&page).expect("it is listed").into_iter().map(|status| status.job.id).collect::<Vec<_>>();
    let page = JobPage { most: 2, ..JobPage::default() };
    assert_eq!(ids(page), [jobs[4].id, jobs[3].id]);
    assert_eq!(ids(JobPage { before: Some(jobs[3].id), ..page }), [jobs[2].id, jobs[1].id]);
    assert_eq!(ids(JobPage { before: Some(jobs[0].id), ..page }), []);
    assert_eq!(ids(JobPage { account: Some("乙"), most: 9, ..page }), [jobs[3].id, jobs[1].id]);
    assert_eq!(ids(JobPage { account: Some("丙"), ..page }), []);
    assert_eq!(ids(JobPage { most: 0, ..page }), []);
    assert_eq!(ids(JobPage { dead: true, ..page }), []);
    let lease = lease_some(&*queue, 1, 2);
    assert_eq!(queue.fail(lease.token, &items(&lease), &failure(), spec::job::Retry::Never).expect("it fails"), []);
    assert_eq!(ids(JobPage { dead: true, most: 9, ..page }), [jobs[1].id, jobs[0].id]);
}
