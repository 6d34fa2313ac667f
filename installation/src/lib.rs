//! What an installation sets once — `danqing.toml`, keys, certificates, classifiers, models — and the parts that are built from it.
//!
//! # Contract
//! * [`Configuration`] reads the file, checks it, and builds the parts that `pipeline` puts in order. Nothing else reads `danqing.toml`.
//! * A key is made only by what writes with it. Whatever reads alone never makes one.
//! * A classifier behind HTTP gets pictures and gives scores; whatever else it does is no answer.
//! * Calls block the calling thread.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod certificate;
mod classifiers;
mod configuration;
mod error;
mod first_use;
mod keys;
mod models;
mod parts;
mod picture_input;
mod start;

pub use classifiers::{BUILTIN_CLASSIFIER, ClassifierSettings, ImageSafety, LabelSettings, ScreeningSettings};
pub use configuration::{AgreementFile, Configuration, trust};
pub use error::{Error, Result};
pub use first_use::{FirstUse, Made};
pub use models::{DEFAULT_MODEL, SOLVER, find_model};
pub use parts::{Parts, PartsOptions};
pub use picture_input::read_picture;
pub use start::{Start, Started};
