use super::{Container, DAMAGED, Metadata, Obstacle, Payload};
use crate::packet;
use spec::FileFormat;

/// Bytes that are searched for the root element: an XML declaration, comments and a document type may stand before it.
const PROLOGUE: usize = 4096;

/// Scalable Vector Graphics: XMP in a `metadata` element.
pub(super) struct Svg;

impl Container for Svg {
    const FORMAT: FileFormat = FileFormat::Svg;

    fn announces(bytes: &[u8]) -> bool {
        is_svg(bytes)
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        is_svg(bytes).then(|| metadata.add(Payload::Document(bytes)))
    }

    /// In the XMP that stands in the document, or in a new `metadata` element at the beginning of the root.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let text = std::str::from_utf8(bytes).map_err(|_| DAMAGED)?;
        let written = packet::update_document(text, label).ok_or(Obstacle {
            english: "the document is not well-formed, too complex, or declares entities",
            chinese: "文档不合法、过于复杂或声明了实体",
        })?;
        Ok(written.into_bytes())
    }
}

/// Text whose root element is `svg`, as far as its beginning tells.
fn is_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..PROLOGUE.min(bytes.len())).unwrap_or_default();
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    text.starts_with(b"<") && text.windows(4).any(|window| window == b"<svg") || text.windows(5).any(|window| window == b"<svg:")
}
