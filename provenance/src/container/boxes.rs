//! Boxes of the ISO base media file format (ISO/IEC 14496-12).

use super::Cursor;

/// A box: its type, its whole, and what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Box<'a> {
    pub(super) kind: [u8; 4],
    pub(super) whole: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The boxes that `bytes` consist of; nothing where they do not, or are more than `limit`.
pub(super) fn boxes(bytes: &[u8], limit: usize) -> Option<Vec<Box<'_>>> {
    let mut cursor = Cursor::new(bytes);
    let mut found = Vec::new();
    while !cursor.is_empty() {
        if found.len() >= limit {
            return None;
        }
        found.push(next(&mut cursor)?);
    }
    Some(found)
}

fn next<'a>(cursor: &mut Cursor<'a>) -> Option<Box<'a>> {
    let start = cursor.rest;
    let size = u32::from_be_bytes(cursor.array()?);
    let kind = cursor.array()?;
    let (header, size) = match size {
        // To the end of the file.
        0 => (8, start.len()),
        1 => (16, usize::try_from(u64::from_be_bytes(cursor.array()?)).ok()?),
        _ => (8, usize::try_from(size).ok()?),
    };
    let body = cursor.take(size.checked_sub(header)?)?;
    Some(Box { kind, whole: start.get(..size)?, body })
}

/// A box of that type.
pub(super) fn make(kind: [u8; 4], body: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(body.len().checked_add(8)?).ok()?;
    Some([&size.to_be_bytes(), kind.as_slice(), body].concat())
}

/// The first box of that type.
pub(super) fn find<'a>(boxes: &[Box<'a>], kind: [u8; 4]) -> Option<Box<'a>> {
    boxes.iter().find(|found| found.kind == kind).copied()
}

/// The first box of `bytes`.
pub(super) fn first(bytes: &[u8]) -> Option<Box<'_>> {
    next(&mut Cursor::new(bytes))
}
