use spec::Sha256Digest;
use spec::stage::{self, Stored};

/// A stored file that the ledger knows. Only [`crate::Ledger::append`] makes it.
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
