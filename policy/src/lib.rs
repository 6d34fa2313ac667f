//! The policy gate: a request in, a [`Cleared`] request or a [`Refusal`] out.
//!
//! Contract: [`Gate::clear`] is the only way to a [`Cleared`]. A refusal is a value: it names the rule, the risk class of
//! GB/T 45654-2025 annex A, the lexicon and its version, and quotes the user's own words with their byte offsets. The same
//! request and lexicons give the same verdict.
//!
//! A text is first brought to one form ([`normalise`]): compatibility forms, letter case, accents, invisible characters and
//! traditional characters stop making a difference, and so do separators between the characters of a Chinese term.
//! One automaton then reads it once; time and memory grow linearly with the text and its matches.
//!
//! What it does not do: it reads words, not meaning. Homophones, look-alike letters of other alphabets, other languages
//! than Chinese and English, and paraphrase pass the built-in lexicon.
//!
//! No threads and no clocks; the only I/O is reading a user's lexicon file.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod class;
mod error;
mod gate;
mod lexicon;
pub mod normalise;
mod prompt;
mod screen;
mod traditional;

pub use class::RiskClass;
pub use error::Error;
pub use gate::{Cleared, Decision, Gate, Refusal};
pub use lexicon::{Field, Lexicon, Rule};
pub use prompt::{MAXIMUM_PROMPT_CHARACTERS, validate_prompt};
