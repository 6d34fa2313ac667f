//! Filing documents made from the records.
//!
//! # Contract
//! * [`build`] writes every document as Markdown and DOCX into a new folder, whole or not at all. The same records give the same bytes.
//! * Nothing is invented: a value names the record that it was read from ([`Content::Filled`]); what no record says is a gap
//!   ([`Content::Gap`]), marked 【待补】 where it stands and listed on the cover with the clause that it belongs to.
//! * Every value carries its own [`Mark`]s wherever it stands: measured with a draft bank, out of date, below a number of the standard, a
//!   conclusion without or against a record.
//! * [`check`] compares the records with each other, with people's conclusions and with the numbers of the standards, and lists the gaps.
//!   [`Tally`] is the one count of them. That nothing is found does not mean that a service conforms: conclusions are people's, and stand in
//!   the subject file.
//! * Identifiers of the subject file and commands stand on the cover, which stays in the house, and in `records.json`; not in what is handed in.
//! * [`stop_report`] is the report on a stop of generation, from the ledger alone.
//! * Times are Beijing time and say so. Forms are Chinese throughout.
//! * The documents' headings follow secondary sources (`docs/compliance/open-questions.md`); the authority's current forms prevail.
//!
//! No threads, no clock: the day comes with the records.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bundle;
mod document;
mod documents;
mod docx;
mod error;
mod evaluation;
mod fields;
mod manifest;
mod markdown;
mod observations;
mod records;
mod subject;

pub use bundle::{Bundle, build};
pub use document::{Column, Content, Document, Element, Mark, Row};
pub use documents::{Stop, stop_report};
pub use docx::docx;
pub use error::Error;
pub use evaluation::{Evaluation, EvaluationCheck};
pub use fields::{FIELDS, Field};
pub use manifest::ManifestSummary;
pub use markdown::markdown;
pub use observations::{Observation, ObservationKind, Tally, check};
pub use records::{ClassifierRecord, DefaultOutput, Located, ModelRecord, Records};
pub use subject::Subject;
