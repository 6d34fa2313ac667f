//! The Multi-Picture Format (CIPA DC-007): an APP2 segment that says where further pictures, such as a gain map, lie behind the first one.
//! Their places count from within that segment, so that whatever moves between it and them has to be told to it.
//!
//! ```text
//! APP2 "MPF\0" | II or MM, 42, place of the directory | … B000 version, B001 count, B002 list → entries of 16 bytes:
//!                ^ places count from here                attributes, length of the picture, place of the picture, two more
//! ```

use super::{Cursor, Segment, next_segment};
use std::ops::Range;

const APP2: u8 = 0xe2;
const START_OF_SCAN: u8 = 0xda;
const HEADER: &[u8] = b"MPF\0";
/// Tag of the list of pictures.
const LIST: u16 = 0xb002;
/// Bytes of an entry of the list, and where in it length and place stand.
const ENTRY: usize = 16;
const LENGTH: usize = 4;
const PLACE: usize = 8;

/// Where a file tells of its further pictures.
struct Index {
    /// What places count from.
    origin: usize,
    is_little: bool,
    entries: Range<usize>,
    /// Where the first scan begins: no edit of ours touches anything behind it.
    scan: usize,
}

/// Whether the file has pictures besides the one that everybody shows.
pub(crate) fn has_more(bytes: &[u8]) -> bool {
    Index::find(bytes).is_some_and(|index| index.entries.len() > ENTRY)
}

/// Has `after`, which was made from `before` by editing segments in front of the first scan, say where the further pictures lie now. `None` where it
/// tells of pictures whose places cannot be followed.
pub(crate) fn follow(before: &[u8], after: &mut [u8]) -> Option<()> {
    let Some(old) = Index::find(before) else { return Some(()) };
    let new = Index::find(after)?;
    let rest_is_same = before.get(old.scan..)?.len() == after.get(new.scan..)?.len();
    if !rest_is_same || new.entries.len() != old.entries.len() || new.is_little != old.is_little {
        return None;
    }
    let grown = after.len() as i64 - before.len() as i64;
    let moved = grown - (new.origin as i64 - old.origin as i64);
    let number = Number { is_little: new.is_little };
    for (index, entry) in after.get_mut(new.entries)?.chunks_exact_mut(ENTRY).enumerate() {
        // The first picture begins the file; its length is what changed.
        let (at, change) = if index == 0 { (LENGTH, grown) } else { (PLACE, moved) };
        let field = entry.get_mut(at..at + 4)?;
        let value = number.read(field)?;
        if value != 0 {
            let value = i64::from(value).checked_add(change)?;
            field.copy_from_slice(&number.write(u32::try_from(value).ok()?));
        }
    }
    Some(())
}

impl Index {
    fn find(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(2)?;
        let mut found = None;
        loop {
            let start = bytes.len() - cursor.rest.len();
            let segment = next_segment(&mut cursor)?;
            if segment.marker == START_OF_SCAN {
                let (origin, is_little, entries) = found?;
                return Some(Self { origin, is_little, entries, scan: start });
            }
            if segment.marker == APP2 && segment.data.starts_with(HEADER) && found.is_none() {
                found = Some(list(&segment, bytes.len() - cursor.rest.len())?);
            }
        }
    }
}

/// Of a segment that ends at `end`: what its places count from, its order of bytes, and where its entries stand in the file.
fn list(segment: &Segment<'_>, end: usize) -> Option<(usize, bool, Range<usize>)> {
    let origin = end - segment.data.len() + HEADER.len();
    let data = segment.data.get(HEADER.len()..)?;
    let is_little = match data.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let number = Number { is_little };
    let directory = usize::try_from(number.read(data.get(4..8)?)?).ok()?;
    let count = usize::from(number.short(data.get(directory..)?)?);
    let fields = data.get(directory + 2..)?.get(..count * 12)?;
    let entry = fields.chunks_exact(12).find(|field| number.short(field) == Some(LIST))?;
    let length = usize::try_from(number.read(entry.get(4..8)?)?).ok()?;
    let place = usize::try_from(number.read(entry.get(8..12)?)?).ok()?;
    data.get(place..place.checked_add(length)?)?;
    Some((origin, is_little, origin + place..origin + place + length))
}

/// Numbers in the order of bytes that the segment names.
struct Number {
    is_little: bool,
}

impl Number {
    fn read(&self, bytes: &[u8]) -> Option<u32> {
        let four = bytes.get(..4)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }

    fn short(&self, bytes: &[u8]) -> Option<u16> {
        let two = bytes.get(..2)?.try_into().ok()?;
        Some(if self.is_little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn write(&self, value: u32) -> [u8; 4] {
        if self.is_little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}
