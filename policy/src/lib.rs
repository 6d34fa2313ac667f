//! The policy gates: a request in, a [`Cleared`] request or a [`Refusal`] out; an artifact in, a [`Screened`] or a [`Withheld`] one out.
//!
//! Contract: [`Gate::clear`] is the only way to a [`Cleared`]. A refusal is a value: it names the rule, the risk class of
//! GB/T 45654-2025 annex A, the lexicon and its version, and quotes the user's own words with their byte offsets. The same
//! request and lexicons give the same verdict.
//!
//! A text is first brought to one form ([`normalise`]), and beside it to a few others ([`View`]): digits as letters, numerals
//! as digits, split characters put together, sounds. A rule says in which of them it is asked. Each
//! character of a form is looked up once among the terms: time grows with the text and its matches, the longest term, and the
//! logarithm of the number of terms.
//!
//! An artifact is shown to the [`Examiner`] of its kind of work ([`ArtifactGate`]): pictures to classifiers ([`PictureExaminer`]); which
//! ones, and where they run, is their owner's business. Where there is nothing to examine, a [`StatedRule`] takes an examiner's place, and
//! every screening names it. A kind with neither does not leave.
//!
//! Lexicons come as signed packages ([`Package`], [`Trust`]) or single TOML files, and can be replaced while the gate is in use
//! ([`LiveGate`]). [`Bank`] measures a gate against the thresholds of the standard ([`standard`]), [`Account`] counts what an
//! account was refused.
//!
//! What it does not do: it reads words, not meaning. Other readings of a character, other languages than Chinese and English,
//! and paraphrase pass, unless a lexicon lists them.
//!
//! No clocks and no threads; the only I/O is reading and writing lexicons.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod artifact;
mod bank;
mod class;
mod coverage;
mod error;
mod finding;
mod gate;
mod import;
mod lexicon;
mod live;
pub mod normalise;
mod prompt;
mod screen;
pub mod standard;
mod strikes;
mod view;
mod wording;

pub use artifact::{
    Answer, ArtifactGate, DESIGNS_BY_RULE, Examined, Examiner, ImageClassifier, ImageRule, MalformedAnswer, OnFailure,
    PICTURES_SWITCHED_OFF, PictureExaminer, Screened, StatedRule, Withheld,
};
pub use bank::{Aspect, Bank, BankKind, DRAFT, Judgement, Miss, Outcome, Question, Report, Subject, Tally, draft_bank};
pub use class::RiskClass;
pub use coverage::{Coverage, coverage, lexicon_checks, terms_by_class};
pub use error::Error;
pub use finding::Finding;
pub use gate::{Clearance, Cleared, Gate, OnReview, Refusal};
pub use import::{Import, ImportFormat, ImportOptions, import};
pub use lexicon::package::{Package, sign_package};
pub use lexicon::signature::{Origin, PublicKey, SecretKey, Trust};
pub use lexicon::{Companions, Field, Lexicon, MatchType, Order, Rule, Severity};
pub use live::{LiveGate, LiveSettings};
pub use prompt::{MAXIMUM_PROMPT_CHARACTERS, validate_prompt};
pub use spec::{Date, NotADate};
pub use strikes::{Account, Attempt, Standing, StrikeLimits, Suspension, SuspensionCause};
pub use view::View;
