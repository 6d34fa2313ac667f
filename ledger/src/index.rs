//! What finds an entry: made from the leaves alone, in memory, when a ledger is opened and as it grows.
//!
//! The storage keeps keys and tags of its own. They are compared with these by [`crate::verify`], and nothing is decided by them: whoever can
//! write to the file can remove a row from them, and a stop or a strike with it, without changing a leaf.

use crate::Checkpoint;
use crate::findable::{Findable, FoundFile};
use crate::merkle::Frontier;
use spec::{ProduceId, Sha256Digest, Timestamp};
use std::collections::HashMap;

/// An index over the first leaves of a log, some 150 bytes for each.
#[derive(Debug, Default)]
pub struct Index {
    frontier: Frontier,
    hashes: Vec<Sha256Digest>,
    files: HashMap<ProduceId, u64>,
    contents: HashMap<Sha256Digest, u64>,
    marks: HashMap<u64, u64>,
    switches: Vec<u64>,
    standings: Vec<u64>,
    accounts: HashMap<String, Trail>,
    applications: Vec<u64>,
    approvals: HashMap<u64, u64>,
    unlabelled_copies: HashMap<u64, Vec<u64>>,
}

/// What an account left in the log.
#[derive(Debug, Default)]
pub struct Trail {
    /// Index of the latest file that it got, derived files aside.
    pub latest_file: Option<u64>,
    /// Index of its latest suspension, or end of one.
    pub latest_standing: Option<u64>,
    /// Its refusals, and what was withheld and counts as one, in order.
    pub refusals: Vec<PlacedRefusal>,
    /// All its entries, in order.
    pub entries: Vec<u64>,
}

/// Where and when a refusal was recorded.
#[derive(Debug, Clone, Copy)]
pub struct PlacedRefusal {
    pub index: u64,
    pub time: Timestamp,
}

impl Index {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The tree over them.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Size and root of the tree.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { size: self.size(), root: self.frontier.root() }
    }

    /// The leaves' hashes, in order.
    pub fn hashes(&self) -> &[Sha256Digest] {
        &self.hashes
    }

    /// The hash of the leaf at `index`.
    pub fn hash(&self, index: u64) -> Option<Sha256Digest> {
        self.hashes.get(usize::try_from(index).ok()?).copied()
    }

    /// Takes in the next leaf; `false`, and nothing happens, if it is not the next one.
    pub fn push(&mut self, leaf: &Findable<'_>) -> bool {
        let index = self.size();
        if leaf.index != index {
            return false;
        }
        self.frontier.push(leaf.hash);
        self.hashes.push(leaf.hash);
        if let Some(FoundFile { id, content_sha256, watermarked }) = leaf.file {
            self.files.entry(id).or_insert(index);
            self.contents.insert(content_sha256, index);
            if watermarked {
                self.marks.insert(id.mark(), index);
            }
        }
        match (&*leaf.kind, leaf.application) {
            ("stopped" | "resumed", _) => self.switches.push(index),
            ("suspended" | "lifted", _) => self.standings.push(index),
            ("applied", _) => self.applications.push(index),
            ("approved", Some(application)) => {
                self.approvals.insert(application, index);
            }
            ("delivered", Some(application)) => self.unlabelled_copies.entry(application).or_default().push(index),
            _ => {}
        }
        if let Some(account) = leaf.account.as_deref() {
            self.push_to_trail(account, leaf);
        }
        true
    }

    fn push_to_trail(&mut self, account: &str, leaf: &Findable<'_>) {
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.to_owned(), Trail::default());
        }
        let Some(trail) = self.accounts.get_mut(account) else { return };
        trail.entries.push(leaf.index);
        if leaf.strike {
            trail.refusals.push(PlacedRefusal { index: leaf.index, time: leaf.time });
        }
        match &*leaf.kind {
            "produced" | "delivered" => trail.latest_file = Some(leaf.index),
            "suspended" | "lifted" => trail.latest_standing = Some(leaf.index),
            _ => {}
        }
    }

    /// The entry of the file with this id.
    pub fn file(&self, id: ProduceId) -> Option<u64> {
        self.files.get(&id).copied()
    }

    /// The latest entry of a file with this digest.
    pub fn content(&self, content_sha256: Sha256Digest) -> Option<u64> {
        self.contents.get(&content_sha256).copied()
    }

    /// The latest entry of a watermarked picture whose id has this `ProduceId::mark`.
    pub fn mark(&self, mark: u64) -> Option<u64> {
        self.marks.get(&mark).copied()
    }

    /// Stops and their ends, in order.
    pub fn switches(&self) -> &[u64] {
        &self.switches
    }

    /// Suspensions and their ends, in order.
    pub fn standings(&self) -> &[u64] {
        &self.standings
    }

    /// What the account with this pseudonym left.
    pub fn trail(&self, account: &str) -> Option<&Trail> {
        self.accounts.get(account)
    }

    /// Applications for unlabelled copies, in order.
    pub fn applications(&self) -> &[u64] {
        &self.applications
    }

    /// The latest approval of an application.
    pub fn approval(&self, application: u64) -> Option<u64> {
        self.approvals.get(&application).copied()
    }

    /// The unlabelled copies that were made for an application, in order.
    pub fn unlabelled_copies(&self, application: u64) -> &[u64] {
        self.unlabelled_copies.get(&application).map_or(&[], Vec::as_slice)
    }
}
