use super::{Cursor, Metadata, Payload};
use crate::Finding;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const PACKET_KEYWORD: &[u8] = b"XML:com.adobe.xmp";
const LABEL_KEYWORD: &[u8] = b"AIGC";
/// Signature and the IHDR chunk, which the standard puts first: 8 + 4 + 4 + 13 + 4 bytes.
const HEADER_LENGTH: usize = 33;

pub(super) fn walk(bytes: &[u8]) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    if chunks(bytes, &mut metadata).is_none() {
        metadata.note(Finding::ContainerDamaged);
    }
    metadata
}

/// Nothing when the file ends before IEND.
fn chunks<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE.len())?;
    let mut after_image_data = false;
    loop {
        let length = usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()?;
        let kind: [u8; 4] = cursor.array()?;
        let data = cursor.take(length)?;
        let checksum = u32::from_be_bytes(cursor.array()?);
        let before = metadata.payloads.len();
        match &kind {
            b"IEND" => return Some(()),
            b"IDAT" => after_image_data = true,
            b"iTXt" => international_text(data, metadata),
            b"tEXt" => {
                if let Some(text) = after_keyword(data, LABEL_KEYWORD) {
                    metadata.add(Payload::Text(text));
                }
            }
            b"zTXt" if after_keyword(data, LABEL_KEYWORD).is_some() => {
                metadata.note(Finding::MetadataCompressed);
            }
            b"eXIf" => metadata.add(Payload::Exif(data)),
            _ => {}
        }
        if metadata.payloads.len() > before {
            if crc(kind, data) != checksum {
                metadata.note(Finding::ContainerDamaged);
            }
            if after_image_data {
                metadata.note(Finding::PlacementLate);
            }
        }
    }
}

/// iTXt: keyword, 0, compression flag, compression method, language, 0, translated keyword, 0, text.
fn international_text<'a>(data: &'a [u8], metadata: &mut Metadata<'a>) {
    let packet = after_keyword(data, PACKET_KEYWORD);
    let Some(fields) = packet.or_else(|| after_keyword(data, LABEL_KEYWORD)) else {
        return;
    };
    let mut cursor = Cursor::new(fields);
    let Some([compressed, _method]) = cursor.array() else {
        return metadata.note(Finding::ContainerDamaged);
    };
    let mut parts = cursor.rest.splitn(3, |byte| *byte == 0).skip(2);
    let Some(text) = parts.next() else {
        return metadata.note(Finding::ContainerDamaged);
    };
    if compressed != 0 {
        metadata.note(Finding::MetadataCompressed);
    } else if packet.is_some() {
        metadata.add(Payload::Packet(text));
    } else {
        metadata.add(Payload::Text(text));
    }
}

fn after_keyword<'a>(data: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    data.strip_prefix(keyword)?.strip_prefix(&[0])
}

/// An uncompressed iTXt chunk with the packet, without language or translated keyword.
pub(super) fn chunk(packet: &[u8]) -> Option<Vec<u8>> {
    let data = [PACKET_KEYWORD, &[0; 5], packet].concat();
    let length = u32::try_from(data.len()).ok()?;
    let kind = *b"iTXt";
    Some([&length.to_be_bytes(), kind.as_slice(), &data, &crc(kind, &data).to_be_bytes()].concat())
}

pub(super) fn embed(bytes: &[u8], packet: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = bytes.split_at_checked(HEADER_LENGTH)?;
    let starts_right = header.starts_with(SIGNATURE) && header.get(12..16) == Some(b"IHDR");
    starts_right.then_some([header, &chunk(packet)?, rest].concat())
}

fn crc(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&kind);
    hasher.update(data);
    hasher.finalize()
}
