use super::{Cursor, Located};
use std::borrow::Cow;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const KIND: [u8; 4] = *b"caBX";

/// Nothing when the file ends before IEND.
pub(super) fn find<'a>(bytes: &'a [u8], found: &mut Vec<Located<'a>>) -> Option<()> {
    let mut cursor = Cursor { bytes, at: SIGNATURE.len() };
    loop {
        let start = cursor.at;
        let length = usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()?;
        let kind: [u8; 4] = cursor.array()?;
        let data = cursor.take(length)?;
        let checksum = cursor.array()?;
        if kind == KIND {
            found.push(Located { store: Cow::Borrowed(data), region: start..cursor.at, intact: crc(data) == checksum });
        }
        if &kind == b"IEND" {
            return Some(());
        }
    }
}

/// Before the image data, behind the other metadata.
pub(super) fn place(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor { bytes, at: SIGNATURE.len() };
    loop {
        let start = cursor.at;
        let length = usize::try_from(u32::from_be_bytes(cursor.array()?)).ok()?;
        if &cursor.array::<4>()? == b"IDAT" {
            return Some(start);
        }
        cursor.take(length.checked_add(4)?)?;
    }
}

pub(super) fn wrap(store: &[u8]) -> Option<Vec<u8>> {
    let length = i32::try_from(store.len()).ok()?;
    Some([&length.to_be_bytes(), KIND.as_slice(), store, &crc(store)].concat())
}

fn crc(data: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&KIND);
    hasher.update(data);
    hasher.finalize().to_be_bytes()
}
