use super::{Cursor, Metadata, Payload};
use crate::Finding;

/// VP8X flag bits: there is an XMP chunk; there is an alpha channel.
const PACKET_FLAG: u8 = 0x04;
const ALPHA_FLAG: u8 = 0x10;
/// First byte of a VP8L bitstream.
const LOSSLESS_SIGNATURE: u8 = 0x2f;

pub(super) fn walk(bytes: &[u8]) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    if chunks(bytes, &mut metadata).is_none() {
        metadata.note(Finding::ContainerDamaged);
    }
    metadata
}

/// Nothing when the file is shorter than it says.
fn chunks<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
    let mut outer = Cursor::new(bytes);
    outer.take(4)?;
    let size = usize::try_from(u32::from_le_bytes(outer.array()?)).ok()?;
    // A file cut short is still read as far as it goes.
    let is_whole = size <= outer.rest.len();
    let mut cursor = Cursor::new(outer.rest.get(..size).unwrap_or(outer.rest));
    cursor.take(4)?;
    let mut announced = false;
    while !cursor.is_empty() {
        let (kind, data) = next_chunk(&mut cursor)?;
        match &kind {
            b"VP8X" => announced = data.first().is_some_and(|flags| flags & PACKET_FLAG != 0),
            b"XMP " => {
                metadata.add(Payload::Packet(data));
                if !announced {
                    metadata.note(Finding::WebpFlagMissing);
                }
            }
            b"EXIF" => metadata.add(Payload::Exif(data.strip_prefix(b"Exif\0\0").unwrap_or(data))),
            _ => {}
        }
    }
    is_whole.then_some(())
}

fn next_chunk<'a>(cursor: &mut Cursor<'a>) -> Option<([u8; 4], &'a [u8])> {
    let kind = cursor.array()?;
    let length = usize::try_from(u32::from_le_bytes(cursor.array()?)).ok()?;
    let data = cursor.take(length)?;
    if length % 2 == 1 {
        cursor.take(1)?;
    }
    Some((kind, data))
}

/// A RIFF chunk, padded to an even length.
pub(super) fn chunk(kind: [u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok()?;
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    Some([kind.as_slice(), &length.to_le_bytes(), data, padding].concat())
}

/// Only for the simple lossless layout (one VP8L chunk), which is what the encoder writes.
pub(super) fn embed(bytes: &[u8], packet: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(bytes.get(12..)?);
    let (kind, image) = next_chunk(&mut cursor)?;
    if &kind != b"VP8L" || !cursor.is_empty() {
        return None;
    }
    let mut header = Cursor::new(image);
    let [LOSSLESS_SIGNATURE] = header.array()? else {
        return None;
    };
    // 14 bits width - 1, 14 bits height - 1, 1 bit alpha, 3 bits version.
    let fields = u32::from_le_bytes(header.array()?);
    let [width, height] = [fields & 0x3fff, (fields >> 14) & 0x3fff];
    let alpha = if fields >> 28 & 1 == 1 { ALPHA_FLAG } else { 0 };
    let [width_0, width_1, width_2, _] = width.to_le_bytes();
    let [height_0, height_1, height_2, _] = height.to_le_bytes();
    let extended = [PACKET_FLAG | alpha, 0, 0, 0, width_0, width_1, width_2, height_0, height_1, height_2];
    let body = [b"WEBP".to_vec(), chunk(*b"VP8X", &extended)?, chunk(kind, image)?, chunk(*b"XMP ", packet)?].concat();
    chunk(*b"RIFF", &body)
}
