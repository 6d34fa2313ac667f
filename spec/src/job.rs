//! Work that waits, is leased, and is done at most once: what the [`JobQueue`](crate::JobQueue) port speaks of.
//!
//! A [`Job`] is one request of one account, for a number of *items* (pictures, for example). Items are leased, made and settled one by
//! one:
//!
//! ```text
//!            lease                finish
//! Waiting ──────────→ Leased ──────────────→ Finished
//!    ↑                  │
//!    ├── put back ──────┤                                not counted
//!    ├── fail, expiry ──┤  attempts left                 counted
//!    │                  └── no attempts left ──→ Dead
//!    └─────────────── retry ─────────────────── Dead, Cancelled
//! ```
//!
//! Cancelling a job turns what waits into `Cancelled`, and what is leased as soon as its worker does not finish it.
//!
//! An item's ids are fixed from the moment its job is put: [`JobItem`] names it, and [`JobItem::produce_id`] is the id under which
//! its content is labelled and recorded, whichever worker makes it and however often one tries. The ledger takes an id once. So a worker that
//! finds an item's id on record, since another one died between record and [`finish`](crate::JobQueue::finish), has only to finish it.

mod lease;
mod status;

pub use lease::{Extension, Lease, LeaseOwner, LeaseSpan, LeaseTerms, LeaseToken, LeasedItem, LeasedJob};
pub use status::{FinishedItem, ItemCounts, ItemState, ItemStatus, JobFailure, JobPage, JobState, JobStatus, Put, Retry};

use crate::uuid::Uuid;
use crate::{ProduceId, Sha256Digest, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How often an item is tried before it is dead, where nobody says otherwise: once for itself, once for a worker that was killed, and once
/// more, so that two unrelated misfortunes do not lose it; an item that kills its worker takes no more than three.
pub const DEFAULT_MAXIMUM_ATTEMPTS: u32 = 3;

/// Id of a job: a UUID of version 7 (RFC 9562), so that ids sort by the time of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(Uuid);

impl JobId {
    /// The id made from a moment and ten random bytes.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(Uuid::new(now, random))
    }

    /// The moment that it was made from.
    pub fn made_at(self) -> Timestamp {
        self.0.made_at()
    }

    /// The sixteen bytes, in the order of the text.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.0
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid(bytes))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The text is not a UUID in its 36-character form.
#[derive(Debug, thiserror::Error)]
#[error("a job id is a UUID such as 0192f0c1-7e2a-7b3c-8d4e-5f60718293a4 / 任务编号应为 36 位 UUID")]
pub struct ParseJobIdError;

impl FromStr for JobId {
    type Err = ParseJobIdError;

    fn from_str(text: &str) -> Result<Self, ParseJobIdError> {
        Uuid::parse(text).map(Self).ok_or(ParseJobIdError)
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One item of one job: the effect key. What is made for it is recorded and released at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobItem {
    /// The job.
    pub job: JobId,
    /// Which of its items, from 0.
    pub index: u32,
}

impl JobItem {
    /// The id of the content made for this item: the moment of the job's id, and the first ten bytes of SHA-256 over the id's sixteen
    /// bytes and the index in four, big-endian. It depends on nothing else.
    pub fn produce_id(self) -> ProduceId {
        let mut key = [0; 20];
        key[..16].copy_from_slice(&self.job.to_bytes());
        key[16..].copy_from_slice(&self.index.to_be_bytes());
        let Sha256Digest([a, b, c, d, e, f, g, h, i, j, ..]) = Sha256Digest::of(&key);
        ProduceId::new(self.job.made_at(), [a, b, c, d, e, f, g, h, i, j])
    }
}

/// Which work goes first: the greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub i32);

impl Priority {
    /// Somebody waits for it.
    pub const INTERACTIVE: Self = Self(100);
    /// Nobody waits in front of a screen. Room is left between the two, and on both sides.
    pub const BATCH: Self = Self(0);
}

/// One request, as it is put in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Chosen by who puts it: putting it twice is putting it once.
    pub id: JobId,
    /// Who asks. The records of its items are of this account.
    pub account: String,
    /// The request, serialised; opaque to the queue. Whoever leases an item reads it and has it cleared anew.
    pub request: String,
    /// Equal for items that one worker can make together: the model, the sizes, and whatever else must agree. Opaque to the queue.
    pub shape: String,
    /// How many items: indices from 0 to one less. At least one.
    pub items: u32,
    /// When its turn comes.
    pub priority: Priority,
    /// How often an item is tried before it is dead; at least one.
    pub maximum_attempts: u32,
}

impl Job {
    /// All items, in order.
    pub fn every_item(&self) -> impl Iterator<Item = JobItem> + use<> {
        let job = self.id;
        (0..self.items).map(move |index| JobItem { job, index })
    }
}

#[cfg(test)]
mod tests {
    use super::{JobId, JobItem};
    use crate::Timestamp;
    use std::collections::HashSet;

    #[test]
    fn an_item_has_one_id_for_ever_and_shares_it_with_no_other() {
        let job = JobId::new(Timestamp(0x0192_f0c1_7e2a), [7; 10]);
        assert_eq!(job.to_string().parse::<JobId>().ok(), Some(job));
        assert_eq!(JobId::from_bytes(job.to_bytes()), job);
        let first = JobItem { job, index: 0 }.produce_id();
        assert_eq!(first.to_string(), "0192f0c1-7e2a-74fa-8d1d-c39030622c84", "the derivation may never change");
        let other = JobId::new(Timestamp(0x0192_f0c1_7e2a), [8; 10]);
        let ids: HashSet<_> =
            [job, other].iter().flat_map(|&job| (0..1000).map(move |index| JobItem { job, index }.produce_id())).collect();
        assert_eq!(ids.len(), 2000);
    }
}
