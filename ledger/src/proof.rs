//! Inclusion and consistency proofs: made as in RFC 6962 §2.1, checked as in RFC 9162 §2.1.3.2 and §2.1.4.2. Pure
//! functions; a verifier needs nothing but the proof and two roots.

use crate::merkle::{node_hash, split, tree_root};
use spec::Sha256Digest;

/// The audit path of leaf `index`, from the leaf up; `None` past the end.
pub fn inclusion_proof(leaves: &[Sha256Digest], index: usize) -> Option<Vec<Sha256Digest>> {
    (index < leaves.len()).then(|| path(leaves, index))
}

fn path(leaves: &[Sha256Digest], index: usize) -> Vec<Sha256Digest> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut nodes, sibling) =
        if index < middle { (path(left, index), tree_root(right)) } else { (path(right, index - middle), tree_root(left)) };
    nodes.push(sibling);
    nodes
}

/// Whether `proof` shows that `leaf` is at `index` of the tree of `size` leaves with `root`.
pub fn verify_inclusion(leaf: Sha256Digest, index: u64, size: u64, proof: &[Sha256Digest], root: Sha256Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for &sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Shows that the tree of the first `old_size` leaves is a beginning of the tree of all; `None` unless
/// `old_size <= leaves.len()`. Empty where nothing needs to be shown (`old_size` is 0 or all).
pub fn consistency_proof(leaves: &[Sha256Digest], old_size: usize) -> Option<Vec<Sha256Digest>> {
    match old_size {
        0 => Some(Vec::new()),
        _ if old_size > leaves.len() => None,
        _ => Some(subproof(leaves, old_size, Subtree::Whole)),
    }
}

/// Whether the verifier knows the old subtree's root already: it does while that subtree is the whole old tree.
#[derive(Clone, Copy, PartialEq)]
enum Subtree {
    Whole,
    Part,
}

fn subproof(leaves: &[Sha256Digest], old_size: usize, subtree: Subtree) -> Vec<Sha256Digest> {
    if old_size == leaves.len() {
        return if subtree == Subtree::Whole { Vec::new() } else { vec![tree_root(leaves)] };
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut nodes, sibling) = if old_size <= middle {
        (subproof(left, old_size, subtree), tree_root(right))
    } else {
        (subproof(right, old_size - middle, Subtree::Part), tree_root(left))
    };
    nodes.push(sibling);
    nodes
}

/// Whether `proof` shows that the tree of `old_size` leaves with `old_root` is a beginning of the tree of `new_size` leaves
/// with `new_root`.
pub fn verify_consistency(old_size: u64, new_size: u64, old_root: Sha256Digest, new_root: Sha256Digest, proof: &[Sha256Digest]) -> bool {
    if old_size == 0 {
        return proof.is_empty() && old_root == tree_root(&[]);
    }
    if old_size >= new_size {
        return old_size == new_size && proof.is_empty() && old_root == new_root;
    }
    // A perfect old tree is itself the first node; otherwise the proof begins with that node.
    let mut rest = proof.iter().copied();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let shift = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1).checked_shr(shift).unwrap_or(0), (new_size - 1).checked_shr(shift).unwrap_or(0));
    let (mut old, mut new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, old);
            new = node_hash(sibling, new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old == old_root && new == new_root
}
