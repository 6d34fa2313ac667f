//! The sentence: request → policy gate → model → sampler → decode → image gate → label → store → log.
//!
//! # Contract
//! * [`Studio`] is the only place that knows the order. What it hands out is [`Released`]: labelled, recorded, and on disk under
//!   its final name. A refusal is handed out as a value, and it is recorded too, as is a picture that the image gate withheld: [`Withheld`].
//! * [`Copies`] does the same for files that are there already: passed on or converted, their labels kept.
//! * A picture is either recorded and released, or absent; after a crash the next [`Studio::open`] on the folder settles which.
//! * While generation is stopped ([`Switch`]) nothing is cleared, rendered, recorded or released, passed on or converted; every step of the
//!   denoiser asks.
//! * A suspended account is told so; it is suspended by its recorded refusals, and its withheld pictures that count as one, alone.
//! * A picture without explicit label leaves only through [`Studio::copy`], which needs a `ledger::Article9Grant`.
//! * Calls block the calling thread.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod copies;
mod error;
#[cfg(test)]
mod killed;
mod strikes;
mod studio;
mod switch;

pub use copies::{Copies, PassingOn, ReleasedCopy};
pub use error::{Error, Result};
pub use strikes::check as check_account;
pub use studio::{
    Build, CopyOutcome, Delivery, LEDGER_FILE, Names, Outcome, RecordOptions, Refused, Released, Studio, StudioOptions, Timing,
};
pub use studio::{Withheld, random_seed};
pub use switch::Switch;
