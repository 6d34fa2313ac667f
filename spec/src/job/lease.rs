use super::{Job, JobId, JobItem};
use crate::Timestamp;
use std::ops::Range;
use std::time::Duration;

/// Who holds a lease: random bits of one start of one worker. Never a host's or a process's name, which come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseOwner(pub [u8; 16]);

/// What a worker shows with everything it says of leased items. Once an item is under another lease, or under none, the token says
/// nothing of it any more: a worker that was believed dead and comes back changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseToken {
    /// The worker's.
    pub owner: LeaseOwner,
    /// Number of the lease: later leases of a queue have greater ones.
    pub epoch: u64,
}

/// What a worker asks for.
#[derive(Debug, Clone, Copy)]
pub struct LeaseTerms<'a> {
    /// The worker.
    pub owner: LeaseOwner,
    /// Only items of this shape; of the shape of the first in turn where it is not set.
    pub shape: Option<&'a str>,
    /// Most items.
    pub most: u32,
    /// How long the lease holds unless it is extended.
    pub term: Duration,
}

/// Items of one shape that nobody else is given while the lease holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// To be shown with everything said of these items.
    pub token: LeaseToken,
    /// When it ends.
    pub until: Timestamp,
    /// The jobs in turn, each with those of its items that are leased; at least one, and of one shape.
    pub jobs: Vec<LeasedJob>,
}

impl Lease {
    /// Number of items.
    pub fn length(&self) -> usize {
        self.jobs.iter().map(|job| job.items.len()).sum()
    }

    /// All items, in the order of the jobs.
    pub fn items(&self) -> impl Iterator<Item = JobItem> + '_ {
        self.jobs.iter().flat_map(|leased| leased.items.iter().map(|item| JobItem { job: leased.job.id, index: item.index }))
    }
}

/// A job, and its items that are leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// The job.
    pub job: Job,
    /// In ascending order; at least one.
    pub items: Vec<LeasedItem>,
}

impl LeasedJob {
    /// The indices as ranges without gaps, ascending.
    pub fn ranges(&self) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for item in &self.items {
            match ranges.last_mut() {
                Some(range) if range.end == item.index => range.end += 1,
                _ => ranges.push(item.index..item.index + 1),
            }
        }
        ranges
    }
}

/// An item under a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeasedItem {
    /// Which of the job's.
    pub index: u32,
    /// How often it was tried before in vain.
    pub attempts: u32,
}

/// What became of a request for more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// The lease holds until then.
    Until {
        /// When it ends.
        until: Timestamp,
        /// Jobs of the lease that were cancelled since: work on them can stop, and their items be put back.
        cancelled: Vec<JobId>,
    },
    /// No item is under this lease any more: all were settled, or the lease ended and others may have them. Work can stop.
    Lost,
}

/// When a lease was given or last extended, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseSpan {
    /// When it was given or last extended.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl LeaseSpan {
    /// The span from `now` on.
    pub fn new(now: Timestamp, term: Duration) -> Self {
        Self { since: now, until: now.after(term) }
    }

    /// Whether the lease is over: its end has come, or the clock reads more than a whole term before its start. The latter takes a clock
    /// that was set back, by which the lease of a dead worker would hold for as long as the clock was set back.
    pub fn is_over(self, now: Timestamp) -> bool {
        now >= self.until || self.since.0.saturating_sub(now.0) > self.until.0.saturating_sub(self.since.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{LeaseSpan, LeasedItem, LeasedJob};
    use crate::Timestamp;
    use crate::job::{Job, JobId, Priority};
    use std::time::Duration;

    #[test]
    fn a_lease_is_over_a_term_away_from_its_start_in_either_direction() {
        let span = LeaseSpan::new(Timestamp(10_000), Duration::from_secs(3));
        let over: Vec<bool> =
            [0, 6_999, 7_000, 10_000, 12_999, 13_000, u64::MAX].map(|now| span.is_over(Timestamp(now))).into_iter().collect();
        assert_eq!(over, [true, true, false, false, false, true, true]);
    }

    #[test]
    fn indices_fall_into_ranges() {
        let job = Job {
            id: JobId::new(Timestamp(1), [1; 10]),
            account: String::new(),
            request: String::new(),
            shape: String::new(),
            items: 10,
            priority: Priority::BATCH,
            maximum_attempts: 1,
        };
        let items = [0, 1, 2, 5, 7, 8].map(|index| LeasedItem { index, attempts: 0 }).to_vec();
        assert_eq!(LeasedJob { job, items }.ranges(), [0..3, 5..6, 7..9]);
    }
}
