//! What becomes of requests and artifacts.

use ledger::SuspensionCause;
use policy::Cleared;
use serde::Serialize;
use spec::{ProduceId, Screening, Sha256Digest};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The gate's answer to a request.
#[derive(Debug)]
pub enum Clearance {
    /// It may go on.
    Cleared(Arc<Cleared>),
    /// Recorded; nothing follows.
    Refused(Box<Refused>),
}

/// A recorded refusal.
#[derive(Debug)]
pub struct Refused {
    /// What the gate said.
    pub refusal: policy::Refusal,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// The limit of refusals that the account reached with it, if it did.
    pub suspended: Option<SuspensionCause>,
}

/// What became of one artifact.
#[derive(Debug, Clone)]
pub enum Settled {
    /// It is on disk.
    Released(Box<Released>),
    /// Its examiner stopped it; the others go on.
    Withheld(Box<Withheld>),
    /// An earlier worker recorded it under this item's id and died before it could say so. Its file is out, or comes out when its folder is
    /// opened next.
    AlreadyRecorded(ProduceId),
}

/// What became of an application for an unlabelled copy (标识办法 article 9).
#[derive(Debug)]
pub enum UnlabelledCopy {
    /// It left.
    Released(Box<Released>),
    /// The examiner, as it is now, withholds it. Recorded; nothing follows.
    Withheld(Box<Withheld>),
    /// The gate, as it is now, refuses the request. Recorded; nothing follows.
    Refused(Box<Refused>),
}

/// An artifact that left: labelled, recorded, on disk.
#[derive(Debug, Clone, Serialize)]
pub struct Released {
    /// The file.
    pub path: PathBuf,
    /// The id in its label and record.
    pub produce_id: ProduceId,
    /// Its own seed.
    pub seed: u64,
    /// SHA-256 of the file.
    pub content_sha256: Sha256Digest,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// Root of the ledger just after that leaf.
    pub ledger_root: Sha256Digest,
    /// SHA-256 of the model.
    pub model_sha256: Sha256Digest,
    /// Pixels of the picture, or of a design's drawing.
    pub width: u32,
    /// Pixels of the picture, or of a design's drawing.
    pub height: u32,
    /// Text of the explicit label.
    pub explicit_label: String,
    /// Whether the pixels carry the invisible watermark: some pictures are too small or too busy for it.
    pub watermarked: bool,
    /// The C2PA manifest of a file that cannot carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecar: Option<PathBuf>,
    /// How long the words after the model took.
    #[serde(skip)]
    pub timing: Timing,
    /// What was said of it.
    pub screening: Screening,
}

/// How long screening, label, store, record and release of one artifact took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// The examiner.
    pub screen: Duration,
    /// Marks, encoding, and reading back.
    pub label: Duration,
    /// The hidden file, flushed to disk.
    pub store: Duration,
    /// The leaf in the ledger, flushed to disk.
    pub record: Duration,
    /// The visible name.
    pub release: Duration,
}

/// A recorded artifact that did not leave.
#[derive(Debug, Clone, Serialize)]
pub struct Withheld {
    /// Its own seed.
    pub seed: u64,
    /// Why.
    pub screening: Screening,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// Whether it counts against the account: the first of its request does, where a score withheld it.
    pub strike: bool,
    /// The limit that the account reached with it, if it did. Other artifacts of the request go on; the next request does not.
    pub suspended: Option<SuspensionCause>,
    /// Which score met which rule, and what to do if that is a mistake.
    pub english: String,
    /// The same in Chinese.
    pub chinese: String,
}
