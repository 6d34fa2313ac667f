use super::{Cursor, Located};
use std::borrow::Cow;

const KIND: [u8; 4] = *b"C2PA";

/// Nothing when the file is not exactly as long as it says.
pub(super) fn find<'a>(bytes: &'a [u8], found: &mut Vec<Located<'a>>) -> Option<()> {
    let end = end(bytes)?;
    let mut cursor = Cursor { bytes: bytes.get(..end)?, at: 12 };
    while !cursor.is_at_end() {
        let start = cursor.at;
        let kind: [u8; 4] = cursor.array()?;
        let length = usize::try_from(u32::from_le_bytes(cursor.array()?)).ok()?;
        let data = cursor.take(length)?;
        let padding = cursor.take(length % 2)?;
        if kind == KIND {
            let intact = padding.iter().all(|byte| *byte == 0);
            found.push(Located { store: Cow::Borrowed(data), region: start..cursor.at, intact });
        }
    }
    Some(())
}

/// Where the RIFF chunk says that it ends.
fn end(bytes: &[u8]) -> Option<usize> {
    let size = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    size.checked_add(8).filter(|end| *end <= bytes.len() && *end >= 12)
}

/// Behind everything else, as C2PA asks.
pub(super) fn place(bytes: &[u8]) -> Option<usize> {
    end(bytes).filter(|end| *end == bytes.len() && end % 2 == 0)
}

pub(super) fn wrap(store: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(store.len()).ok()?;
    let padding: &[u8] = if store.len() % 2 == 1 { &[0] } else { &[] };
    Some([KIND.as_slice(), &length.to_le_bytes(), store, padding].concat())
}

pub(super) fn announce(bytes: &mut [u8], length: usize) -> Option<()> {
    let size = u32::try_from(length.checked_sub(8)?).ok()?;
    bytes.get_mut(4..8)?.copy_from_slice(&size.to_le_bytes());
    Some(())
}
