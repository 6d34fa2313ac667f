//! HEIF and AVIF: XMP is an item of type `mime` with content type `application/rdf+xml` (ISO/IEC 23008-12 annex A).

use super::boxes::{boxes, find};
use super::{Container, Cursor, Metadata, Obstacle, Payload};
use crate::Finding;
use spec::FileFormat;
use std::ops::Range;

/// Brands of pictures (ISO/IEC 23008-12 annex B, AV1 image file format).
const BRANDS: [&[u8; 4]; 9] = [b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"avif", b"avis"];
/// Boxes and items of one file: a tiled picture has some hundred.
const LIMIT: usize = 10_000;
const PACKET_TYPE: &[u8] = b"application/rdf+xml";

/// HEIF, HEIC and AVIF pictures; read only.
pub(super) struct Heif;

impl Container for Heif {
    const FORMAT: FileFormat = FileFormat::Heif;

    fn announces(bytes: &[u8]) -> bool {
        bytes.get(4..8) == Some(b"ftyp") && is_picture(bytes)
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let outer = boxes(bytes, LIMIT)?;
        let Some(meta) = find(&outer, *b"meta") else { return Some(()) };
        let children = boxes(meta.body.get(4..)?, LIMIT)?;
        let (Some(infos), Some(places)) = (find(&children, *b"iinf"), find(&children, *b"iloc")) else { return Some(()) };
        let data = find(&children, *b"idat").map_or(&[][..], |data| data.body);
        let wanted = wanted_items(infos.body)?;
        if wanted.is_empty() {
            return Some(());
        }
        for (item, kind) in &wanted {
            let source = locate(places.body, *item)?;
            match source.as_slice() {
                [] => return None,
                [(place, range)] => {
                    let source = match place {
                        Place::File => bytes,
                        Place::Data => data,
                    };
                    let found = source.get(range.clone())?;
                    metadata.add(match kind {
                        Kind::Packet => Payload::Packet(found),
                        Kind::Exif => Payload::Exif(found),
                    });
                }
                _ => metadata.note(Finding::MetadataExtended),
            }
        }
        Some(())
    }

    fn write(_bytes: &[u8], _label: &str) -> Result<Vec<u8>, Obstacle> {
        Err(Obstacle { english: "labels in HEIF and AVIF are read, not written", chinese: "HEIF、AVIF 中的标识只读不写" })
    }
}

/// Whether the file says that it is a picture: by its major brand, or any.
fn is_picture(bytes: &[u8]) -> bool {
    let length = bytes.get(..4).and_then(|size| size.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
    let brands = bytes.get(8..length.min(256).min(bytes.len())).unwrap_or_default();
    brands.chunks_exact(4).any(|brand| BRANDS.iter().any(|picture| brand == *picture))
}

#[derive(Clone, Copy)]
enum Kind {
    Packet,
    Exif,
}

/// What the places of an item's bytes count from.
#[derive(Clone, Copy)]
enum Place {
    File,
    Data,
}

/// The items that may hold a label.
fn wanted_items(body: &[u8]) -> Option<Vec<(u32, Kind)>> {
    let mut cursor = Cursor::new(body);
    let [version, ..] = cursor.array::<4>()?;
    cursor.take(if version == 0 { 2 } else { 4 })?;
    let mut wanted = Vec::new();
    for info in boxes(cursor.rest, LIMIT)? {
        let mut entry = Cursor::new(info.body);
        let [version, ..] = entry.array::<4>()?;
        let item = match version {
            2 => u32::from(u16::from_be_bytes(entry.array()?)),
            3 => u32::from_be_bytes(entry.array()?),
            // Earlier versions have no types.
            _ => continue,
        };
        entry.take(2)?;
        match &entry.array::<4>()? {
            b"Exif" => wanted.push((item, Kind::Exif)),
            b"mime" => {
                let mut texts = entry.rest.split(|byte| *byte == 0).skip(1);
                if texts.next() == Some(PACKET_TYPE) {
                    wanted.push((item, Kind::Packet));
                }
            }
            _ => {}
        }
    }
    Some(wanted)
}

/// Where the item's bytes lie.
fn locate(body: &[u8], wanted: u32) -> Option<Vec<(Place, Range<usize>)>> {
    let mut cursor = Cursor::new(body);
    let [version, ..] = cursor.array::<4>()?;
    let [sizes, more] = cursor.array()?;
    let (offset_size, length_size, base_size) = (sizes >> 4, sizes & 15, more >> 4);
    let index_size = if version == 0 { 0 } else { more & 15 };
    let short = |cursor: &mut Cursor<'_>| cursor.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)));
    let count = if version < 2 { short(&mut cursor)? } else { usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()? };
    for _ in 0..count.min(LIMIT) {
        let item = if version < 2 { short(&mut cursor)? as u32 } else { u32::from_be_bytes(cursor.array()?) };
        let method = if version == 0 { 0 } else { short(&mut cursor)? & 15 };
        cursor.take(2)?;
        let base = number(&mut cursor, base_size)?;
        let extents = short(&mut cursor)?;
        let mut found = Vec::new();
        for _ in 0..extents {
            number(&mut cursor, index_size)?;
            let start = base.checked_add(number(&mut cursor, offset_size)?)?;
            let length = number(&mut cursor, length_size)?;
            if item == wanted {
                let place = match method {
                    0 => Place::File,
                    1 => Place::Data,
                    _ => return None,
                };
                found.push((place, usize::try_from(start).ok()?..usize::try_from(start.checked_add(length)?).ok()?));
            }
        }
        if item == wanted {
            return Some(found);
        }
    }
    None
}

/// A number of 0, 4 or 8 bytes.
fn number(cursor: &mut Cursor<'_>, size: u8) -> Option<u64> {
    match size {
        0 => Some(0),
        4 => cursor.array().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
        8 => cursor.array().map(u64::from_be_bytes),
        _ => None,
    }
}
