//! An invisible mark that says which ledger row a picture belongs to.
//!
//! WIP
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod detect;
mod embed;
mod error;
mod key;
mod pattern;
mod polar;
mod size;
mod tile;
mod view;

pub use detect::{Detection, detect};
pub use embed::{Embedded, embed};
pub use error::Error;
pub use key::{Id, Key};
pub use size::{LEAST_SIDE, MOST_PIXELS};
