//! Every adapter of `JobQueue` behaves the same.
use spec::{Clock, JobQueue};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use store::{MemoryQueue, SqliteQueue};
use testkit::job_queue_suite::{self, Open};

#[test]
fn memory() {
    job_queue_suite::conforms(|| -> Open {
        let queue: OnceLock<Arc<MemoryQueue>> = OnceLock::new();
        Box::new(move |clock: Arc<dyn Clock>| -> Arc<dyn JobQueue> {
            Arc::clone(queue.get_or_init(|| Arc::new(MemoryQueue::new(clock)))) as _
        })
    });
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let number = AtomicU32::new(0);
    job_queue_suite::conforms(|| -> Open {
        let path = folder.path().join(format!("{}.sqlite", number.fetch_add(1, Ordering::Relaxed)));
        Box::new(move |clock: Arc<dyn Clock>| -> Arc<dyn JobQueue> { Arc::new(SqliteQueue::open(&path, clock).expect("the queue opens")) })
    });
}
