use crate::{Checkpoint, Entry, Error, Result, SignedCheckpoint, VerifierKey, leaf_hash, verify_inclusion};
use serde::{Deserialize, Serialize};
use spec::Sha256Digest;

/// Format of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "danqing.ledger.proof.v1")]
    V1,
}

/// All that is needed, beside the verifier key, to check that one entry is in the ledger: see the crate's documentation for
/// its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    format: Format,
    index: u64,
    leaf: String,
    audit_path: Vec<Sha256Digest>,
    checkpoint: String,
}

/// What a proof showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Proven {
    /// The entry.
    pub entry: Entry,
    /// The signed checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

impl InclusionProof {
    pub(crate) fn new(index: u64, leaf: &[u8], audit_path: Vec<Sha256Digest>, signed: &SignedCheckpoint) -> Self {
        // A leaf is JSON, and so UTF-8; of anything else the proof does not verify.
        let leaf = String::from_utf8_lossy(leaf).into_owned();
        Self { format: Format::V1, index, leaf, audit_path, checkpoint: signed.text().to_owned() }
    }

    /// The proof as a file.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Unrecordable(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Reads a proof; an error unless it is exactly what [`Self::to_json`] writes.
    pub fn from_json(text: &str) -> Result<Self> {
        let proof: Option<Self> = serde_json::from_str(text).ok();
        proof.filter(|proof| proof.to_json().is_ok_and(|json| json == text)).ok_or_else(|| {
            Error::rejected("it is not a proof that Danqing wrote, or was changed since", "不是丹青写出的证明文件，或已被改动")
        })
    }

    /// Checks the signature, the path from the leaf to the signed root, and the leaf itself. Needs no ledger.
    pub fn verify(&self, key: &VerifierKey) -> Result<Proven> {
        let checkpoint = SignedCheckpoint::open(&self.checkpoint, key)?.checkpoint();
        let hash = leaf_hash(self.leaf.as_bytes());
        if !verify_inclusion(hash, self.index, checkpoint.size, &self.audit_path, checkpoint.root) {
            return Err(Error::rejected("the entry is not under the signed root", "条目不在签名的树根之下"));
        }
        let entry = Entry::from_leaf(self.leaf.as_bytes()).filter(|entry| entry.index == self.index);
        let entry = entry.ok_or_else(|| Error::rejected("the leaf is not an entry of this format", "叶不符合条目格式"))?;
        Ok(Proven { entry, checkpoint })
    }
}
