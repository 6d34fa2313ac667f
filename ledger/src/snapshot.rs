use crate::entry::open_row;
use crate::log::check_continues;
use crate::report::walk;
use crate::{Checkpoint, Error, InclusionProof, Result, SignedCheckpoint, inclusion_proof};
use spec::{LogStorage, Sha256Digest};

/// All leaves of a ledger that verified, at one moment. What other processes append later is not in it.
pub struct Snapshot<'storage> {
    storage: &'storage dyn LogStorage,
    hashes: Vec<Sha256Digest>,
    checkpoint: Checkpoint,
}

impl<'storage> Snapshot<'storage> {
    /// Verifies the log in `storage`, as [`crate::verify`] does, and keeps the leaves' hashes. An error unless it is sound.
    pub fn read(storage: &'storage dyn LogStorage) -> Result<Self> {
        let mut hashes = Vec::new();
        let report = walk(storage, None, &mut |hash| hashes.push(hash))?;
        if !report.is_sound() {
            return Err(Error::broken(report.to_string(), report.to_string()));
        }
        let checkpoint = Checkpoint { size: report.checked, root: report.root };
        Ok(Self { storage, hashes, checkpoint })
    }

    /// Size and root; not signed.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// An error unless this ledger continues the one that had the checkpoint `old`: the same leaves in the same places, and
    /// perhaps more after them.
    pub fn check_continues(&self, old: Checkpoint) -> Result<()> {
        check_continues(&self.hashes, old, self.checkpoint)
    }

    /// The bytes of the leaf at `index`; `None` past the end.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>> {
        let Some(hash) = usize::try_from(index).ok().and_then(|index| self.hashes.get(index)) else { return Ok(None) };
        let row = self.storage.leaf(index)?;
        let leaf = row.as_deref().and_then(open_row).filter(|(found, _)| found == hash).map(|(_, leaf)| leaf.to_vec());
        let changed = || Error::broken(format!("leaf {index} was changed just now"), format!("第 {index} 叶刚刚被改动"));
        leaf.map(Some).ok_or_else(changed)
    }

    /// The proof that the leaf at `index` is under `signed`, which must be of this very snapshot; `None` past the end.
    pub fn prove(&self, index: u64, signed: &SignedCheckpoint) -> Result<Option<InclusionProof>> {
        if signed.checkpoint() != self.checkpoint {
            return Err(Error::Rewritten { old: signed.checkpoint().size });
        }
        let Some(leaf) = self.leaf(index)? else { return Ok(None) };
        let path = usize::try_from(index).ok().and_then(|index| inclusion_proof(&self.hashes, index)).unwrap_or_default();
        Ok(Some(InclusionProof::new(index, &leaf, path, signed)))
    }
}
