use spec::Sha256Digest;
use spec::stage::{self, Stored, StoredCopy};

/// A stored picture that the ledger knows. Only [`crate::Ledger::append`] makes it.
#[derive(Debug)]
pub struct Recorded<S: Stored> {
    pub(crate) stored: S,
    pub(crate) leaf_index: u64,
    pub(crate) root: Sha256Digest,
}

impl<S: Stored> stage::Recorded for Recorded<S> {
    fn stored(&self) -> &dyn Stored {
        &self.stored
    }

    fn leaf_index(&self) -> u64 {
        self.leaf_index
    }

    fn root(&self) -> Sha256Digest {
        self.root
    }
}

/// A stored copy that the ledger knows. Only [`crate::Ledger::append_copy`] makes it.
#[derive(Debug)]
pub struct RecordedCopy<S: StoredCopy> {
    pub(crate) stored: S,
    pub(crate) leaf_index: u64,
}

impl<S: StoredCopy> stage::RecordedCopy for RecordedCopy<S> {
    fn stored_copy(&self) -> &dyn StoredCopy {
        &self.stored
    }

    fn leaf_index(&self) -> u64 {
        self.leaf_index
    }
}
