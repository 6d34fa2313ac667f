//! What a file's marks say, what the ledger knows of it, and the one rule that judges both.
//!
//! [`Checker::check`] looks at one file and [`check_all`] at many, in several threads; [`Checked::faults`] names all that speaks against a
//! file, and [`Checked::passes`] is the rule. Whoever shows the outcome translates it and decides nothing. Nothing here writes.

mod batch;
mod check;
mod fault;
mod manifest;

pub use batch::{check_all, files_below};
pub use check::{Checked, Checker, FoundMark, Known, Mark, Settings, SignerTrust, WatermarkSearch};
pub use fault::{Fault, Question, Tally};
pub use manifest::read_sidecar;
