use super::{Cursor, Located};
use crate::jumbf;
use std::borrow::Cow;

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP11: u8 = 0xeb;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Common identifier of JPEG XT boxes (ISO/IEC 18477-3), then our box instance number.
const BOX_HEADER: [u8; 4] = [b'J', b'P', 0, 1];
/// Length and type of the box, which every segment repeats.
const REPEATED: usize = 8;
/// Bytes of the store in one segment: what a 16-bit length leaves beside itself, the box header, the sequence number, and the
/// repeated header.
const SEGMENT_CAPACITY: usize = 0xffff - 2 - BOX_HEADER.len() - 4 - REPEATED;

/// Nothing when the file ends before its first scan, or a store's segments do not follow each other.
pub(super) fn find<'a>(bytes: &'a [u8], found: &mut Vec<Located<'a>>) -> Option<()> {
    let mut cursor = Cursor { bytes, at: 2 };
    let mut open: Option<(Vec<u8>, usize, u32)> = None;
    loop {
        let start = cursor.at;
        let (marker, data) = segment(&mut cursor)?;
        let continues = open.as_ref().is_some_and(|(store, ..)| jumbf::announced_length(store).is_none_or(|length| store.len() < length));
        match (&mut open, box_part(marker, data)) {
            (Some((store, _, sequence)), Some((number, part))) if continues => {
                if number != *sequence + 1 || part.get(..REPEATED) != store.get(..REPEATED) {
                    return None;
                }
                *sequence = number;
                store.extend_from_slice(part.get(REPEATED..)?);
            }
            _ if continues => return None,
            (_, Some((1, part))) if is_store(part) => open = Some((part.to_vec(), start, 1)),
            _ => {}
        }
        if let Some((store, from, _)) = &mut open
            && jumbf::announced_length(store)? <= store.len()
        {
            found.push(Located { store: Cow::Owned(std::mem::take(store)), region: *from..cursor.at, intact: true });
            open = None;
        }
        if marker == START_OF_SCAN {
            return open.is_none().then_some(());
        }
    }
}

/// A marker and what belongs to it.
fn segment<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let [0xff] = cursor.array()? else { return None };
    let [mut marker] = cursor.array()?;
    while marker == 0xff {
        [marker] = cursor.array()?;
    }
    match marker {
        START_OF_SCAN | 0x01 | 0xd0..=START_OF_IMAGE => Some((marker, &[])),
        END_OF_IMAGE => None,
        _ => {
            let length = usize::from(u16::from_be_bytes(cursor.array()?)).checked_sub(2)?;
            Some((marker, cursor.take(length)?))
        }
    }
}

/// Sequence number and content of a segment of a box.
fn box_part(marker: u8, data: &[u8]) -> Option<(u32, &[u8])> {
    let rest = data.strip_prefix(b"JP").filter(|_| marker == APP11)?.get(2..)?;
    let (number, part) = rest.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), part))
}

fn is_store(part: &[u8]) -> bool {
    part.get(4..8) == Some(b"jumb") && part.get(12..16) == Some(b"jumd") && part.get(16..20) == Some(&jumbf::STORE)
}

/// Behind JFIF's segment and the metadata, which readers look for at the front.
pub(super) fn place(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor { bytes, at: 2 };
    loop {
        let at = cursor.at;
        let (APP0 | APP1, _) = segment(&mut cursor)? else { return Some(at) };
    }
}

pub(super) fn wrap(store: &[u8]) -> Option<Vec<u8>> {
    let (header, content) = store.split_at_checked(REPEATED)?;
    let mut segments = Vec::new();
    for (index, part) in content.chunks(SEGMENT_CAPACITY).enumerate() {
        let length = u16::try_from(2 + BOX_HEADER.len() + 4 + REPEATED + part.len()).ok()?;
        let number = u32::try_from(index + 1).ok()?;
        segments.extend([&[0xff, APP11][..], &length.to_be_bytes(), &BOX_HEADER, &number.to_be_bytes(), header, part].concat());
    }
    Some(segments)
}
