use super::{Container, DAMAGED, Metadata, Obstacle, Payload, TOO_LARGE, packet_with};
use crate::Finding;
use spec::FileFormat;

/// The tag of an XMP packet (Adobe XMP specification part 3), and its type.
const PACKET: u16 = 700;
const UNDEFINED: u16 = 7;
/// The tag that points to the EXIF directory, and the tag of its UserComment.
const EXIF: u16 = 34_665;
const USER_COMMENT: u16 = 0x9286;
/// Directories followed from one to the next: pages of a document.
const DIRECTORY_LIMIT: usize = 1_024;

/// TIFF 6.0: XMP under tag 700 of the first directory.
pub(super) struct Tiff;

impl Container for Tiff {
    const FORMAT: FileFormat = FileFormat::Tiff;

    fn announces(bytes: &[u8]) -> bool {
        Order::of(bytes).is_some_and(|order| matches!(order.short(bytes, 2), Some(42 | 43)))
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let order = Order::of(bytes)?;
        if order.short(bytes, 2)? != 42 {
            metadata.note(Finding::LayoutUnsupported);
            return Some(());
        }
        let mut at = order.long(bytes, 4)?;
        for _ in 0..DIRECTORY_LIMIT {
            let directory = directory(bytes, order, at)?;
            for entry in directory.entries {
                match order.short(entry, 0)? {
                    PACKET => metadata.add(Payload::Packet(bytes.get(value(bytes, order, entry)?)?)),
                    EXIF => user_comment(bytes, order, order.long(entry, 8)?, metadata)?,
                    _ => {}
                }
            }
            at = directory.next;
            if at == 0 {
                return Some(());
            }
        }
        metadata.note(Finding::MetadataTooLarge);
        Some(())
    }

    /// The packet and a new first directory go behind the file, so that nothing else moves; the old packet is blanked, for there must be
    /// one label only.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let order = Order::of(bytes).ok_or(DAMAGED)?;
        if order.short(bytes, 2) != Some(42) {
            return Err(Obstacle { english: "BigTIFF is not supported", chinese: "不支持 BigTIFF" });
        }
        let at = order.long(bytes, 4).ok_or(DAMAGED)?;
        let Directory { mut entries, next } = directory(bytes, order, at).ok_or(DAMAGED)?;
        let mut old = Vec::new();
        for entry in entries.iter().filter(|entry| order.short(entry, 0) == Some(PACKET)) {
            old.push(value(bytes, order, entry).ok_or(DAMAGED)?);
        }
        let packets: Vec<&[u8]> = old.iter().filter_map(|range| bytes.get(range.clone())).collect();
        let packet = packet_with(&packets, label)?;
        let mut written = bytes.to_vec();
        for range in old {
            written.get_mut(range).ok_or(DAMAGED)?.fill(0);
        }
        let place = append(&mut written, &packet)?;
        let count = u32::try_from(packet.len()).map_err(|_| TOO_LARGE)?;
        let entry =
            [order.short_bytes(PACKET).as_slice(), &order.short_bytes(UNDEFINED), &order.long_bytes(count), &order.long_bytes(place)]
                .concat();
        entries.retain(|entry| order.short(entry, 0) != Some(PACKET));
        // Entries stand in ascending order of their tags.
        let position = entries.iter().position(|entry| order.short(entry, 0) > Some(PACKET)).unwrap_or(entries.len());
        entries.insert(position, &entry);
        let count = u16::try_from(entries.len()).map_err(|_| TOO_LARGE)?;
        let directory = [order.short_bytes(count).as_slice(), &entries.concat(), &order.long_bytes(next)].concat();
        let place = append(&mut written, &directory)?;
        written.get_mut(4..8).ok_or(DAMAGED)?.copy_from_slice(&order.long_bytes(place));
        Ok(written)
    }
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..2)? {
            b"II" => Some(Self::Little),
            b"MM" => Some(Self::Big),
            _ => None,
        }
    }

    fn short(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(two),
            Self::Big => u16::from_be_bytes(two),
        })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        })
    }

    fn short_bytes(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn long_bytes(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// One directory: its entries of twelve bytes (tag, type, count, value or offset) and where the next one stands.
struct Directory<'a> {
    entries: Vec<&'a [u8]>,
    next: u32,
}

fn directory(bytes: &[u8], order: Order, at: u32) -> Option<Directory<'_>> {
    let at = usize::try_from(at).ok()?;
    let count = usize::from(order.short(bytes, at)?);
    let entries = bytes.get(at + 2..)?.get(..count * 12)?.chunks_exact(12).collect();
    Some(Directory { entries, next: order.long(bytes, at + 2 + count * 12)? })
}

/// The bytes of a value of single-byte elements, and where they stand.
fn value(bytes: &[u8], order: Order, entry: &[u8]) -> Option<std::ops::Range<usize>> {
    let count = usize::try_from(order.long(entry, 4)?).ok()?;
    let is_bytes = matches!(order.short(entry, 2)?, 1 | 2 | UNDEFINED);
    // Up to four bytes stand in the entry itself, which no packet fits.
    if !is_bytes || count <= 4 {
        return None;
    }
    let start = usize::try_from(order.long(entry, 8)?).ok()?;
    let end = start.checked_add(count)?;
    (end <= bytes.len()).then_some(start..end)
}

fn user_comment<'a>(bytes: &'a [u8], order: Order, at: u32, metadata: &mut Metadata<'a>) -> Option<()> {
    for entry in directory(bytes, order, at)?.entries {
        if order.short(entry, 0)? == USER_COMMENT
            && let Some(range) = value(bytes, order, entry)
        {
            metadata.add(Payload::Exif(bytes.get(range)?));
        }
    }
    Some(())
}

/// Appends at an even place, as directories and values must stand.
fn append(file: &mut Vec<u8>, bytes: &[u8]) -> Result<u32, Obstacle> {
    if file.len() % 2 == 1 {
        file.push(0);
    }
    let place = u32::try_from(file.len()).map_err(|_| TOO_LARGE)?;
    file.extend_from_slice(bytes);
    Ok(place)
}
