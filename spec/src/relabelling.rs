use crate::{ProduceId, Sha256Digest};
use serde::{Deserialize, Serialize};

/// What was done to a file that was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The propagator's fields were added to its implicit label (标识办法 article 6).
    PassedOn,
    /// Its picture was resized or encoded anew, and labelled again as before.
    Converted,
}

/// How a file came out of another one, and what its implicit label says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relabelling {
    /// The id of the new file: the `PropagateID` of one passed on, and known to the ledger alone of a converted one.
    pub id: ProduceId,
    /// What was done.
    pub operation: Operation,
    /// SHA-256 of the file that it was made from.
    pub source_sha256: Sha256Digest,
    /// SHA-256 of the new file.
    pub content_sha256: Sha256Digest,
    /// Length of the new file in bytes.
    pub byte_length: u64,
    /// Format of the new file, for example `mp4`.
    pub format: String,
    /// The label that the file had, as it stood there; nothing where it had none.
    pub source_label: Option<String>,
    /// The label that it has now.
    pub label: String,
    /// Text of the explicit label that was drawn; nothing where the picture was left as it is.
    pub explicit_label: Option<String>,
}
