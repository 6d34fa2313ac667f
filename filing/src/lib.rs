//! Filing documents drawn from the records.
//!
//! # Contract
//! * [`build`] writes every document as Markdown and DOCX into a new folder, whole or not at all. The same records give the same bytes.
//! * Nothing is invented: a value names the record that it was read from ([`Content::Filled`]); what no record says is a gap
//!   ([`Content::Gap`]), marked 【待补】 where it stands and listed on the cover with the clause that it belongs to.
//! * [`check`] compares the records with each other and with the numbers of the standards, and lists the gaps. That nothing is
//!   found does not mean that a service conforms: conclusions are people's, and stand in the subject file.
//! * The documents' headings follow secondary sources (`docs/compliance/open-questions.md`); the authority's current forms prevail.
//!
//! No threads, no clock: the day comes with the records.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bundle;
mod check;
mod document;
mod documents;
mod docx;
mod error;
mod evaluation;
mod fields;
mod manifest;
mod markdown;
mod records;
mod subject;

pub use bundle::{Bundle, build};
pub use check::{Finding, FindingKind, check};
pub use document::{Block, Content, Document, Row};
pub use error::Error;
pub use evaluation::{Evaluation, EvaluationCheck};
pub use fields::{FIELDS, Field};
pub use manifest::ManifestSummary;
pub use records::{Located, ModelRecord, Records};
pub use subject::Subject;
