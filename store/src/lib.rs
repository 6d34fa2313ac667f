//! Where pictures and the ledger's leaves are kept.
//!
//! # The outbox
//!
//! [`Outbox`] takes a labelled file to its place in a folder in two steps, so that a name which a user can see always
//! stands for a whole, labelled and recorded picture:
//!
//! ```text
//! put      .danqing-<ProduceID>.part   written, flushed to disk, locked; nobody sees it
//!   …the ledger records it…
//! release  <release name>              the same file, renamed; an existing file is never overwritten unless asked
//! ```
//!
//! [`ReleaseName`] says what a file may be called: never as a ledger, a key, or another file that an installation lives by, never with the
//! ending of another format, and never so long that a suffix would not fit. [`write_output`] asks the first of it for every other file.
//!
//! A derived file's C2PA manifest that its file cannot carry waits as `.danqing-<ProduceID>.part.c2pa` and is renamed just before the file, or removed
//! with it.
//!
//! [`Outbox::put`] accepts only `spec::stage::Labelled`, [`Outbox::release`] only `spec::stage::Recorded`. A [`Stored`]
//! that is dropped before the ledger knows it is removed. What a crash leaves behind, the next [`Outbox::open`] on that
//! folder settles: recorded files are released, others removed. One that it cannot settle is told and left, and hinders nobody. A `.part` file that a living
//! process holds is left alone
//! (it is locked for as long as its [`Stored`] lives).
//!
//! # The log
//!
//! [`SqliteLog`] is the `spec::LogStorage` that survives the process, one SQLite file; any number of processes may read
//! and append. [`MemoryLog`] is the one that does not, for tests. Both pass one conformance suite. The layout of the
//! database is drawn at [`SqliteLog`].
//!
//! # The queue
//!
//! [`SqliteQueue`] is the `spec::JobQueue` that survives the process, one SQLite file of its own; any number of threads and processes of one
//! machine share it. Its tables are drawn there. [`MemoryQueue`] is the one for the work of one process. Both pass one conformance
//! suite.
//!
//! Everything here blocks on the disk and may be called from any one thread at a time; the queues, from any number at once.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod error;
mod guards;
mod memory_log;
mod memory_queue;
mod outbox;
mod output;
mod part;
mod release_name;
mod schema;
mod secrets;
mod sqlite_log;
mod sqlite_queue;

pub use error::{Error, Result};
pub use memory_log::MemoryLog;
pub use memory_queue::MemoryQueue;
pub use outbox::{Existing, LeftOver, Outbox, Recovery, prepare_folder};
pub use output::{check_output, create_output, write_output};
pub use part::{Stored, sidecar};
pub use release_name::ReleaseName;
pub use sqlite_log::SqliteLog;
pub use sqlite_queue::SqliteQueue;
