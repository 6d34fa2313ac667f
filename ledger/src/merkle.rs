//! Merkle tree hashing of RFC 6962 §2.1.

use sha2::{Digest as _, Sha256};
use spec::Sha256Digest;

/// Hash of a leaf's bytes: SHA-256(0x00 ‖ leaf).
pub fn leaf_hash(leaf: &[u8]) -> Sha256Digest {
    let mut hasher = Sha256::new_with_prefix([0]);
    hasher.update(leaf);
    Sha256Digest(hasher.finalize().into())
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: Sha256Digest, right: Sha256Digest) -> Sha256Digest {
    let mut hasher = Sha256::new_with_prefix([1]);
    hasher.update(left.0);
    hasher.update(right.0);
    Sha256Digest(hasher.finalize().into())
}

/// Root over leaf hashes; of no leaves, the hash of the empty string.
pub fn tree_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    match leaves {
        [] => Sha256Digest::of(b""),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(tree_root(left), tree_root(right))
        }
    }
}

/// The largest power of two below `length`, which is at least 2.
pub(crate) fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

/// What a tree needs to keep in order to grow: the roots of its perfect subtrees, largest first, one for each 1 in the
/// binary form of its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Sha256Digest>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves; `None` unless `peaks` has one for each 1 bit of `size`.
    pub fn new(size: u64, peaks: Vec<Sha256Digest>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Sha256Digest] {
        &self.peaks
    }

    /// Adds a leaf's hash: the new leaf merges with as many peaks as the old size ends in 1 bits.
    pub fn push(&mut self, leaf: Sha256Digest) {
        let merged = self.peaks.len().saturating_sub(self.size.trailing_ones() as usize);
        let peak = self.peaks.drain(merged..).rev().fold(leaf, |right, left| node_hash(left, right));
        self.peaks.push(peak);
        self.size += 1;
    }

    /// Root of the whole tree.
    pub fn root(&self) -> Sha256Digest {
        let mut peaks = self.peaks.iter().rev().copied();
        match peaks.next() {
            None => Sha256Digest::of(b""),
            Some(last) => peaks.fold(last, |right, left| node_hash(left, right)),
        }
    }
}
