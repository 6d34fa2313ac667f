use super::{Container, Cursor, DAMAGED, Metadata, Obstacle, Payload, TOO_LARGE, packet_with};
use crate::Finding;
use spec::FileFormat;

/// VP8X flag bits: there is an XMP chunk; there is an alpha channel.
const PACKET_FLAG: u8 = 0x04;
const ALPHA_FLAG: u8 = 0x10;
/// First byte of a VP8L bitstream.
const LOSSLESS_SIGNATURE: u8 = 0x2f;
/// What a VP8 key frame has behind its three bytes of frame tag.
const LOSSY_SIGNATURE: [u8; 3] = [0x9d, 0x01, 0x2a];

/// WebP (RFC 9649): XMP in a chunk of its own, which the VP8X header announces.
pub(super) struct Webp;

impl Container for Webp {
    const FORMAT: FileFormat = FileFormat::Webp;

    fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
    }

    /// Nothing when the file is shorter than it says.
    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
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

    /// The packet is the last chunk; a file in the simple layout gets the header that announces it.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let mut outer = Cursor::new(bytes);
        outer.take(4).ok_or(DAMAGED)?;
        let size = outer.array().and_then(|size| usize::try_from(u32::from_le_bytes(size)).ok()).ok_or(DAMAGED)?;
        let mut cursor = Cursor::new(outer.rest.get(..size).ok_or(DAMAGED)?);
        cursor.take(4).ok_or(DAMAGED)?;
        let (mut header, mut kept, mut packets) = (None, Vec::new(), Vec::new());
        while !cursor.is_empty() {
            let (kind, data) = next_chunk(&mut cursor).ok_or(DAMAGED)?;
            match &kind {
                b"XMP " => packets.push(data),
                b"VP8X" if header.is_none() => header = Some(data.to_vec()),
                _ => {
                    if header.is_none() {
                        header = simple_header(kind, data);
                    }
                    kept.push(chunk(kind, data).ok_or(TOO_LARGE)?);
                }
            }
        }
        let mut header = header.ok_or(DAMAGED)?;
        *header.first_mut().ok_or(DAMAGED)? |= PACKET_FLAG;
        let packet = chunk(*b"XMP ", &packet_with(&packets, label)?).ok_or(TOO_LARGE)?;
        let body = [b"WEBP".as_slice(), &chunk(*b"VP8X", &header).ok_or(TOO_LARGE)?, &kept.concat(), &packet].concat();
        chunk(*b"RIFF", &body).ok_or(TOO_LARGE)
    }
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

/// The VP8X header of a file that had none.
fn simple_header(kind: [u8; 4], image: &[u8]) -> Option<Vec<u8>> {
    let mut header = Cursor::new(image);
    let (alpha, width, height) = match &kind {
        b"VP8L" => {
            let [LOSSLESS_SIGNATURE] = header.array()? else {
                return None;
            };
            // 14 bits width - 1, 14 bits height - 1, 1 bit alpha, 3 bits version.
            let fields = u32::from_le_bytes(header.array()?);
            (if fields >> 28 & 1 == 1 { ALPHA_FLAG } else { 0 }, fields & 0x3fff, (fields >> 14) & 0x3fff)
        }
        b"VP8 " => {
            header.take(3)?;
            if header.array()? != LOSSY_SIGNATURE {
                return None;
            }
            // 14 bits each; the upper two scale, which players ignore.
            let [width, height] = [u16::from_le_bytes(header.array()?), u16::from_le_bytes(header.array()?)];
            (0, u32::from(width & 0x3fff).checked_sub(1)?, u32::from(height & 0x3fff).checked_sub(1)?)
        }
        _ => return None,
    };
    let [width_0, width_1, width_2, _] = width.to_le_bytes();
    let [height_0, height_1, height_2, _] = height.to_le_bytes();
    Some(vec![alpha, 0, 0, 0, width_0, width_1, width_2, height_0, height_1, height_2])
}
