//! Labels of generated pictures under GB 45438-2025: the explicit one in the pixels, the implicit one in the metadata.
//!
//! Contract: [`Labeller::label`] is the only way to a [`Labelled`]. It draws the explicit label, encodes, writes exactly one
//! implicit label, reads the bytes back, and hands nothing out unless they say what was meant. Same pixels and same
//! produce id give the same bytes. [`read_labels`] judges any bytes: it never panics, reads a bounded amount of metadata,
//! and answers with coded findings rather than an error.
//!
//! ```text
//! PNG   signature IHDR [iTXt "XML:com.adobe.xmp" uncompressed] … IDAT IEND
//! JPEG  SOI APP0 [APP1 "http://ns.adobe.com/xap/1.0/\0"] … SOS EOI
//! WebP  RIFF WEBP VP8X(flag 0x04) VP8L ["XMP "]
//!       where […] is one XMP packet with the property TC260:AIGC, whose value is
//!       {"Label","ContentProducer","ProduceID","ReservedCode1","ContentPropagator","PropagateID","ReservedCode2"}
//! ```
//!
//! Metadata does not survive every copy: a screenshot or a site that re-encodes drops it. No threads, clocks or I/O.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod container;
mod contrast;
mod costs;
mod encode;
mod error;
mod explicit;
mod finding;
mod labeller;
mod lettering;
mod packet;
mod provider_code;
mod read;
mod value;

pub use error::Error;
pub use finding::{Finding, Severity};
pub use labeller::{DEFAULT_EXPLICIT_TEXT, Labelled, Labeller, Warning, read_watermark};
pub use provider_code::{ProviderCode, ServiceType};
pub use read::{LabelReport, LabelValues, LabelVerdict, read_labels};
