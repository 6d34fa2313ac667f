//! Labels of generated pictures under GB 45438-2025: the explicit one in the pixels, the implicit one in the metadata.
//!
//! Contract, besides: [`Propagator::pass_on`] and [`Conversion::convert`] make a [`DerivedFile`] from a file that is there already; they
//! keep its label, never change a producer's field, and read back what they wrote.
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
//! TIFF  header … [first directory with tag 700, type 7]                 at the end of the file
//! GIF   header palette [21 FF "XMP Data" "XMP" … 01 FF … 00 00] …
//! SVG   <svg> [<metadata>] …
//! MP4   moov { udta { meta { hdlr "mdta", keys { "AIGC" }, ilst { data } } } }        the bare JSON, no packet
//! GLB   KHR_xmp_json_ld in the JSON chunk: our own proposal, no guide names a place; the bare JSON, no packet
//! STL   solid NAME [AIGC={…}] …    in text; the bare JSON behind the explicit words: our own proposal too
//! HEIF  (and AVIF) an item of type mime, application/rdf+xml; read only
//!       where […] is one XMP packet with the property TC260:AIGC, whose value is
//!       {"Label","ContentProducer","ProduceID","ReservedCode1","ContentPropagator","PropagateID","ReservedCode2"}
//! ```
//!
//! Where a signer is set, a C2PA manifest of `credentials` goes in last and covers the rest.
//!
//! Metadata does not survive every copy: a screenshot or a site that re-encodes drops it. No clocks or I/O; threads change no byte.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod colour;
mod container;
mod contrast;
mod costs;
mod credentials_writer;
mod decode;
mod deflate;
mod encode;
mod error;
mod explicit;
mod finding;
mod labeller;
mod lettering;
mod loss;
mod marking;
mod packet;
mod png;
mod provider_code;
mod read;
mod relabel;
mod security;
mod stl;
mod value;

pub use container::format_of;
pub use decode::{MOST_BYTES, MOST_SIDE, PictureFault, read_picture};
pub use error::Error;
pub use finding::{Finding, Severity};
pub use labeller::{DEFAULT_EXPLICIT_TEXT, Labelled, Labeller, Warning, check_explicit_text, read_watermark};
pub use loss::Loss;
pub use provider_code::{ProviderCode, ServiceType};
pub use read::{LabelReport, LabelValues, LabelVerdict, read_labels};
pub use relabel::{Conversion, DerivedFile, EarlierPropagator, Ground, Propagator};
pub use security::{Algorithm, LabelKey, LabelPublicKey, Security};
