use crate::ProduceId;
use serde::{Deserialize, Serialize};

/// The first key of the implicit label, GB 45438-2025 annex E: how sure the labeller is that the content is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelKind {
    /// `1`: is AI-generated synthetic content.
    #[serde(rename = "1")]
    Generated,
    /// `2`: may be.
    #[serde(rename = "2")]
    MayBeGenerated,
    /// `3`: suspected to be.
    #[serde(rename = "3")]
    SuspectedGenerated,
}

/// The implicit label's seven values, in the order and with the key names of GB 45438-2025.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImplicitLabel {
    /// How sure the labeller is.
    #[serde(rename = "Label")]
    pub label: LabelKind,
    /// Provider code of the generating service, 27 characters; empty while unset.
    #[serde(rename = "ContentProducer")]
    pub content_producer: String,
    /// The producer's unique id of this content.
    #[serde(rename = "ProduceID")]
    pub produce_id: ProduceId,
    /// The producer's security data.
    #[serde(rename = "ReservedCode1")]
    pub reserved_code_1: String,
    /// Provider code of the service that spreads the content.
    #[serde(rename = "ContentPropagator")]
    pub content_propagator: String,
    /// The propagator's unique id of this content.
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    /// The propagator's security data.
    #[serde(rename = "ReservedCode2")]
    pub reserved_code_2: String,
}
