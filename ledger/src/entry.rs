use crate::merkle::leaf_hash;
use crate::versions;
use crate::{Application, Approval, Decision, Delivery, Error, Result, Sealed, Shredding, Suspension};
use serde::{Deserialize, Serialize};
use spec::stage::{Origin, Production, Stored};
use spec::{Asked, FileFormat, ModelIdentity, ProduceId, Relabelling, Request, Screening, Sha256Digest, Timestamp, Verdict};

/// Format of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Version {
    /// Pictures and refusals, all in clear text; read, and no longer written.
    #[serde(rename = "danqing.ledger.v1")]
    V1,
    /// Pictures alone, personal fields sealed; read, and no longer written.
    #[serde(rename = "danqing.ledger.v2")]
    V2,
    /// The format drawn in the crate's documentation.
    #[serde(rename = "danqing.ledger.v3")]
    V3,
}

/// One entry of the ledger. Its JSON, in this order of keys, is the leaf of the newest version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Format.
    pub version: Version,
    /// Place in the ledger, from 0.
    pub index: u64,
    /// When it was appended.
    pub time: Timestamp,
    /// What happened.
    pub record: Record,
    /// Its personal fields, sealed; `None` where the ledger was opened without a vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<Sealed>,
}

/// What an entry records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A labelled picture was produced.
    Produced(Box<Produced>),
    /// The policy gate refused a request.
    Refused(Refused),
    /// A file was made from another one: passed on, or converted.
    Relabelled(Box<Copied>),
    /// A picture was made, and the image gate withheld it.
    Withheld(Box<Withheld>),
    /// An officer stopped generation.
    Stopped(Decision),
    /// An officer ended the stop.
    Resumed(Decision),
    /// An account was suspended.
    Suspended(Suspension),
    /// An officer ended the suspension.
    Lifted(Decision),
    /// Somebody applied for an unlabelled copy.
    Applied(Application),
    /// An officer approved it.
    Approved(Approval),
    /// It was made.
    Delivered(Delivery),
    /// The keys of old records were destroyed.
    Shredded(Shredding),
}

/// A picture and all that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Produced {
    /// The id in its implicit label.
    pub produce_id: ProduceId,
    /// The file name under which it is released.
    pub release_name: String,
    /// SHA-256 of the file, which carries both labels.
    pub content_sha256: Sha256Digest,
    /// Length of the file in bytes.
    pub byte_length: u64,
    /// File format.
    pub format: FileFormat,
    /// Text of the explicit label.
    pub explicit_label: String,
    /// Whether the pixels carry an invisible watermark with the id's `ProduceId::mark`; records from before there was one do not
    /// say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watermarked: bool,
    /// This picture's own seed.
    pub seed: u64,
    /// The weights.
    pub model: ModelIdentity,
    /// The prompt and every parameter.
    pub request: Request,
    /// What the policy gate found.
    pub verdict: Verdict,
    /// What classifiers said of the picture; records from before pictures were screened do not say so, and one without results says
    /// that screening was off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screening: Option<Screening>,
}

/// A file made from another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// The file name under which it is released.
    pub release_name: String,
    /// What was done, and what the label says.
    #[serde(flatten)]
    pub relabelling: Relabelling,
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// The request.
    pub request: Request,
    /// Why it was refused.
    pub verdict: Verdict,
}

/// A picture that did not leave. Request, seed and weights say what it was; it got no id, and nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    /// This picture's own seed.
    pub seed: u64,
    /// The weights.
    pub model: ModelIdentity,
    /// The prompt and every parameter.
    pub request: Request,
    /// What the policy gate found.
    pub verdict: Verdict,
    /// What classifiers said of the picture.
    pub screening: Screening,
    /// Whether it counts against the account, as a refusal does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strike: bool,
}

impl Record {
    /// The kind, as the leaf names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Produced(_) => "produced",
            Self::Refused(_) => "refused",
            Self::Relabelled(_) => "relabelled",
            Self::Withheld(_) => "withheld",
            Self::Stopped(_) => "stopped",
            Self::Resumed(_) => "resumed",
            Self::Suspended(_) => "suspended",
            Self::Lifted(_) => "lifted",
            Self::Applied(_) => "applied",
            Self::Approved(_) => "approved",
            Self::Delivered(_) => "delivered",
            Self::Shredded(_) => "shredded",
        }
    }

    pub(crate) fn withheld(origin: &dyn Origin, screening: &Screening, strike: bool) -> Self {
        Self::Withheld(Box::new(Withheld {
            seed: origin.seed(),
            model: origin.model().clone(),
            request: origin.request().clone(),
            verdict: origin.verdict().clone(),
            screening: screening.clone(),
            strike,
        }))
    }

    /// What people wrote and the words that verdicts quote of it, in the order of the leaf.
    pub(crate) fn texts(&mut self) -> Vec<&mut String> {
        let (request, verdict) = match self {
            Self::Produced(produced) => (&mut produced.request, &mut produced.verdict),
            Self::Delivered(delivery) => (&mut delivery.picture.request, &mut delivery.picture.verdict),
            Self::Refused(refused) => (&mut refused.request, &mut refused.verdict),
            Self::Withheld(withheld) => (&mut withheld.request, &mut withheld.verdict),
            _ => return Vec::new(),
        };
        let (Verdict::Pass { reviews: reasons, .. } | Verdict::Refuse { reasons, .. }) = verdict;
        let texts = &mut request.texts;
        let prompts = std::iter::once(&mut texts.prompt).chain(&mut texts.original_prompt).chain([&mut texts.negative_prompt]);
        // Beside the prompts: what a kind of work is asked by.
        let problem = match &mut request.asked {
            Asked::Picture(_) => None,
            Asked::Design(design) => Some(&mut design.problem),
        };
        prompts.chain(problem).chain(reasons.iter_mut().map(|reason| &mut reason.quote)).collect()
    }
}

impl Produced {
    pub(crate) fn of(stored: &impl Stored, production: Production<'_>) -> Self {
        let (labelled, origin) = (stored.labelled(), production.origin);
        Self {
            produce_id: stored.produce_id(),
            release_name: stored.release_name().to_owned(),
            content_sha256: labelled.content_sha256(),
            byte_length: labelled.bytes().len() as u64,
            format: labelled.format(),
            explicit_label: production.explicit_label.to_owned(),
            watermarked: production.watermarked,
            seed: origin.seed(),
            model: origin.model().clone(),
            request: origin.request().clone(),
            verdict: origin.verdict().clone(),
            screening: Some(production.screening.clone()),
        }
    }
}

impl Entry {
    /// The picture that this entry records, if it records one: labelled, or an unlabelled copy.
    pub fn produced(&self) -> Option<&Produced> {
        match &self.record {
            Record::Produced(produced) => Some(produced),
            Record::Delivered(delivery) => Some(&delivery.picture),
            _ => None,
        }
    }

    /// The file made from another one that this entry records, if it records one.
    pub fn copied(&self) -> Option<&Copied> {
        match &self.record {
            Record::Relabelled(copied) => Some(copied),
            _ => None,
        }
    }

    /// The id of the file that this entry records.
    pub fn id(&self) -> Option<ProduceId> {
        self.produced().map(|produced| produced.produce_id).or_else(|| self.copied().map(|copied| copied.relabelling.id))
    }

    /// SHA-256 of the file that this entry records.
    pub fn content_sha256(&self) -> Option<Sha256Digest> {
        let copied = self.copied().map(|copied| copied.relabelling.content_sha256);
        self.produced().map(|produced| produced.content_sha256).or(copied)
    }

    /// The name under which the file that this entry records is released.
    pub fn release_name(&self) -> Option<&str> {
        let copied = self.copied().map(|copied| copied.release_name.as_str());
        self.produced().map(|produced| produced.release_name.as_str()).or(copied)
    }

    /// The leaf's exact bytes. An error for values that JSON cannot hold.
    pub fn to_leaf(&self) -> Result<Vec<u8>> {
        let unrecordable = |error: serde_json::Error| Error::Unrecordable(error.to_string());
        let leaf = versions::write(self).map_err(unrecordable)?;
        // JSON turns a number that is not finite into null: found here, and not when somebody verifies.
        if Self::from_leaf(&leaf).is_some_and(|entry| entry == *self) {
            Ok(leaf)
        } else {
            Err(Error::Unrecordable("a number is not finite / 含有非有限数值".to_owned()))
        }
    }

    /// Reads a leaf back; `None` unless it is exactly what [`Self::to_leaf`] writes.
    pub fn from_leaf(leaf: &[u8]) -> Option<Self> {
        let entry = versions::read(leaf)?;
        (versions::write(&entry).ok()? == leaf).then_some(entry)
    }
}

/// What the storage keeps for a leaf: its hash, then the leaf.
pub fn to_row(hash: Sha256Digest, leaf: &[u8]) -> Vec<u8> {
    [&hash.0[..], leaf].concat()
}

/// A row taken apart: the hash that is recomputed from the leaf, and the leaf; `None` if the kept hash is another.
pub fn open_row(row: &[u8]) -> Option<(Sha256Digest, &[u8])> {
    let (kept, leaf) = row.split_first_chunk::<32>()?;
    let hash = leaf_hash(leaf);
    (hash.0 == *kept).then_some((hash, leaf))
}
