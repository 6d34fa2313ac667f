mod job_queue;

pub use job_queue::JobQueue;

use crate::Timestamp;
use std::error::Error;
use std::fmt;

/// What a port's adapter reports when its medium fails. The adapter's own error is kept as the source.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct PortError {
    /// What was attempted, and on what.
    pub what: String,
    /// The medium's own error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// An append-only sequence of byte strings that survives the process: what the ledger keeps its leaves in.
///
/// One process appends at a time (`append` takes the index that the caller believes is next and fails when it is not), any
/// number reads. A leaf that `append` returned `Ok` for is on disk.
pub trait LogStorage: Send {
    /// Number of leaves.
    fn length(&self) -> Result<u64, PortError>;
    /// The leaf at `index`, and `None` past the end.
    fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, PortError>;
    /// Shows the leaves from index `from` on, in order and each with its index, until `visit` says `false` or there are no more.
    fn visit_leaves(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), PortError>;
    /// Stores `leaf` at `index`, which must be the present length, and what is to be written `beside` it: all of it, or nothing. `key`,
    /// which no other leaf may have, finds it again ([`Self::find`]), and so do `tags`, which others may share ([`Self::find_tagged`]).
    fn append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<(), PortError>;
    /// Index of the leaf that was appended with `key`.
    fn find(&self, key: &str) -> Result<Option<u64>, PortError>;
    /// The key that the leaf at `index` is kept under.
    fn key(&self, index: u64) -> Result<Option<String>, PortError>;
    /// Shows every tag with the index of the leaf that it finds, each pair once.
    fn visit_tags(&self, visit: &mut dyn FnMut(&str, u64)) -> Result<(), PortError>;
    /// Index of the latest leaf that was appended with `tag`.
    fn find_tagged(&self, tag: &str) -> Result<Option<u64>, PortError>;
    /// As [`Self::find_tagged`], among the leaves before index `before`.
    fn find_tagged_before(&self, tag: &str, before: u64) -> Result<Option<u64>, PortError>;
    /// Keeps a secret beside the log; `false`, and the one that is there stays, where its id is taken.
    fn keep_secret(&mut self, secret: &Secret) -> Result<bool, PortError>;
    /// The content of the secret with this id; `None` if there never was one, or it was removed.
    fn secret(&self, id: SecretId) -> Result<Option<Vec<u8>>, PortError>;
    /// Shows every secret.
    fn visit_secrets(&self, visit: &mut dyn FnMut(&Secret)) -> Result<(), PortError>;
    /// How many secrets are of before `time`, and the latest moment until which one of them is to be kept.
    fn secrets_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), PortError>;
    /// Removes the secrets of before `time` whose term is over at `now`, so that they cannot be read back from the medium; returns
    /// how many.
    fn remove_secrets(&mut self, time: Timestamp, now: Timestamp) -> Result<u64, PortError>;
    /// The saved tree head (opaque text), if any.
    fn head(&self) -> Result<Option<String>, PortError>;
    /// Replaces the saved tree head.
    fn set_head(&mut self, head: &str) -> Result<(), PortError>;
    /// What is wrong with the medium's own structure, and with what it keeps from being changed. Writes nothing.
    fn faults(&self) -> Result<Vec<StorageFault>, PortError>;
    /// The guards that were missing or changed when this handle was opened, and that it put back: their names.
    fn restored(&self) -> &[String];
}

/// Something wrong with the structure or the guards of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageFault {
    /// What.
    pub english: String,
    /// What, in Chinese.
    pub chinese: String,
}

impl fmt::Display for StorageFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} / {}", self.english, self.chinese)
    }
}

/// What is written together with a leaf: a medium that flushes once for all of it does so in a fraction of the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// A secret that the leaf refers to; its id must be new.
    pub secret: Option<&'a Secret>,
    /// The tree head with the leaf, which replaces the saved one.
    pub head: Option<&'a str>,
}

/// Id of a [`Secret`].
pub type SecretId = [u8; 16];

/// A small secret beside the log: unlike a leaf it can be removed, once its term is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What finds it again.
    pub id: SecretId,
    /// When it was made.
    pub time: Timestamp,
    /// It cannot be removed before.
    pub keep_until: Timestamp,
    /// The secret itself; opaque here.
    pub content: Vec<u8>,
}
