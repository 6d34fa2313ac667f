use super::{Job, JobId, JobItem};
use crate::Code;
use serde::{Deserialize, Serialize};

/// Where one item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Nobody has it.
    Waiting,
    /// A worker has it.
    Leased,
    /// A worker finished it; its result is kept. Nobody gets it again.
    Finished,
    /// Tried as often as allowed, or failed for good. Nobody gets it again unless its job is retried.
    Dead,
    /// Its job was cancelled before anybody finished it. Nobody gets it again unless its job is retried.
    Cancelled,
}

impl ItemState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Leased, Self::Finished, Self::Dead, Self::Cancelled];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Finished => "finished",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where a leased item goes that was tried in vain `attempts` times, the present one counted.
    pub fn after_failure(attempts: u32, maximum_attempts: u32, retry: Retry, is_cancelled: bool) -> Self {
        match retry {
            _ if is_cancelled => Self::Cancelled,
            Retry::Again if attempts < maximum_attempts => Self::Waiting,
            Retry::Again | Retry::Never => Self::Dead,
        }
    }
}

/// Whether another attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may: a worker died, or something was not at hand.
    Again,
    /// It cannot: the request itself is at fault.
    Never,
}

/// Why an item was not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// Its class.
    pub code: Code,
    /// What was wrong and what to do, in English and Chinese.
    pub message: String,
}

impl JobFailure {
    /// The failure of an item whose lease ended before its worker said anything.
    pub fn lease_ended() -> Self {
        Self {
            code: Code::Internal,
            message: "the worker that had it stopped or hung before it was done / 处理它的工作进程在完成前停止或失去响应".into(),
        }
    }
}

/// An item that is done, and what is to be remembered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedItem {
    /// The item.
    pub item: JobItem,
    /// What whoever put the job wants to know of it; opaque to the queue.
    pub result: String,
}

/// What became of a job that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is in the queue now.
    Added,
    /// The very same job was there already; nothing changed.
    Known,
}

/// How many items of a job are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemCounts {
    /// [`ItemState::Waiting`].
    pub waiting: u32,
    /// [`ItemState::Leased`].
    pub leased: u32,
    /// [`ItemState::Finished`].
    pub finished: u32,
    /// [`ItemState::Dead`].
    pub dead: u32,
    /// [`ItemState::Cancelled`].
    pub cancelled: u32,
}

impl ItemCounts {
    /// The count of one state.
    pub fn of_mut(&mut self, state: ItemState) -> &mut u32 {
        match state {
            ItemState::Waiting => &mut self.waiting,
            ItemState::Leased => &mut self.leased,
            ItemState::Finished => &mut self.finished,
            ItemState::Dead => &mut self.dead,
            ItemState::Cancelled => &mut self.cancelled,
        }
    }

    /// Where the job as a whole stands.
    pub fn state(self) -> JobState {
        match self {
            Self { waiting: 0, leased: 0, dead: 0, cancelled: 0, .. } => JobState::Finished,
            Self { waiting: 0, leased: 0, dead: 0, .. } => JobState::Cancelled,
            Self { waiting: 0, leased: 0, .. } => JobState::Dead,
            Self { leased: 0, finished: 0, dead: 0, .. } => JobState::Waiting,
            _ => JobState::Running,
        }
    }
}

/// Where a job stands, by its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Nothing was begun.
    Waiting,
    /// Some items are leased or settled, and not all are settled.
    Running,
    /// All items are finished.
    Finished,
    /// All items are settled, and at least one is dead.
    Dead,
    /// All items are settled, none is dead, and at least one was cancelled.
    Cancelled,
}

impl JobState {
    /// Whether no item waits or is leased.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// A job and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job.
    pub job: Job,
    /// Its items.
    pub counts: ItemCounts,
    /// Whether somebody cancelled it.
    pub cancelled: bool,
}

impl JobStatus {
    /// Where the job as a whole stands.
    pub fn state(&self) -> JobState {
        self.counts.state()
    }
}

/// An item and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemStatus {
    /// The item.
    pub item: JobItem,
    /// Where it stands.
    pub state: ItemState,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Why it was not finished the last time; `None` if it never failed, or was finished.
    pub failure: Option<JobFailure>,
    /// What its worker said of it, once it is finished.
    pub result: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobPage<'a> {
    /// Only those of this account.
    pub account: Option<&'a str>,
    /// Only those with dead items.
    pub dead: bool,
    /// Only those whose ids are less than this one: the last of the page before.
    pub before: Option<JobId>,
    /// At most so many.
    pub most: u32,
}

#[cfg(test)]
mod tests {
    use super::{ItemCounts, ItemState, JobState, Retry};

    #[test]
    fn a_job_stands_where_its_items_do() {
        let state = |waiting, leased, finished, dead, cancelled| ItemCounts { waiting, leased, finished, dead, cancelled }.state();
        assert_eq!(state(3, 0, 0, 0, 0), JobState::Waiting);
        assert_eq!(state(2, 1, 0, 0, 0), JobState::Running);
        assert_eq!(state(2, 0, 1, 0, 0), JobState::Running);
        assert_eq!(state(0, 1, 0, 0, 2), JobState::Running);
        assert_eq!(state(0, 0, 3, 0, 0), JobState::Finished);
        assert_eq!(state(0, 0, 2, 1, 0), JobState::Dead);
        assert_eq!(state(0, 0, 1, 1, 1), JobState::Dead);
        assert_eq!(state(0, 0, 2, 0, 1), JobState::Cancelled);
        assert!(!JobState::Running.is_settled() && JobState::Dead.is_settled());
    }

    #[test]
    fn attempts_are_limited_and_some_failures_are_final() {
        let after = |attempts, retry, cancelled| ItemState::after_failure(attempts, 3, retry, cancelled);
        assert_eq!(after(2, Retry::Again, false), ItemState::Waiting);
        assert_eq!(after(3, Retry::Again, false), ItemState::Dead);
        assert_eq!(after(1, Retry::Never, false), ItemState::Dead);
        assert_eq!(after(1, Retry::Again, true), ItemState::Cancelled);
        assert!(ItemState::ALL.iter().all(|&state| ItemState::from_name(state.name()) == Some(state)));
    }
}
