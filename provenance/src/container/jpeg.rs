pub(crate) mod second_pictures;

use super::{Container, Cursor, DAMAGED, Metadata, Obstacle, Payload, TOO_LARGE, packet_with};
use crate::Finding;
use spec::FileFormat;

const SIGNATURE: &[u8] = &[0xff, 0xd8, 0xff];
const PACKET_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_HEADER: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const EXIF_HEADER: &[u8] = b"Exif\0\0";

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP15: u8 = 0xef;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// JPEG (ISO/IEC 10918-1, and JFIF): XMP in an APP1 segment.
pub(super) struct Jpeg;

impl Container for Jpeg {
    const FORMAT: FileFormat = FileFormat::Jpeg;

    fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(SIGNATURE)
    }

    /// Nothing when the file ends before its first scan.
    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(2)?;
        loop {
            let segment = next_segment(&mut cursor)?;
            match segment.marker {
                START_OF_SCAN => return Some(()),
                APP0..=APP15 => application_segment(&segment, metadata),
                _ => {}
            }
        }
    }

    /// JFIF wants its APP0 first, and EXIF its APP1, so the packet goes behind them. A bare label moves into it.
    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let mut cursor = Cursor::new(bytes);
        let start = cursor.take(2).ok_or(DAMAGED)?;
        let (mut head, mut kept, mut packets) = (vec![start], Vec::new(), Vec::new());
        let scan = loop {
            let segment = next_segment(&mut cursor).ok_or(DAMAGED)?;
            let is_application = (APP0..=APP15).contains(&segment.marker);
            let goes_first = segment.marker == APP0 || segment.marker == APP1 && segment.data.starts_with(EXIF_HEADER);
            match segment.data.strip_prefix(PACKET_HEADER).filter(|_| segment.marker == APP1) {
                Some(packet) => packets.push(packet),
                None if segment.marker == START_OF_SCAN => break segment.whole,
                None if is_application && bare_label(segment.data).is_some() => {}
                None if goes_first && kept.is_empty() => head.push(segment.whole),
                None => kept.push(segment.whole),
            }
        };
        let written = self::segment(&packet_with(&packets, label)?).ok_or(TOO_LARGE)?;
        let mut file = [&head.concat(), &written, &kept.concat(), scan, cursor.rest].concat();
        second_pictures::follow(bytes, &mut file).ok_or(SECOND_PICTURES_UNFIT)?;
        Ok(file)
    }
}

/// A marker with its data, if it has any, whole and by its parts.
struct Segment<'a> {
    whole: &'a [u8],
    marker: u8,
    data: &'a [u8],
}

/// The next segment before the first scan; of the scan only the marker.
fn next_segment<'a>(cursor: &mut Cursor<'a>) -> Option<Segment<'a>> {
    let start = cursor.rest;
    let [0xff] = cursor.array()? else {
        return None;
    };
    let [mut marker] = cursor.array()?;
    while marker == 0xff {
        [marker] = cursor.array()?;
    }
    let data = match marker {
        END_OF_IMAGE => return None,
        // Markers that stand alone, and the one after which walking ends.
        START_OF_SCAN | 0x01 | 0xd0..=START_OF_IMAGE => &[],
        _ => {
            let length = usize::from(u16::from_be_bytes(cursor.array()?)).checked_sub(2)?;
            cursor.take(length)?
        }
    };
    Some(Segment { whole: start.get(..start.len() - cursor.rest.len())?, marker, data })
}

fn application_segment<'a>(segment: &Segment<'a>, metadata: &mut Metadata<'a>) {
    if segment.marker == APP1 {
        if let Some(packet) = segment.data.strip_prefix(PACKET_HEADER) {
            return metadata.add(Payload::Packet(packet));
        }
        if segment.data.starts_with(EXTENDED_HEADER) {
            return metadata.note(Finding::MetadataExtended);
        }
        if let Some(block) = segment.data.strip_prefix(EXIF_HEADER) {
            return metadata.add(Payload::Exif(block));
        }
    }
    if let Some(text) = bare_label(segment.data) {
        metadata.add(Payload::Text(text));
    }
}

/// Seen in the wild: the word AIGC and the object, with nothing between.
fn bare_label(data: &[u8]) -> Option<&[u8]> {
    data.strip_prefix(b"AIGC").filter(|text| text.first() == Some(&b'{'))
}

/// The APP1 segment with the packet; nothing when it is longer than a segment can be.
pub(super) fn segment(packet: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(2 + PACKET_HEADER.len() + packet.len()).ok()?;
    Some([&[0xff, APP1], length.to_be_bytes().as_slice(), PACKET_HEADER, packet].concat())
}

/// Further pictures would be lost.
pub(crate) const SECOND_PICTURES_UNFIT: Obstacle = Obstacle {
    english: "where its second picture (a gain map, for example) lies cannot be kept right",
    chinese: "无法保持其中第二张图片（如增益图）的位置信息",
};
