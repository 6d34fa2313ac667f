use super::{Cursor, Metadata, Payload};
use crate::Finding;

pub(super) const SIGNATURE: &[u8] = &[0xff, 0xd8, 0xff];
const PACKET_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_HEADER: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const EXIF_HEADER: &[u8] = b"Exif\0\0";

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP15: u8 = 0xef;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

pub(super) fn walk(bytes: &[u8]) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    if segments(bytes, &mut metadata).is_none() {
        metadata.note(Finding::ContainerDamaged);
    }
    metadata
}

/// Nothing when the file ends before its first scan.
fn segments<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(2)?;
    loop {
        let [0xff] = cursor.array()? else {
            return None;
        };
        let [mut marker] = cursor.array()?;
        while marker == 0xff {
            [marker] = cursor.array()?;
        }
        match marker {
            START_OF_SCAN => return Some(()),
            END_OF_IMAGE => return None,
            // Markers that stand alone.
            0x01 | 0xd0..=START_OF_IMAGE => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(cursor.array()?)).checked_sub(2)?;
        let data = cursor.take(length)?;
        if (APP0..=APP15).contains(&marker) {
            application_segment(marker, data, metadata);
        }
    }
}

fn application_segment<'a>(marker: u8, data: &'a [u8], metadata: &mut Metadata<'a>) {
    if marker == APP1 {
        if let Some(packet) = data.strip_prefix(PACKET_HEADER) {
            return metadata.add(Payload::Packet(packet));
        }
        if data.starts_with(EXTENDED_HEADER) {
            return metadata.note(Finding::MetadataExtended);
        }
        if let Some(block) = data.strip_prefix(EXIF_HEADER) {
            return metadata.add(Payload::Exif(block));
        }
    }
    // Seen in the wild: the word AIGC and the object, with nothing between.
    if let Some(text) = data.strip_prefix(b"AIGC")
        && text.first() == Some(&b'{')
    {
        metadata.add(Payload::Text(text));
    }
}

/// The APP1 segment with the packet; nothing when it is longer than a segment can be.
pub(super) fn segment(packet: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(2 + PACKET_HEADER.len() + packet.len()).ok()?;
    Some([&[0xff, APP1], length.to_be_bytes().as_slice(), PACKET_HEADER, packet].concat())
}

/// JFIF wants its APP0 first, so the packet goes behind it.
pub(super) fn embed(bytes: &[u8], packet: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(bytes);
    let [0xff, START_OF_IMAGE] = cursor.array()? else {
        return None;
    };
    if let [0xff, APP0, ..] = cursor.rest {
        cursor.take(2)?;
        let length = usize::from(u16::from_be_bytes(cursor.array()?)).checked_sub(2)?;
        cursor.take(length)?;
    }
    let (head, rest) = bytes.split_at_checked(bytes.len() - cursor.rest.len())?;
    Some([head, &segment(packet)?, rest].concat())
}
