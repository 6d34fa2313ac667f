//! Tree hashing and proofs agree with RFC 6962, on the test vectors of the certificate-transparency reference
//! implementation and on random trees.
use ledger::{Frontier, consistency_proof, inclusion_proof, leaf_hash, tree_root, verify_consistency, verify_inclusion};
use proptest::prelude::*;
use spec::Sha256Digest;

const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hashes() -> Vec<Sha256Digest> {
    LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect()
}

fn texts(proof: Option<Vec<Sha256Digest>>) -> Vec<String> {
    proof.expect("a proof").iter().map(ToString::to_string).collect()
}

#[test]
fn roots() {
    let mut frontier = Frontier::default();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(tree_root(&hashes()[..size]).to_string(), *root, "{size} leaves");
        assert_eq!(frontier.root().to_string(), *root, "frontier of {size}");
        if let Some(hash) = hashes().get(size) {
            frontier.push(*hash);
        }
    }
}

#[test]
fn inclusion_proofs() {
    let first = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(texts(inclusion_proof(&hashes(), 0)), first);
    assert_eq!(texts(inclusion_proof(&hashes()[..3], 2)), ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
    assert!(texts(inclusion_proof(&hashes()[..1], 0)).is_empty());
    assert_eq!(inclusion_proof(&hashes(), 8), None);
}

#[test]
fn consistency_proofs() {
    let six_to_eight = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(texts(consistency_proof(&hashes(), 6)), six_to_eight);
    let two_to_five = [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];
    assert_eq!(texts(consistency_proof(&hashes()[..5], 2)), two_to_five);
    assert_eq!(consistency_proof(&hashes(), 9), None);
}

fn tree(size: usize, salt: u8) -> Vec<Sha256Digest> {
    (0..size).map(|index| leaf_hash(&[salt, index as u8])).collect()
}

fn changed(proof: &[Sha256Digest], place: usize) -> Vec<Sha256Digest> {
    let mut proof = proof.to_vec();
    proof[place].0[place % 32] ^= 1;
    proof
}

proptest! {
    #[test]
    fn the_frontier_grows_as_the_tree(size in 0_usize..200, salt: u8) {
        let leaves = tree(size, salt);
        let mut frontier = Frontier::default();
        for &leaf in &leaves {
            frontier.push(leaf);
        }
        prop_assert_eq!(frontier.root(), tree_root(&leaves));
        prop_assert_eq!(frontier.peaks().len(), size.count_ones() as usize);
        prop_assert_eq!(Frontier::new(size as u64, frontier.peaks().to_vec()), Some(frontier));
    }

    #[test]
    fn inclusion_holds_and_no_other_claim_does(size in 1_usize..100, at in any::<prop::sample::Index>(), salt: u8) {
        let (leaves, index) = (tree(size, salt), at.index(size));
        let (root, leaf) = (tree_root(&leaves), leaves[index]);
        let proof = inclusion_proof(&leaves, index).expect("inside");
        let holds = |leaf, index: usize, size: usize, proof: &[Sha256Digest], root| verify_inclusion(leaf, index as u64, size as u64, proof, root);
        prop_assert!(holds(leaf, index, size, &proof, root));
        prop_assert!(!holds(leaf_hash(b"other"), index, size, &proof, root));
        prop_assert!(!holds(leaf, index, size, &proof, leaf_hash(b"other")));
        for other in (0..=size).filter(|&other| other != index) {
            prop_assert!(!holds(leaf, other, size, &proof, root), "index {other}");
        }
        for place in 0..proof.len() {
            prop_assert!(!holds(leaf, index, size, &changed(&proof, place), root));
        }
        prop_assert!(!holds(leaf, index, size, &[proof.clone(), vec![root]].concat(), root));
        if !proof.is_empty() {
            prop_assert!(!holds(leaf, index, size, &proof[1..], root));
        }
    }

    #[test]
    fn consistency_holds_across_growth_and_not_across_a_change(new in 1_usize..100, at in any::<prop::sample::Index>(), salt: u8) {
        let leaves = tree(new, salt);
        let old = at.index(new + 1);
        let (old_root, new_root) = (tree_root(&leaves[..old]), tree_root(&leaves));
        let proof = consistency_proof(&leaves, old).expect("inside");
        let holds = |proof: &[Sha256Digest], old_root, new_root| verify_consistency(old as u64, new as u64, old_root, new_root, proof);
        prop_assert!(holds(&proof, old_root, new_root));
        prop_assert!(!holds(&proof, leaf_hash(b"other"), new_root));
        if old > 0 {
            prop_assert!(!holds(&proof, old_root, leaf_hash(b"other")));
            prop_assert!(!verify_consistency(new as u64 + 1, new as u64, old_root, new_root, &proof));
        }
        for place in 0..proof.len() {
            prop_assert!(!holds(&changed(&proof, place), old_root, new_root));
        }
        prop_assert!(!holds(&[proof.clone(), vec![new_root]].concat(), old_root, new_root));
        if old > 0 && old < new {
            let mut rewritten = leaves.clone();
            rewritten[old - 1] = leaf_hash(b"rewritten");
            let forged = consistency_proof(&rewritten, old).expect("inside");
            prop_assert!(!holds(&forged, old_root, tree_root(&rewritten)), "a rewritten leaf passed");
        }
    }
}

#[test]
fn absurd_sizes_end_without_a_panic() {
    let (root, proof) = (leaf_hash(b""), vec![leaf_hash(b"x"); 70]);
    for size in [0, 1, 1 << 63, u64::MAX] {
        for other in [0, 1, 1 << 63, u64::MAX - 1, u64::MAX] {
            assert!(!verify_inclusion(root, other, size, &proof, root));
            assert!(!verify_consistency(other, size, root, root, &proof));
        }
    }
}
