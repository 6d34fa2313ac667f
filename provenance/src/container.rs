//! The three file formats, as far as metadata goes: how to walk them without trust, and where the packet is written.

mod jpeg;
mod png;
mod webp;

use crate::Finding;
use spec::ImageFormat;

/// Metadata read from one place; XMP packets beyond this are left unread.
const PAYLOAD_LIMIT: usize = 256 * 1024;
/// Places read from one file.
const PLACE_LIMIT: usize = 32;

/// A piece of metadata that may hold a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    /// An XMP packet.
    Packet(&'a [u8]),
    /// A text that is a label by the name of its place.
    Text(&'a [u8]),
    /// An EXIF block, which may hold a label in UserComment.
    Exif(&'a [u8]),
}

/// What walking a file found.
#[derive(Debug, Default)]
pub(crate) struct Metadata<'a> {
    pub(crate) payloads: Vec<Payload<'a>>,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Metadata<'a> {
    fn add(&mut self, payload: Payload<'a>) {
        let (Payload::Packet(bytes) | Payload::Text(bytes) | Payload::Exif(bytes)) = payload;
        if bytes.len() > PAYLOAD_LIMIT || self.payloads.len() >= PLACE_LIMIT {
            self.note(Finding::MetadataTooLarge);
        } else {
            self.payloads.push(payload);
        }
    }

    fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// The format that the first bytes announce.
pub(crate) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(png::SIGNATURE) {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(jpeg::SIGNATURE) {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::Webp)
    } else {
        None
    }
}

/// All metadata of a file that may hold a label. Linear in the file.
pub(crate) fn walk(format: ImageFormat, bytes: &[u8]) -> Metadata<'_> {
    match format {
        ImageFormat::Png => png::walk(bytes),
        ImageFormat::Jpeg => jpeg::walk(bytes),
        ImageFormat::Webp => webp::walk(bytes),
    }
}

/// `bytes`, freshly encoded and without XMP, with `packet` in the place that the image guide names; nothing when they are
/// not laid out as expected.
pub(crate) fn embed(format: ImageFormat, bytes: &[u8], packet: &[u8]) -> Option<Vec<u8>> {
    match format {
        ImageFormat::Png => png::embed(bytes, packet),
        ImageFormat::Jpeg => jpeg::embed(bytes, packet),
        ImageFormat::Webp => webp::embed(bytes, packet),
    }
}

/// Reads a file front to back; every step may find that the file has ended.
#[derive(Debug, Clone, Copy)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.take(LENGTH)?.try_into().ok()
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{jpeg, png, webp};
    use spec::Sha256Digest;

    /// The packet of the golden fixture, whose own digest is checked beside its writer.
    fn packet() -> Vec<u8> {
        crate::packet::write(
            "{\"Label\":\"1\",\"ContentProducer\":\"001191110000100006666010001\",\
             \"ProduceID\":\"0192f0c1-7e2a-7b3c-8d4e-5f60718293a4\",\"ReservedCode1\":\"\",\
             \"ContentPropagator\":\"\",\"PropagateID\":\"\",\"ReservedCode2\":\"\"}",
        )
    }

    #[test]
    fn golden_bytes_of_each_format() {
        let packet = packet();
        assert_eq!(packet.len(), 526);
        for (written, length, digest) in [
            (packet.clone(), 526, "d3c542a6b2c26d190d34e736596e3a8c95a0126f95b71ae791b9b951d215d5fa"),
            (jpeg::segment(&packet).unwrap(), 559, "6922deb149e6b1fcfa3f9b842e4753e85f939bd06ce6f39b15377c72e0bcc03a"),
            (png::chunk(&packet).unwrap(), 560, "8e167febb83e9662e180031a2445b98c47a4c87d5087d345c5542e65e00e3a7d"),
            (webp::chunk(*b"XMP ", &packet).unwrap(), 534, "1ad31d49701ab8c0cc6c51c3165a2d72d7537612df22437dd28d96e381365aa1"),
        ] {
            assert_eq!(written.len(), length);
            assert_eq!(Sha256Digest::of(&written).to_string(), digest);
        }
    }
}
