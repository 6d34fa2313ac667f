//! JUMBF (ISO/IEC 19566-5) boxes: writing them, and reading them without trust.

/// Superboxes inside superboxes; a C2PA store needs four.
const MAXIMUM_DEPTH: usize = 6;
/// Boxes of one store: more than any honest chain of ingredients has.
const MAXIMUM_BOXES: usize = 10_000;

/// Requestable, and it has a label.
const TOGGLES: u8 = 0x03;
/// The content type of a C2PA box: four letters, then what all have in common.
const COMMON: [u8; 12] = [0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];

/// Four letters of a content type.
pub(crate) type Kind = [u8; 4];
pub(crate) const STORE: Kind = *b"c2pa";
pub(crate) const MANIFEST: Kind = *b"c2ma";
pub(crate) const ASSERTIONS: Kind = *b"c2as";
pub(crate) const CLAIM: Kind = *b"c2cl";
pub(crate) const SIGNATURE: Kind = *b"c2cs";
pub(crate) const CBOR: Kind = *b"cbor";

/// A box with its header.
pub(crate) fn plain(kind: Kind, data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32 + 8).to_be_bytes(), kind.as_slice(), data].concat()
}

/// A superbox: description, then what it holds.
pub(crate) fn superbox(kind: Kind, label: &str, content: &[Vec<u8>]) -> Vec<u8> {
    let description = [&kind[..], &COMMON, &[TOGGLES], label.as_bytes(), &[0]].concat();
    plain(*b"jumb", &[plain(*b"jumd", &description), content.concat()].concat())
}

/// A superbox as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Superbox<'a> {
    /// With its header.
    pub(crate) whole: &'a [u8],
    /// Without its header: what C2PA hashes.
    pub(crate) payload: &'a [u8],
    kind: [u8; 16],
    pub(crate) label: &'a str,
    pub(crate) children: Vec<Child<'a>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Child<'a> {
    Superbox(Superbox<'a>),
    Content(Kind, &'a [u8]),
}

impl<'a> Superbox<'a> {
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind.starts_with(&kind) && self.kind.ends_with(&COMMON)
    }

    pub(crate) fn superboxes(&self) -> impl Iterator<Item = &Superbox<'a>> {
        self.children.iter().filter_map(|child| match child {
            Child::Superbox(inner) => Some(inner),
            Child::Content(..) => None,
        })
    }

    /// The data of the only content box, if it is of that kind.
    pub(crate) fn only_content(&self, kind: Kind) -> Option<&'a [u8]> {
        match self.children.as_slice() {
            [Child::Content(found, data)] if *found == kind => Some(data),
            _ => None,
        }
    }
}

/// The one superbox that `bytes` are; nothing for anything malformed, too deep or with too many boxes.
pub(crate) fn read(bytes: &[u8]) -> Option<Superbox<'_>> {
    let mut count = 0;
    let mut rest = bytes;
    let (kind, whole, payload) = next(&mut rest)?;
    if &kind != b"jumb" || !rest.is_empty() {
        return None;
    }
    read_superbox(whole, payload, 0, &mut count)
}

/// Length that the box at the start of `bytes` announces, header included.
pub(crate) fn announced_length(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<(Kind, &'a [u8], &'a [u8])> {
    let short = u32::from_be_bytes(*rest.first_chunk()?);
    let kind: Kind = rest.get(4..8)?.try_into().ok()?;
    let (header, length) = match short {
        1 => (16, usize::try_from(u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?)).ok()?),
        // 0 means "to the end", which C2PA does not use.
        short => (8, usize::try_from(short).ok()?),
    };
    let (whole, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((kind, whole, whole.get(header..)?))
}

fn read_superbox<'a>(whole: &'a [u8], payload: &'a [u8], depth: usize, count: &mut usize) -> Option<Superbox<'a>> {
    let mut rest = payload;
    let (kind, _, description) = next(&mut rest)?;
    if &kind != b"jumd" {
        return None;
    }
    let (kind, after) = description.split_first_chunk::<16>()?;
    let (toggles, after) = after.split_first()?;
    // Bit 4 announces a private box (a salt) in the description; 2 and 3, an id and a hash, are not for C2PA.
    if toggles & !0x10 != TOGGLES {
        return None;
    }
    let end = after.iter().position(|byte| *byte == 0)?;
    let label = std::str::from_utf8(after.get(..end)?).ok()?;
    let mut private = after.get(end + 1..)?;
    if toggles & 0x10 != 0 {
        next(&mut private)?;
    }
    if !private.is_empty() {
        return None;
    }
    let mut children = Vec::new();
    while !rest.is_empty() {
        *count += 1;
        if *count > MAXIMUM_BOXES {
            return None;
        }
        let (kind, whole, payload) = next(&mut rest)?;
        children.push(match &kind {
            b"jumb" if depth < MAXIMUM_DEPTH => Child::Superbox(read_superbox(whole, payload, depth + 1, count)?),
            b"jumb" => return None,
            _ => Child::Content(kind, payload),
        });
    }
    Some(Superbox { whole, payload, kind: *kind, label, children })
}

#[cfg(test)]
mod tests {
    use super::{CBOR, MANIFEST, STORE, plain, read, superbox};

    #[test]
    fn what_is_written_is_read() {
        let inner = superbox(CBOR, "c2pa.test", &[plain(CBOR, &[1])]);
        let store = superbox(STORE, "c2pa", &[superbox(MANIFEST, "urn", std::slice::from_ref(&inner))]);
        let found = read(&store).unwrap();
        assert!(found.is(STORE) && found.label == "c2pa");
        let manifest = found.superboxes().next().unwrap();
        let assertion = manifest.superboxes().next().unwrap();
        assert_eq!((assertion.label, assertion.whole), ("c2pa.test", inner.as_slice()));
        assert_eq!(assertion.only_content(CBOR), Some(&[1_u8][..]));
        for cut in 0..store.len() {
            assert!(read(&store[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn nested_and_huge_boxes_are_refused() {
        let mut deep = plain(CBOR, &[1]);
        for _ in 0..50 {
            deep = superbox(STORE, "x", &[deep]);
        }
        assert!(read(&deep).is_none());
        let wide = superbox(STORE, "x", &vec![plain(CBOR, &[]); 20_000]);
        assert!(read(&wide).is_none());
        for length in [0_u32, 1, 2, 7, u32::MAX] {
            let mut bytes = superbox(STORE, "x", &[]);
            bytes[..4].copy_from_slice(&length.to_be_bytes());
            assert!(read(&bytes).is_none(), "{length}");
        }
    }
}
