//! Judging the manifest of any file.

mod ingredient;
mod manifest;
mod report;

pub use report::{IngredientReport, Report, Status, Trust, Verdict};

use crate::carrier::{Carrier, Search};
use crate::{Error, StatusCode, jumbf, names, pem};
use ingredient::Seen;
use manifest::Check;
use spec::Timestamp;
use std::ops::Range;

/// Certificates that are trusted to vouch for signers: of CAs, or of signers themselves.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Vec<Vec<u8>>);

impl Anchors {
    /// The certificates of a PEM file.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        match pem::certificates(text) {
            Some(ders) if !ders.is_empty() => Ok(Self(ders)),
            _ => Err(Error::CertificateUnusable {
                english: "there is no readable certificate in PEM", chinese: "没有可读取的 PEM 证书"
            }),
        }
    }

    /// These and those.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub(crate) fn ders(&self) -> &[Vec<u8>] {
        &self.0
    }
}

/// Reads and judges the manifest inside a file, at the time `now`, and those of its ingredients that came with it. Never panics, and takes
/// time linear in the file.
pub fn verify(bytes: &[u8], anchors: &Anchors, now: Timestamp) -> Report {
    match find(bytes) {
        Ok(None) => Report::default(),
        Ok(Some((store, region))) => judge(bytes, &store, region, anchors, now),
        Err(code) => {
            let mut report = Report::default();
            report.add(code, "");
            report.conclude();
            report
        }
    }
}

/// Reads and judges the manifest store that lies beside a file.
pub fn verify_sidecar(bytes: &[u8], store: &[u8], anchors: &Anchors, now: Timestamp) -> Report {
    judge(bytes, store, 0..0, anchors, now)
}

/// The store inside a file, or else that beside it, and the report on it.
pub(crate) fn with_store(bytes: &[u8], sidecar: Option<&[u8]>, anchors: &Anchors, now: Timestamp) -> Option<(Vec<u8>, Report)> {
    let (store, region) = match find(bytes).ok()? {
        Some(found) => found,
        None => (sidecar?.to_vec(), 0..0),
    };
    let report = judge(bytes, &store, region, anchors, now);
    Some((store, report))
}

type Found = (Vec<u8>, Range<usize>);

fn find(bytes: &[u8]) -> Result<Option<Found>, StatusCode> {
    let Some(carrier) = Carrier::of(bytes) else { return Ok(None) };
    match carrier.find(bytes) {
        Search::Found(located) => Ok(Some((located.store.into_owned(), located.region))),
        Search::Absent => Ok(None),
        Search::Several => Err(StatusCode::ManifestSeveral),
        Search::Damaged if carrier.announces(bytes) => Err(StatusCode::ManifestDamaged),
        Search::Damaged => Err(StatusCode::FileCutShort),
    }
}

fn judge(bytes: &[u8], store: &[u8], region: Range<usize>, anchors: &Anchors, now: Timestamp) -> Report {
    let mut report = Report::default();
    match jumbf::read(store) {
        Some(parsed) if parsed.is(jumbf::STORE) && parsed.label == names::STORE => {
            let (file, mut seen) = (Some((bytes, region)), Seen::default());
            Check { file, store: &parsed, anchors, now, manifest: "", seen: &mut seen, report: &mut report }.active_manifest();
        }
        _ => report.add(StatusCode::ManifestMalformed, ""),
    }
    report.conclude();
    report
}
