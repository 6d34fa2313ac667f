//! The sentence: request → gate → model → sampler → decode → examine → mark → store → log → release.
//!
//! # Contract
//! * [`Admission`] is the door, shared by every front (`&self`): limits, the account's standing, the gate, then the queue. A refusal is handed
//!   out as a value, and it is recorded too.
//! * [`Worker`] is one thread that owns the models. It leases work of equal shape from a [`spec::JobQueue`], has it cleared again under the
//!   lexicons of that moment, makes it, and catches a panic at the job's edge.
//! * [`Chain`] is the sentence behind the model. What it hands out is [`Released`]: labelled, recorded, and on disk under its final
//!   name; or [`Withheld`]: recorded, and gone.
//! * [`DerivedFiles`] does the same for files that are there already: passed on or converted, their labels kept.
//! * An account belongs to a call, not to the process: one ledger handle ([`SharedLedger`]) serves everybody.
//! * An artifact is either recorded and released, or absent; after a crash the next [`Chain::open`] on the folder settles which. An item of
//!   a job has one id for ever, so it is recorded and released at most once.
//! * While generation is stopped ([`Switch`]) nothing is cleared, generated, recorded or released, passed on or converted; every step of
//!   the denoiser asks.
//! * A suspended account is told so; it is suspended by its recorded refusals, and its withheld artifacts that count as one, alone.
//! * A picture without explicit label leaves only through [`Worker::unlabelled_copy`], which needs a `ledger::Article9Grant`.
//! * Calls block the calling thread. A worker has one more thread while it works, which extends its lease.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod admission;
mod chain;
mod derived;
mod error;
mod ids;
#[cfg(test)]
mod killed;
mod limits;
mod order;
mod outcome;
mod shared_ledger;
mod strikes;
mod switch;
mod user_file;
pub mod verification;
mod worker;

pub use admission::{Admission, Submission};
pub use chain::{Chain, ChainOptions};
pub use derived::{DerivedFiles, PassingOn, ReleasedDerivedFile};
pub use error::{Error, Result};
pub use ids::{new_job_id, random_seed};
pub use order::{JobTerms, Names, Order};
pub use outcome::{Clearance, Refused, Released, Settled, Timing, UnlabelledCopy, Withheld};
pub use shared_ledger::{RecordOptions, SharedLedger};
pub use strikes::check as check_account;
pub use switch::Switch;
pub use user_file::{MOST_FILE_BYTES, read_user_file};
pub use worker::{OpenModel, Watcher, Worker};

use ids::{file_name, new_id};

/// Name of the ledger beside the files.
pub const LEDGER_FILE: &str = "danqing-ledger.sqlite";

/// A part that is built when it is first needed.
pub type Build<'a, T> = Box<dyn FnOnce() -> Result<T> + Send + 'a>;

/// Where the tests kill the process; nothing in a build.
#[cfg(not(test))]
#[inline]
fn failpoint(_step: &str) {}

#[cfg(test)]
use crate::killed::failpoint;
