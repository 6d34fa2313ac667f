//! What the ledger records besides pictures and refusals.

use crate::Produced;
use serde::{Deserialize, Serialize};
use spec::{ProduceId, Sha256Digest, Timestamp};

/// What an officer decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who, as they gave their name.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// What was or is to be done about it, as the officer put it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<String>,
}

/// An account may ask for nothing until an officer lifts this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Which limit was reached.
    pub cause: SuspensionCause,
}

/// Which limit was reached, of refusals and of withheld pictures that count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    /// Three in a row.
    InARow,
    /// Five in a day.
    InADay,
}

/// The text that fixes the user's own duty to label and responsibility for use (标识办法 article 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Its version, as the operator calls it.
    pub version: String,
    /// SHA-256 of the text.
    pub sha256: Sha256Digest,
}

/// Somebody accepted the agreement and applied for a copy without explicit label. Who is among the personal fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The picture.
    pub produce_id: ProduceId,
    /// What was accepted.
    pub agreement: Agreement,
}

/// An officer identified the recipient and approved an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Index of the application.
    pub application: u64,
    /// Who, as they gave their name.
    pub officer: String,
    /// How the recipient's identity was checked.
    pub identified_by: String,
}

/// A copy without explicit label was made for an approved application. Who receives it is among the personal fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Index of the application.
    pub application: u64,
    /// Index of the approval.
    pub approval: u64,
    /// The labelled picture of which it is a copy.
    pub copy_of: ProduceId,
    /// The copy. Its explicit label is empty; its implicit one is not.
    pub picture: Box<Produced>,
}

/// The keys of records were destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shredding {
    /// Those of all records before this moment.
    pub before: Timestamp,
    /// How many keys.
    pub keys: u64,
    /// Who, as they gave their name.
    pub officer: String,
}
