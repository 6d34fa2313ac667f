//! The file formats, as far as metadata goes: how to walk them without trust, and how the label is written into them.

mod boxes;
mod gif;
mod glb;
mod heif;
mod jpeg;
mod json_members;
mod mp4;
mod png;
mod svg;
mod tiff;
mod webp;

use crate::{Finding, packet};
use spec::FileFormat;

/// Metadata read from one place; XMP packets beyond this are left unread.
const PAYLOAD_LIMIT: usize = 256 * 1024;
/// Places read from one file.
const PLACE_LIMIT: usize = 32;

/// A piece of metadata that may hold a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    /// An XMP packet.
    Packet(&'a [u8]),
    /// A whole document in which XMP may stand.
    Document(&'a [u8]),
    /// A text that is a label by the name of its place, and wrapped in `{"AIGC":…}`.
    Text(&'a [u8]),
    /// A text that is a label by the name of its place.
    Value(String),
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
        let length = match &payload {
            Payload::Packet(bytes) | Payload::Text(bytes) | Payload::Exif(bytes) => bytes.len(),
            Payload::Value(text) => text.len(),
            // Has a limit of its own.
            Payload::Document(_) => 0,
        };
        if length > PAYLOAD_LIMIT || self.payloads.len() >= PLACE_LIMIT {
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

/// Why a label cannot be written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) english: &'static str,
    pub(crate) chinese: &'static str,
}

/// The file is not laid out as its format asks.
const DAMAGED: Obstacle = Obstacle { english: "the file is damaged or cut short", chinese: "文件损坏或不完整" };
const TOO_LARGE: Obstacle =
    Obstacle { english: "the metadata would be larger than the format allows", chinese: "元数据超过该格式的上限" };
const PACKET_UNFIT: Obstacle = Obstacle {
    english: "the file's XMP cannot be added to (damaged, compressed, or in several packets)",
    chinese: "文件已有的 XMP 无法添加内容（损坏、压缩或有多份）",
};

/// The format that the first bytes announce.
pub(crate) fn format_of(bytes: &[u8]) -> Option<FileFormat> {
    if bytes.starts_with(png::SIGNATURE) {
        Some(FileFormat::Png)
    } else if bytes.starts_with(jpeg::SIGNATURE) {
        Some(FileFormat::Jpeg)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(FileFormat::Webp)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(FileFormat::Gif)
    } else if tiff::is_tiff(bytes) {
        Some(FileFormat::Tiff)
    } else if bytes.starts_with(glb::SIGNATURE) {
        Some(FileFormat::Glb)
    } else if bytes.get(4..8) == Some(b"ftyp") {
        Some(if heif::is_picture(bytes) { FileFormat::Heif } else { FileFormat::Mp4 })
    } else {
        svg::is_svg(bytes).then_some(FileFormat::Svg)
    }
}

/// All metadata of a file that may hold a label. Linear in the file.
pub(crate) fn walk(format: FileFormat, bytes: &[u8]) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    let walked = match format {
        FileFormat::Png => png::walk(bytes, &mut metadata),
        FileFormat::Jpeg => jpeg::walk(bytes, &mut metadata),
        FileFormat::Webp => webp::walk(bytes, &mut metadata),
        FileFormat::Tiff => tiff::walk(bytes, &mut metadata),
        FileFormat::Gif => gif::walk(bytes, &mut metadata),
        FileFormat::Svg => svg::walk(bytes, &mut metadata),
        FileFormat::Mp4 => mp4::walk(bytes, &mut metadata),
        FileFormat::Glb => glb::walk(bytes, &mut metadata),
        FileFormat::Heif => heif::walk(bytes, &mut metadata),
        // Not recognised yet: format_of never names it.
        FileFormat::Stl => None,
    };
    if walked.is_none() {
        metadata.note(Finding::ContainerDamaged);
    }
    metadata
}

/// `bytes` with `label` (JSON) in the place that the guides name, instead of the label that stands there or beside it; everything else stays
/// as it is. Not checked: that there is no further label elsewhere, which reading back finds.
pub(crate) fn write(format: FileFormat, bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
    match format {
        FileFormat::Png => png::write(bytes, label),
        FileFormat::Jpeg => jpeg::write(bytes, label),
        FileFormat::Webp => webp::write(bytes, label),
        FileFormat::Tiff => tiff::write(bytes, label),
        FileFormat::Gif => gif::write(bytes, label),
        FileFormat::Svg => svg::write(bytes, label),
        FileFormat::Mp4 => mp4::write(bytes, label),
        FileFormat::Glb => glb::write(bytes, label),
        FileFormat::Stl => Err(Obstacle { english: "labels in STL are not written yet", chinese: "暂不写入 STL 中的标识" }),
        FileFormat::Heif => {
            Err(Obstacle { english: "labels in HEIF and AVIF are read, not written", chinese: "HEIF、AVIF 中的标识只读不写" })
        }
    }
}

/// The packet with the label: a new one, or `found` with the label added or replaced.
fn packet_with(found: &[&[u8]], label: &str) -> Result<Vec<u8>, Obstacle> {
    match found {
        [] => Ok(packet::write(label)),
        [packet] => packet::update(packet, label).ok_or(PACKET_UNFIT),
        _ => Err(PACKET_UNFIT),
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
    use super::{gif, jpeg, png, webp};
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
        let extension = gif::extension(&packet);
        assert_eq!(extension.len(), 798);
        assert!(extension.starts_with(b"\x21\xff\x0bXMP DataXMP<?xpacket") && extension.ends_with(&[3, 2, 1, 0, 0]));
    }
}
