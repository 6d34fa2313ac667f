//! Stereolithography in text: no guide names a place. Ours is the end of the name of the first solid, `AIGC=` and the bare JSON, all of it ASCII.
//! The binary form has eighty bytes of header, too few for a label, and is not read.

use super::{Container, DAMAGED, Metadata, Obstacle, Payload};
use spec::FileFormat;

const SOLID: &[u8] = b"solid";
const END: &[u8] = b"endsolid";
/// What the label stands behind.
const KEY: &[u8] = b" AIGC=";
/// Longest name in which a label is looked for.
const NAME_LIMIT: usize = 64 << 10;

/// Stereolithography in text.
pub(super) struct Stl;

impl Container for Stl {
    const FORMAT: FileFormat = FileFormat::Stl;

    /// Binary files may begin with the same word: in text a triangle, or the end, follows the name.
    fn announces(bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(SOLID).filter(|rest| rest.first().is_none_or(u8::is_ascii_whitespace)) else { return false };
        let Some((_, rest)) = first_line(rest) else { return false };
        let rest = rest.trim_ascii_start();
        rest.starts_with(b"facet") || rest.starts_with(END)
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        for line in bytes.split(|byte| *byte == b'\n') {
            let is_name = line.strip_prefix(SOLID).is_some_and(|name| name.first().is_some_and(u8::is_ascii_whitespace));
            if is_name && let Some(at) = place(line) {
                metadata.add(Payload::Value(String::from_utf8_lossy(line.get(at + KEY.len()..)?.trim_ascii_end()).into_owned()));
            }
        }
        // The last word is there, with its name or without.
        let last = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
        last.trim_ascii_start().starts_with(END).then_some(())
    }

    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let (line, rest) = first_line(bytes).ok_or(DAMAGED)?;
        let end: &[u8] = if line.ends_with(b"\r") { b"\r\n" } else { b"\n" };
        let name = place(line).map_or(line, |at| line.get(..at).unwrap_or(line)).trim_ascii_end();
        Ok([name, KEY, label.as_bytes(), end, rest].concat())
    }
}

/// A line without its end, and what follows it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().take(NAME_LIMIT).position(|byte| *byte == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// Where the label's key stands in a line.
fn place(line: &[u8]) -> Option<usize> {
    line.get(..NAME_LIMIT.min(line.len()))?.windows(KEY.len()).position(|window| window == KEY)
}
