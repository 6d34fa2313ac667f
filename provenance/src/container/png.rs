use super::{Container, Cursor, DAMAGED, Metadata, Obstacle, PACKET_UNFIT, Payload, TOO_LARGE, packet_with};
use crate::Finding;
use spec::FileFormat;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const PACKET_KEYWORD: &[u8] = b"XML:com.adobe.xmp";
const LABEL_KEYWORD: &[u8] = b"AIGC";

/// Portable Network Graphics (ISO/IEC 15948): XMP in an uncompressed iTXt chunk.
pub(super) struct Png;

impl Container for Png {
    const FORMAT: FileFormat = FileFormat::Png;

    fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(SIGNATURE)
    }

    /// Nothing when the file ends before IEND.
    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(SIGNATURE.len())?;
        let mut after_image_data = false;
        loop {
            let chunk = next_chunk(&mut cursor)?;
            let before = metadata.payloads.len();
            match &chunk.kind {
                b"IEND" => return Some(()),
                b"IDAT" => after_image_data = true,
                b"iTXt" => international_text(chunk.data, metadata),
                b"tEXt" => {
                    if let Some(text) = after_keyword(chunk.data, LABEL_KEYWORD) {
                        metadata.add(Payload::Text(text));
                    }
                }
                b"zTXt" if after_keyword(chunk.data, LABEL_KEYWORD).is_some() => {
                    metadata.note(Finding::MetadataCompressed);
                }
                b"eXIf" => metadata.add(Payload::Exif(chunk.data)),
                _ => {}
            }
            if metadata.payloads.len() > before {
                if crc(chunk.kind, chunk.data) != chunk.checksum {
                    metadata.note(Finding::ContainerDamaged);
                }
                if after_image_data {
                    metadata.note(Finding::PlacementLate);
                }
            }
        }
    }

    /// The packet goes behind IHDR; a label under the keyword AIGC moves into it.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(SIGNATURE.len()).ok_or(DAMAGED)?;
        let header = next_chunk(&mut cursor).filter(|chunk| &chunk.kind == b"IHDR").ok_or(DAMAGED)?;
        let mut packets = Vec::new();
        let mut kept = Vec::new();
        loop {
            let chunk = next_chunk(&mut cursor).ok_or(DAMAGED)?;
            let is_text = matches!(&chunk.kind, b"iTXt" | b"tEXt");
            if let (b"iTXt", Some(fields)) = (&chunk.kind, after_keyword(chunk.data, PACKET_KEYWORD)) {
                match fields.split_first_chunk::<2>() {
                    Some(([0, _], rest)) => packets.push(rest.splitn(3, |byte| *byte == 0).nth(2).ok_or(DAMAGED)?),
                    _ => return Err(PACKET_UNFIT),
                }
            } else if !(is_text && after_keyword(chunk.data, LABEL_KEYWORD).is_some()) {
                kept.push(chunk.whole);
            }
            if &chunk.kind == b"IEND" {
                break;
            }
        }
        let written = chunk(&packet_with(&packets, label)?).ok_or(TOO_LARGE)?;
        Ok([SIGNATURE, header.whole, &written, &kept.concat(), cursor.rest].concat())
    }
}

/// A chunk, whole and by its parts.
struct Chunk<'a> {
    whole: &'a [u8],
    kind: [u8; 4],
    data: &'a [u8],
    checksum: u32,
}

fn next_chunk<'a>(cursor: &mut Cursor<'a>) -> Option<Chunk<'a>> {
    let start = cursor.rest;
    let length = usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()?;
    let kind: [u8; 4] = cursor.array()?;
    let data = cursor.take(length)?;
    let checksum = u32::from_be_bytes(cursor.array()?);
    Some(Chunk { whole: start.get(..length + 12)?, kind, data, checksum })
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

fn crc(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&kind);
    hasher.update(data);
    hasher.finalize()
}
