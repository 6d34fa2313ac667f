use crate::container::{self, Payload};
use crate::security::{self, Party, Security};
use crate::value::{self, Place};
use crate::{Finding, Severity, packet};
use serde::Serialize;
use spec::FileFormat;
use spec::ImplicitLabel;

/// Label values kept in a report.
const RAW_LIMIT: usize = 8;

/// The verdict on a file's implicit label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelVerdict {
    /// Exactly one label, and it breaks no rule that is checked.
    Compliant,
    /// A label that breaks a rule, or more than one.
    Noncompliant,
    /// The file could be read, and has none.
    NotFound,
    /// The file, or a place where a label may stand, could not be read.
    Inconclusive,
}

/// The seven values as they stand in the file. Other producers' values need not fit [`ImplicitLabel`]: a `ProduceID` is only a
/// string to the standard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "named after the keys of the standard, see spec::ImplicitLabel")]
pub struct LabelValues {
    #[serde(rename = "Label")]
    pub label: String,
    #[serde(rename = "ContentProducer")]
    pub content_producer: String,
    #[serde(rename = "ProduceID")]
    pub produce_id: String,
    #[serde(rename = "ReservedCode1")]
    pub reserved_code_1: String,
    #[serde(rename = "ContentPropagator")]
    pub content_propagator: String,
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    #[serde(rename = "ReservedCode2")]
    pub reserved_code_2: String,
}

impl LabelValues {
    pub(crate) fn all(&self) -> [&str; 7] {
        [
            &self.label,
            &self.content_producer,
            &self.produce_id,
            &self.reserved_code_1,
            &self.content_propagator,
            &self.propagate_id,
            &self.reserved_code_2,
        ]
    }
}

/// What a file's metadata says about its label. The explicit label, being pixels, is not read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelReport {
    /// The format that the bytes announce.
    pub format: Option<FileFormat>,
    /// What the findings come to.
    pub verdict: LabelVerdict,
    /// In the order in which they were met, each once.
    pub findings: Vec<Finding>,
    /// The values of the first label.
    pub values: Option<LabelValues>,
    /// The first label, where its values fit Danqing's own type (its `ProduceID` is a UUID).
    pub label: Option<ImplicitLabel>,
    /// The signature in `ReservedCode1`, over the producer's fields of [`Self::values`].
    pub producer_security: Security,
    /// The signature in `ReservedCode2`, over the propagator's.
    pub propagator_security: Security,
    /// The texts of the labels, at most eight.
    pub raw: Vec<String>,
}

/// Reads and judges the implicit label of a file. Never panics, and takes time linear in the file.
pub fn read_labels(bytes: &[u8]) -> LabelReport {
    let mut report = LabelReport {
        format: container::format_of(bytes),
        verdict: LabelVerdict::Inconclusive,
        findings: Vec::new(),
        values: None,
        label: None,
        producer_security: Security::Absent,
        propagator_security: Security::Absent,
        raw: Vec::new(),
    };
    let mut labels = 0;
    if let Some(format) = report.format {
        let metadata = container::walk(format, bytes);
        report.add_findings(metadata.findings);
        for payload in metadata.payloads {
            labels += report.read_payload(payload);
        }
    } else {
        report.add_findings(vec![Finding::FormatUnknown]);
    }
    if labels > 1 {
        report.add_findings(vec![Finding::DuplicateLabel]);
    }
    report.check_signatures();
    report.verdict = verdict(&report.findings, labels);
    report.label = report.values.as_ref().and_then(value::to_label);
    report
}

fn verdict(findings: &[Finding], labels: usize) -> LabelVerdict {
    let any = |severity| findings.iter().any(|finding| finding.severity() == severity);
    if labels > 0 && any(Severity::Violation) {
        LabelVerdict::Noncompliant
    } else if any(Severity::Doubt) {
        LabelVerdict::Inconclusive
    } else if labels > 0 {
        LabelVerdict::Compliant
    } else {
        LabelVerdict::NotFound
    }
}

impl LabelReport {
    fn add_findings(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    fn check_signatures(&mut self) {
        let Some(values) = &self.values else { return };
        self.producer_security = security::check(values, Party::Producer);
        self.propagator_security = security::check(values, Party::Propagator);
        let findings = [&self.producer_security, &self.propagator_security].into_iter().filter_map(|security| match security {
            Security::Invalid => Some(Finding::SignatureInvalid),
            Security::Unsupported { .. } => Some(Finding::SignatureUnsupported),
            _ => None,
        });
        let findings = findings.collect();
        self.add_findings(findings);
    }

    /// Number of labels in it.
    fn read_payload(&mut self, payload: Payload<'_>) -> usize {
        match payload {
            Payload::Packet(_) | Payload::Document(_) => {
                let reading = match payload {
                    Payload::Document(bytes) => packet::read_document(bytes),
                    Payload::Packet(bytes) => packet::read(bytes),
                    _ => return 0,
                };
                self.add_findings(reading.findings);
                for text in &reading.values {
                    self.add_label(text, Place::Xmp);
                }
                reading.values.len()
            }
            Payload::Text(bytes) => {
                self.add_findings(vec![Finding::PlacementAlternative]);
                self.add_label(&String::from_utf8_lossy(bytes), Place::Elsewhere);
                1
            }
            Payload::Value(text) => {
                self.add_label(&text, Place::Keyed);
                1
            }
            Payload::Exif(block) => {
                let Some(text) = user_comment(block) else {
                    return 0;
                };
                self.add_findings(vec![Finding::PlacementAlternative]);
                self.add_label(&text, Place::Elsewhere);
                1
            }
        }
    }

    fn add_label(&mut self, text: &str, place: Place) {
        let (values, findings) = value::read(text, place);
        self.add_findings(findings);
        if self.values.is_none() {
            self.values = values;
        }
        if self.raw.len() < RAW_LIMIT {
            self.raw.push(text.to_owned());
        }
    }
}

/// The label in an EXIF UserComment (image guide annex B): eight bytes `ASCII\0\0\0`, then the JSON object. It is found by
/// that marker rather than through the directory, so that a damaged directory does not hide it.
fn user_comment(block: &[u8]) -> Option<String> {
    const MARKER: &[u8] = b"ASCII\0\0\0{\"AIGC\"";
    const BEFORE_OBJECT: usize = 8;
    let start = block.windows(MARKER.len()).position(|window| window == MARKER)?;
    let text = String::from_utf8_lossy(block.get(start + BEFORE_OBJECT..)?);
    // The value's length stands in the directory; the JSON object ends by itself.
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<serde::de::IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => text.get(..values.byte_offset()).map(str::to_owned),
        _ => Some(text.into_owned()),
    }
}
