//! Every adapter of `JobQueue` behaves the same.
use spec::{Clock, JobQueue};
use std::sync::{Arc, OnceLock};
use store::MemoryQueue;
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
