//! Nouns shared by every room. No I/O, no threads but those of [`Threads`], no clocks but the [`Clock`] port.
//!
//! The sentence `request → gate → model → sampler → decode → examine → mark → store → log → release` passes from crate to crate as
//! *stages*: traits in [`stage`] whose single implementation lives in the crate that earns the stage. A function that
//! takes `impl Labelled` can only be called with what `provenance` made; "store a file without its labels" does not compile.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod artifact;
mod clock;
mod code;
mod date;
mod digest;
mod file_format;
pub mod hexadecimal;
pub mod job;
mod kind_of_work;
mod label;
mod model;
mod picture;
mod ports;
mod produce_id;
mod relabelling;
mod request;
mod screening;
pub mod stage;
mod threads;
mod uuid;
mod verdict;

pub use artifact::{Artifact, Design, Surface};
pub use clock::{Clock, SystemClock, Timestamp};
pub use code::Code;
pub use date::{Date, NotADate};
pub use digest::{ParseDigestError, Sha256Digest};
pub use file_format::FileFormat;
pub use kind_of_work::{KindOfWork, UnknownFormat};
pub use label::{ImplicitLabel, LabelKind};
pub use model::ModelIdentity;
pub use picture::{Picture, PictureError};
pub use ports::{Beside, JobQueue, LogStorage, PortError, Secret, SecretId, StorageFault};
pub use produce_id::{ParseProduceIdError, ProduceId};
pub use relabelling::{Operation, Relabelling};
pub use request::{Asked, DesignRequest, PictureRequest, Request, Run, RunPrecision, Speed, Texts, UnknownPrecision, UnknownSpeed};
pub use screening::{ClassifierResult, ImageScore, Screening, ScreeningDecision};
pub use threads::Threads;
pub use verdict::{Reason, Verdict};
