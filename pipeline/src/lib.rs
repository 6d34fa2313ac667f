//! The sentence: request → policy gate → model → sampler → decode → image gate → label → store → log.
//!
//! # Contract
//! * [`Studio`] is the only place that knows the order. What it hands out is [`Released`]: labelled, recorded, and on disk under
//!   its final name. A refusal is handed out as a value, and it is recorded too, as is a picture that the image gate withheld: [`Withheld`].
//! * [`Copies`] does the same for files that are there already: passed on or converted, their labels kept.
//! * A picture is either recorded and released, or absent; after a crash the next [`Studio::open`] on the folder settles which.
//! * Calls block the calling thread.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod c2pa;
mod copies;
mod error;
mod image_safety;
mod key_file;
mod label_key;
mod models;
mod studio;
mod watermark_key;

pub use c2pa::{Certificate, CredentialsOptions, TEST_CERTIFICATE_FILE};
pub use copies::{Copies, PassingOn, ReleasedCopy};
pub use error::{Error, Result};
pub use image_safety::{BUILTIN_CLASSIFIER, ClassifierSettings, ImageSafety, LabelSettings, ScreeningSettings, read_picture};
pub use label_key::LabelSigning;
pub use models::{DEFAULT_MODEL, find_model};
pub use studio::{Delivery, LEDGER_FILE, Names, Outcome, Refused, Released, Studio, StudioOptions, Timing, Withheld, random_seed};
pub use watermark_key::read_watermark_key;
