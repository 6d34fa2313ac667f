//! Whether a picture file is all there, as its format lets a reader tell: the checksums of PNG, the end of every format. Decoders show what
//! they can of a file that is not.

use crate::container::Cursor;

/// What of a PNG file's chunks matters besides its pixels.
pub(super) struct PngChunks<'a> {
    /// Pixels, as the header has them.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_moving: bool,
    /// The chunks that say what the numbers of the pixels mean, whole.
    pub(super) colours: Vec<&'a [u8]>,
}

/// Chunks that say what numbers mean (PNG third edition, clause 11.3.2).
const COLOURS: [&[u8; 4]; 7] = [b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI"];

/// Every chunk's checksum holds, and the last chunk is there.
pub(super) fn png(bytes: &[u8]) -> Option<PngChunks<'_>> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(8)?;
    // The header comes first: length, kind, width, height.
    let mut header = cursor;
    header.take(8)?;
    let [width, height] = [u32::from_be_bytes(header.array()?), u32::from_be_bytes(header.array()?)];
    let mut found = PngChunks { width, height, is_moving: false, colours: Vec::new() };
    loop {
        let start = cursor.rest;
        let length = usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()?;
        let content = cursor.take(length.checked_add(4)?)?;
        if crc32fast::hash(content) != u32::from_be_bytes(cursor.array()?) {
            return None;
        }
        let kind = content.first_chunk::<4>()?;
        found.is_moving |= kind == b"acTL";
        if COLOURS.contains(&kind) {
            found.colours.push(start.get(..length + 12)?);
        }
        if kind == b"IEND" {
            return Some(found);
        }
    }
}

/// The chunks fill the file as far as its header says, and that far it goes.
pub(super) fn webp(bytes: &[u8]) -> Option<()> {
    let mut outer = Cursor::new(bytes);
    outer.take(4)?;
    let size = usize::try_from(u32::from_le_bytes(outer.array()?)).ok()?;
    let mut cursor = Cursor::new(outer.take(size)?);
    cursor.take(4)?;
    while !cursor.is_empty() {
        cursor.take(4)?;
        let length = usize::try_from(u32::from_le_bytes(cursor.array()?)).ok()?;
        cursor.take(length)?;
        // The padding of a last chunk is left out by some writers.
        if length % 2 == 1 && !cursor.is_empty() {
            cursor.take(1)?;
        }
    }
    Some(())
}

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Segments and scans follow each other to the marker that ends the picture. What stands behind it is another picture, or nothing.
pub(super) fn jpeg(bytes: &[u8]) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2)?;
    loop {
        // Between segments only fill bytes may stand.
        let [0xff] = cursor.array()? else { return None };
        let [mut marker] = cursor.array()?;
        while marker == 0xff {
            [marker] = cursor.array()?;
        }
        match marker {
            END_OF_IMAGE => return Some(()),
            // Markers that stand alone.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(cursor.array()?)).checked_sub(2)?;
        cursor.take(length)?;
        if marker == START_OF_SCAN {
            skip_scan(&mut cursor)?;
        }
    }
}

/// To the next marker that is neither a stuffed byte nor one of those that restart decoding.
fn skip_scan(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        let run = cursor.rest.iter().position(|byte| *byte == 0xff)?;
        cursor.take(run)?;
        match cursor.rest.get(1)? {
            0x00 | 0xd0..=0xd7 => cursor.take(2)?,
            0xff => cursor.take(1)?,
            _ => return Some(()),
        };
    }
}
