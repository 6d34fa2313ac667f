//! Where a manifest store stands in a file (C2PA appendix A): finding it without trust, and the place for a new one.

mod jpeg;
mod png;
mod webp;

use std::borrow::Cow;
use std::ops::Range;

/// Formats that carry a manifest store inside; any other file has it beside, as a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Png,
    Jpeg,
    Webp,
}

/// A manifest store and the bytes of the file that are its own: headers, checksums and padding included.
#[derive(Debug)]
pub(crate) struct Located<'a> {
    pub(crate) store: Cow<'a, [u8]>,
    pub(crate) region: Range<usize>,
    /// Whether what holds the store is as it was written.
    pub(crate) intact: bool,
}

/// What looking for a manifest store came to.
#[derive(Debug)]
pub(crate) enum Search<'a> {
    Found(Located<'a>),
    Absent,
    /// The file ends too soon, or what holds the store is damaged.
    Damaged,
    Several,
}

impl Carrier {
    /// The format that the first bytes announce.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(png::SIGNATURE) {
            Some(Self::Png)
        } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// Linear in the file.
    pub(crate) fn find(self, bytes: &[u8]) -> Search<'_> {
        let (mut found, is_whole) = self.walk(bytes);
        match (found.pop(), found.is_empty()) {
            (Some(_), false) => Search::Several,
            (Some(only), true) if is_whole && only.intact => Search::Found(only),
            (None, _) if is_whole => Search::Absent,
            _ => Search::Damaged,
        }
    }

    /// The regions of all stores, damaged ones too, front to back; nothing where the file's layout cannot be followed to its end.
    pub(crate) fn regions(self, bytes: &[u8]) -> Option<Vec<Range<usize>>> {
        let (found, is_whole) = self.walk(bytes);
        is_whole.then(|| found.into_iter().map(|located| located.region).collect())
    }

    /// What was found, and whether the file could be followed to where no store can stand any more.
    fn walk(self, bytes: &[u8]) -> (Vec<Located<'_>>, bool) {
        let mut found = Vec::new();
        let whole = match self {
            Self::Png => png::find(bytes, &mut found),
            Self::Jpeg => jpeg::find(bytes, &mut found),
            Self::Webp => webp::find(bytes, &mut found),
        };
        (found, whole.is_some())
    }

    /// Whether the bytes of a damaged file name the box that a store stands in: what remains of it does not verify.
    pub(crate) fn announces(self, bytes: &[u8]) -> bool {
        let sign: &[u8] = match self {
            Self::Png => b"caBX",
            Self::Jpeg => b"jumdc2pa",
            Self::Webp => b"C2PA",
        };
        bytes.windows(sign.len()).any(|window| window == sign)
    }

    /// Where in `bytes` a store is to be inserted; nothing when they are not laid out as expected.
    pub(crate) fn place(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Png => png::place(bytes),
            Self::Jpeg => jpeg::place(bytes),
            Self::Webp => webp::place(bytes),
        }
    }

    /// The store in the format's clothes.
    pub(crate) fn wrap(self, store: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Png => png::wrap(store),
            Self::Jpeg => jpeg::wrap(store),
            Self::Webp => webp::wrap(store),
        }
    }

    /// Has the file say that it is `length` bytes long, where its format says so.
    pub(crate) fn announce(self, bytes: &mut [u8], length: usize) -> Option<()> {
        match self {
            Self::Png | Self::Jpeg => Some(()),
            Self::Webp => webp::announce(bytes, length),
        }
    }
}

/// Reads a file front to back; every step may find that the file has ended.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.take(LENGTH)?.try_into().ok()
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }
}
