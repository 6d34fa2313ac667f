use super::PortError;
use crate::job::{
    Extension, FinishedItem, ItemStatus, Job, JobFailure, JobId, JobItem, JobPage, JobStatus, Lease, LeaseTerms, LeaseToken, Put, Retry,
};
use std::ops::Range;
use std::time::Duration;

/// Jobs whose items wait for a worker. [`crate::job`] draws the states of an item.
///
/// Any number of threads and, where the medium allows it, processes share a queue. Each call is one step: it happens as a whole or not at
/// all. Time is that of the [`Clock`](crate::Clock) with which the adapter was opened.
///
/// # What holds
///
/// * What [`put`](Self::put), [`cancel`](Self::cancel), [`retry`](Self::retry) and [`remove`](Self::remove) returned `Ok` for survives the loss
///   of power, in adapters that survive the process at all. Of the other calls the latest may be lost with the power: an
///   item is then leased once more, and its worker finds it on record.
/// * While a lease holds, nobody else is given its items. A lease ends at its term; the next call of [`lease`](Self::lease) or
///   [`peek`](Self::peek) by anybody puts the items back, and counts the attempt.
/// * Whoever shows a token changes only items that are under that very lease. For all others the call returns them as *lost* and does
///   nothing. A lease whose term is over, and whose items nobody has put back, can still be extended, and its items be finished: no other worker
///   has seen them.
/// * A finished item is given to nobody again. An item that failed as often as its job allows is dead, and given to nobody until somebody
///   calls [`retry`](Self::retry).
/// * Items are given in order of priority, then of putting, then of index. With the first in turn, a lease takes others of its shape, in
///   that order, whosever they are.
/// * A clock that jumps may end a lease early, or late by at most a term, and nothing worse: what two workers make of one item has one id,
///   and the ledger takes it once.
pub trait JobQueue: Send + Sync {
    /// Puts a job in the queue. Another job of the same id is an error.
    fn put(&self, job: &Job) -> Result<Put, PortError>;

    /// The job whose item is next in turn, which is left where it is: what a worker looks at to fetch the model and to say how many
    /// items of that shape it can make together.
    fn peek(&self) -> Result<Option<Job>, PortError>;

    /// Leases the items next in turn that are wanted; `None` where none waits.
    fn lease(&self, terms: &LeaseTerms<'_>) -> Result<Option<Lease>, PortError>;

    /// Lets a lease hold for `term` from now. A worker calls it well before the term is over, for as long as it works.
    fn extend(&self, lease: LeaseToken, term: Duration) -> Result<Extension, PortError>;

    /// Settles items as finished, also those of a job that was cancelled meanwhile: their effect is there. Returns those that were lost.
    fn finish(&self, lease: LeaseToken, finished: &[FinishedItem]) -> Result<Vec<JobItem>, PortError>;

    /// Counts an attempt in vain for each of the items, and puts them back, or settles them as dead. Returns those that were lost.
    fn fail(&self, lease: LeaseToken, items: &[JobItem], failure: &JobFailure, retry: Retry) -> Result<Vec<JobItem>, PortError>;

    /// Puts items back that were not begun, or not for a fault of theirs: a worker that is told to stop does so. No attempt is
    /// counted. Returns those that were lost.
    fn put_back(&self, lease: LeaseToken, items: &[JobItem]) -> Result<Vec<JobItem>, PortError>;

    /// Cancels a job: what waits is not made. Its worker learns of it by [`extend`](Self::extend). `false` where there is no such job, or all of
    /// its items are settled.
    fn cancel(&self, job: JobId) -> Result<bool, PortError>;

    /// Lets the dead and cancelled items of a job wait once more, with no attempts counted. Returns how many.
    fn retry(&self, job: JobId) -> Result<u32, PortError>;

    /// Forgets a job, wherever it stands; its leased items are lost to their workers. `false` where there is no such job.
    fn remove(&self, job: JobId) -> Result<bool, PortError>;

    /// Where a job stands; `None` where there is no such job.
    fn status(&self, job: JobId) -> Result<Option<JobStatus>, PortError>;

    /// Where those of a job's items stand whose indices are in `range`, ascending; none where there is no such job.
    fn items(&self, job: JobId, range: Range<u32>) -> Result<Vec<ItemStatus>, PortError>;

    /// Jobs by descending id: the latest first.
    fn list(&self, page: &JobPage<'_>) -> Result<Vec<JobStatus>, PortError>;

    /// Waits until an item waits, at most so long. It may return earlier, without reason; it returns at once where the medium cannot be read, as
    /// the next call says. It ends no leases, so a worker asks for no more than a lease's term.
    fn wait(&self, at_most: Duration);
}
