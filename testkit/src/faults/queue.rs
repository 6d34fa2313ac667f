use super::reached;
use spec::job::{
    Extension, FinishedItem, ItemStatus, Job, JobFailure, JobId, JobItem, JobPage, JobStatus, Lease, LeaseTerms, LeaseToken, Put, Retry,
};
use spec::{JobQueue, PortError};
use std::ops::Range;
use std::time::Duration;

/// A queue whose calls are points of a plan: `before put` and `after put`, and likewise `peek`, `lease`, `extend`, `finish`, `fail`, `put back`,
/// `cancel`, `retry` and `remove`. A call that fails *after* has had its effect, as when a connection breaks before the answer comes.
pub struct FaultyQueue<Q>(pub Q);

fn around<T>(name: &str, call: impl FnOnce() -> Result<T, PortError>) -> Result<T, PortError> {
    reached(&format!("before {name}"))?;
    let outcome = call()?;
    reached(&format!("after {name}"))?;
    Ok(outcome)
}

impl<Q: JobQueue> JobQueue for FaultyQueue<Q> {
    fn put(&self, job: &Job) -> Result<Put, PortError> {
        around("put", || self.0.put(job))
    }
    fn peek(&self) -> Result<Option<Job>, PortError> {
        around("peek", || self.0.peek())
    }
    fn lease(&self, terms: &LeaseTerms<'_>) -> Result<Option<Lease>, PortError> {
        around("lease", || self.0.lease(terms))
    }
    fn extend(&self, lease: LeaseToken, term: Duration) -> Result<Extension, PortError> {
        around("extend", || self.0.extend(lease, term))
    }
    fn finish(&self, lease: LeaseToken, finished: &[FinishedItem]) -> Result<Vec<JobItem>, PortError> {
        around("finish", || self.0.finish(lease, finished))
    }
    fn fail(&self, lease: LeaseToken, items: &[JobItem], failure: &JobFailure, retry: Retry) -> Result<Vec<JobItem>, PortError> {
        around("fail", || self.0.fail(lease, items, failure, retry))
    }
    fn put_back(&self, lease: LeaseToken, items: &[JobItem]) -> Result<Vec<JobItem>, PortError> {
        around("put back", || self.0.put_back(lease, items))
    }
    fn cancel(&self, job: JobId) -> Result<bool, PortError> {
        around("cancel", || self.0.cancel(job))
    }
    fn retry(&self, job: JobId) -> Result<u32, PortError> {
        around("retry", || self.0.retry(job))
    }
    fn remove(&self, job: JobId) -> Result<bool, PortError> {
        around("remove", || self.0.remove(job))
    }
    fn status(&self, job: JobId) -> Result<Option<JobStatus>, PortError> {
        self.0.status(job)
    }
    fn items(&self, job: JobId, range: Range<u32>) -> Result<Vec<ItemStatus>, PortError> {
        self.0.items(job, range)
    }
    fn list(&self, page: &JobPage<'_>) -> Result<Vec<JobStatus>, PortError> {
        self.0.list(page)
    }
    fn wait(&self, at_most: Duration) {
        self.0.wait(at_most);
    }
}
