//! An invisible mark that says which ledger row a picture came from, readable from copies whose metadata is gone.
//!
//! Contract: [`embed`] changes RGB pixels in place so little that the peak signal-to-noise ratio stays at or above
//! [`LEAST_PSNR`], reads the mark back before it hands the pixels over, and otherwise leaves them untouched and says why.
//! [`detect`] needs the key but not the unmarked picture, and survives compression, resizing by 0.5 to 2, cropping and changes of
//! level; a picture without a mark is an answer, not an error. Both are functions of their arguments alone: no
//! clocks, I/O or random numbers, and one order of summation whatever the number of threads. [`detect`] stays on the calling thread. Sizes that do not fit the buffer are errors.
//!
//! ```text
//! id (48 bits) + keyed check (32) → polar code (512) → keyed lines of a 72×72 tile's spectrum, beside a keyed pilot (110)
//!   → tile repeated over the picture, stronger where the picture is quiet → luminance
//! picture → band-pass → weights, by how quiet → folded onto one tile → spectrum → pilot: where? which scale? → list decoding → check
//! ```
//!
//! Embedding is informed: it looks at the picture as the detector will, and presses on the bits that the picture itself
//! speaks against. The lines lie between 3 and 14.4 periods per 72 pixels: halving the size keeps them, and JPEG
//! quantises them least.
//!
//! False positives: an unmarked picture, or one marked under another key, yields at most [`MOST_READINGS`] messages. Identifier and
//! check of each come from independent outputs of SHA-256 under a secret key, so that a check holds with probability
//! 2⁻³², and any of them with at most `MOST_READINGS` · 2⁻³² < 10⁻⁷ (union bound; no independence of the readings is needed).
//!
//! Not promised: rotation, mirroring, perspective, other aspect ratios, regenerated pictures, or an adversary who holds the key or many marked
//! pictures. A mark found is evidence; a mark not found is none.
#![expect(clippy::inline_always, reason = "what is not inlined into the caller that is compiled for wider vectors gains nothing")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod blur;
mod channels;
mod detect;
mod embed;
mod error;
mod key;
mod pattern;
mod polar;
mod size;
mod tile;
mod view;

pub use detect::{Detection, MOST_READINGS, detect};
pub use embed::{Embedded, LEAST_PSNR, embed};
pub use error::Error;
pub use key::{Id, Key};
pub use size::{LEAST_SIDE, MOST_PIXELS};
