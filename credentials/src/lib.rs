//! Content Credentials: signed manifests of the C2PA (version 2 of its specification), written and verified.
//!
//! Contract: [`embed`] puts a manifest into a finished file and is the last to change it: the manifest covers every other byte, and
//! the file is handed out only if it verifies. [`sidecar`] does the same for a file that cannot carry one. [`verify`] judges any bytes:
//! it never panics, allocates no more than a small multiple of the file, and answers with coded statuses rather than an error. The same
//! file, statement and signer give the same bytes: the time in a manifest is that of the ProduceID. No threads, clocks or I/O.
//!
//! ```text
//! PNG   signature IHDR iTXt [caBX] IDAT …    store "c2pa"
//! JPEG  SOI APP0 APP1 [APP11 "JP" …] …        └ manifest "urn:c2pa:…", ingredients' before ours
//! WebP  RIFF WEBP VP8X VP8L "XMP " ["C2PA"]      ├ c2pa.assertions: c2pa.ingredient.v3 …, c2pa.actions.v2,
//! other  beside it, NAME.c2pa                    │                  cawg.training-mining, c2pa.hash.data
//!                                                ├ c2pa.claim.v2: who made it, and the assertions' SHA-256
//!                                                └ c2pa.signature: COSE_Sign1, ES256 or Ed25519, with the chain
//! ```
//!
//! [`verify_time_stamp`] judges the signature of an RFC 3161 time stamp, such as one of a ledger's checkpoint.
//!
//! A signature says that whoever has the key vouches for the bytes. Who that is, is a matter of trust: [`Trust`]. The time is the machine's
//! own; no time-stamping authority is asked, and the report says so.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod actions;
mod carrier;
mod cbor;
mod certificate;
mod cose;
mod error;
mod ingredient;
mod jumbf;
mod manifest;
mod names;
mod pem;
mod signer;
mod status;
mod test_certificate;
mod time_stamp;
mod verify;

pub use actions::Change;
pub use error::Error;
pub use ingredient::{Ingredient, Relationship, Source};
pub use manifest::{Deed, Statement, TrainingUse, embed, remove, sidecar};
pub use signer::Signer;
pub use status::{StatusCode, Weight};
pub use test_certificate::make_test_certificate;
pub use time_stamp::{TimeStampSignature, verify_time_stamp};
pub use verify::{Anchors, IngredientReport, Report, Status, Trust, Verdict, verify, verify_sidecar};
