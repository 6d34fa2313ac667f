use super::{Container, Cursor, DAMAGED, Metadata, Obstacle, Payload, packet_with};
use crate::Finding;
use spec::FileFormat;

const EXTENSION: u8 = 0x21;
const APPLICATION: u8 = 0xff;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
/// Length, name and code of the application (Adobe XMP specification part 3).
const APPLICATION_ID: &[u8] = b"\x0bXMP DataXMP";
/// Behind the packet stand 0x01, 0xff … 0x00 and the end of the blocks, so that a reader of sub-blocks falls into step wherever in
/// the packet a length sends it.
const MAGIC_LENGTH: usize = 257;

/// GIF 89a: XMP in an application extension.
pub(super) struct Gif;

impl Container for Gif {
    const FORMAT: FileFormat = FileFormat::Gif;

    fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")
    }

    /// Nothing when the file ends before its trailer.
    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let mut cursor = Cursor::new(bytes);
        head(&mut cursor)?;
        loop {
            let block = next_block(&mut cursor)?;
            match block.packet {
                Some(Packet::Read(packet)) => metadata.add(Payload::Packet(packet)),
                Some(Packet::Damaged) => metadata.note(Finding::XmpMalformed),
                None => {}
            }
            if block.is_trailer {
                return Some(());
            }
        }
    }

    /// The extension stands before the first picture; GIF 87a, which has no extensions, becomes 89a.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let mut cursor = Cursor::new(bytes);
        let head = head(&mut cursor).ok_or(DAMAGED)?;
        let (mut kept, mut packets) = (Vec::new(), Vec::new());
        loop {
            let block = next_block(&mut cursor).ok_or(DAMAGED)?;
            match block.packet {
                Some(Packet::Read(packet)) => packets.push(packet),
                Some(Packet::Damaged) => return Err(super::PACKET_UNFIT),
                None => kept.push(block.whole),
            }
            if block.is_trailer {
                break;
            }
        }
        let head = [b"GIF89a", head.get(6..).ok_or(DAMAGED)?].concat();
        Ok([&head, &extension(&packet_with(&packets, label)?), &kept.concat(), cursor.rest].concat())
    }
}

/// A part of the file that stands for itself, whole; of an XMP extension also the packet.
struct Block<'a> {
    whole: &'a [u8],
    packet: Option<Packet<'a>>,
    is_trailer: bool,
}

enum Packet<'a> {
    Read(&'a [u8]),
    /// Without the bytes that end it.
    Damaged,
}

/// Header, logical screen and global palette.
fn head<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = cursor.rest;
    cursor.take(10)?;
    let [flags, _background, _aspect] = cursor.array()?;
    cursor.take(palette_length(flags))?;
    start.get(..start.len() - cursor.rest.len())
}

fn palette_length(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn sub_blocks(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        let [length] = cursor.array()?;
        if length == 0 {
            return Some(());
        }
        cursor.take(usize::from(length))?;
    }
}

fn next_block<'a>(cursor: &mut Cursor<'a>) -> Option<Block<'a>> {
    let start = cursor.rest;
    let mut packet = None;
    let [kind] = cursor.array()?;
    match kind {
        TRAILER => {}
        EXTENSION => {
            let [label] = cursor.array()?;
            let is_packet = label == APPLICATION && cursor.rest.starts_with(APPLICATION_ID);
            if is_packet {
                cursor.take(APPLICATION_ID.len())?;
            }
            let data = cursor.rest;
            sub_blocks(cursor)?;
            if is_packet {
                let blocks = data.get(..data.len() - cursor.rest.len())?;
                packet = Some(packet_of(blocks).map_or(Packet::Damaged, Packet::Read));
            }
        }
        IMAGE => {
            cursor.take(8)?;
            let [flags] = cursor.array()?;
            cursor.take(palette_length(flags) + 1)?;
            sub_blocks(cursor)?;
        }
        _ => return None,
    }
    Some(Block { whole: start.get(..start.len() - cursor.rest.len())?, packet, is_trailer: kind == TRAILER })
}

fn packet_of(blocks: &[u8]) -> Option<&[u8]> {
    let (packet, magic) = blocks.split_at_checked(blocks.len().checked_sub(MAGIC_LENGTH + 1)?)?;
    (magic.first() == Some(&1) && magic.ends_with(&[3, 2, 1, 0, 0])).then_some(packet)
}

/// The application extension with the packet.
pub(super) fn extension(packet: &[u8]) -> Vec<u8> {
    let magic: Vec<u8> = std::iter::once(1).chain((0..=255).rev()).chain([0]).collect();
    [&[EXTENSION, APPLICATION], APPLICATION_ID, packet, &magic].concat()
}
