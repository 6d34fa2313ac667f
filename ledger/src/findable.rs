//! What an entry is found by: the few fields of a leaf from which keys, tags and the index are made, read without the rest of it.

use crate::merkle::leaf_hash;
use serde::Deserialize;
use spec::{ProduceId, Sha256Digest, Timestamp};
use std::borrow::Cow;

/// The fields of one leaf, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findable<'leaf> {
    /// Its place.
    pub index: u64,
    /// When it was appended.
    pub time: Timestamp,
    /// SHA-256 of the leaf as RFC 6962 takes it.
    pub hash: Sha256Digest,
    /// The kind of record.
    pub kind: Cow<'leaf, str>,
    /// The file that it records, if it records one.
    pub file: Option<FoundFile>,
    /// Whether it counts against the account: a refusal, or a withheld artifact that is as one.
    pub strike: bool,
    /// The application that an approval or an unlabelled copy belongs to.
    pub application: Option<u64>,
    /// The pseudonym of the account.
    pub account: Option<Cow<'leaf, str>>,
}

/// A recorded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundFile {
    /// Its id.
    pub id: ProduceId,
    /// Its digest.
    pub content_sha256: Sha256Digest,
    /// Whether its pixels carry the id's `ProduceId::mark`.
    pub watermarked: bool,
}

#[derive(Deserialize)]
struct LeafFields<'leaf> {
    index: u64,
    time: Timestamp,
    #[serde(borrow)]
    record: RecordFields<'leaf>,
    #[serde(borrow, default)]
    personal: Option<PersonalFields<'leaf>>,
}

#[derive(Deserialize)]
struct RecordFields<'leaf> {
    #[serde(borrow)]
    kind: Cow<'leaf, str>,
    #[serde(default)]
    produce_id: Option<ProduceId>,
    #[serde(default)]
    id: Option<ProduceId>,
    #[serde(default)]
    content_sha256: Option<Sha256Digest>,
    #[serde(default)]
    watermarked: bool,
    #[serde(default)]
    strike: bool,
    #[serde(default)]
    application: Option<u64>,
    #[serde(default)]
    picture: Option<FileFields>,
}

#[derive(Deserialize)]
struct FileFields {
    produce_id: ProduceId,
    content_sha256: Sha256Digest,
    #[serde(default)]
    watermarked: bool,
}

#[derive(Deserialize)]
struct PersonalFields<'leaf> {
    #[serde(borrow, default)]
    account: Option<Cow<'leaf, str>>,
}

impl<'leaf> Findable<'leaf> {
    /// Reads a leaf's fields; `None` where it is no leaf.
    pub fn read(leaf: &'leaf [u8]) -> Option<Self> {
        let LeafFields { index, time, record, personal } = serde_json::from_slice(leaf).ok()?;
        let file = match &*record.kind {
            "produced" => file(record.produce_id, record.content_sha256, record.watermarked),
            "relabelled" => file(record.id, record.content_sha256, false),
            "delivered" => record.picture.and_then(|file_fields| {
                let FileFields { produce_id, content_sha256, watermarked } = file_fields;
                file(Some(produce_id), Some(content_sha256), watermarked)
            }),
            _ => None,
        };
        let strike = &*record.kind == "refused" || (&*record.kind == "withheld" && record.strike);
        let account = personal.and_then(|personal| personal.account);
        Some(Self { index, time, hash: leaf_hash(leaf), kind: record.kind, file, strike, application: record.application, account })
    }

    /// What the storage keeps the leaf under.
    pub fn key(&self) -> String {
        match (self.file, &*self.kind) {
            (Some(file), _) => file.id.to_string(),
            (None, "refused" | "withheld") => format!("{}:{}", self.kind, self.hash),
            (None, _) => format!("event:{}", self.hash),
        }
    }

    /// What else finds it in the storage, each tag once.
    pub fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        if let Some(FoundFile { id, content_sha256, watermarked }) = self.file {
            tags.push(format!("content:{content_sha256}"));
            tags.extend(watermarked.then(|| format!("mark:{:012x}", id.mark())));
        }
        let account = self.account.as_deref();
        match (&*self.kind, account) {
            ("produced" | "delivered", Some(account)) => tags.push(format!("picture:{account}")),
            ("refused" | "withheld", Some(account)) if self.strike => tags.push(format!("refusal:{account}")),
            ("suspended" | "lifted", Some(account)) => tags.extend(["standing".to_owned(), format!("standing:{account}")]),
            ("stopped" | "resumed", _) => tags.push("switch".to_owned()),
            ("applied", _) => tags.push("application".to_owned()),
            _ => {}
        }
        match (&*self.kind, self.application) {
            ("approved", Some(application)) => tags.push(format!("approval:{application}")),
            ("delivered", Some(application)) => tags.push(format!("delivery:{application}")),
            _ => {}
        }
        tags
    }
}

fn file(id: Option<ProduceId>, content_sha256: Option<Sha256Digest>, watermarked: bool) -> Option<FoundFile> {
    Some(FoundFile { id: id?, content_sha256: content_sha256?, watermarked })
}
