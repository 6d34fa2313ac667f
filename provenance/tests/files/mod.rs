//! Small files of every format, put together here from their specifications and not by the crate.
#![allow(dead_code, reason = "each test file uses a part")]

use crate::support::{packet, png_chunk, unlabelled};
use spec::FileFormat;

/// What of each source must still be there after a label was written, in this order.
pub const CARRIERS: [(FileFormat, &[&[u8]]); 5] = [
    (FileFormat::Tiff, &[b"STRIPDATA", b"Danqing test\0"]),
    (FileFormat::Gif, &[b"\xff\0\0\0\0\xff", b"\x21\xfe\x05hello\0", b"\x2c\0\0\0\0\x02\0\x02\0\0\x02\x02\x84\x51\0\x3b"]),
    (FileFormat::Svg, &[b"<title>a &gt; b</title>", b"<path d='M0 0L9 9'/>"]),
    (FileFormat::Stl, &[b"solid bracket", b"\r\n  facet normal 0 0 1\r\n", b"vertex 1e0 0 0", b"endsolid bracket"]),
    (FileFormat::Glb, &[b"\"byteLength\":4.0e0", b"BIN\0\x01\x02\x03\x04"]),
];

/// One triangle, with the ends of lines and the numbers that some writers use.
const STL: &[u8] = b"solid bracket\r\n  facet normal 0 0 1\r\n    outer loop\r\n      vertex 0 0 0\r\n      vertex 1e0 0 0\r\n      vertex 0 1 0\r\n    endloop\r\n  endfacet\r\nendsolid bracket\r\n";

/// Name, format and bytes of files without a label.
pub fn make() -> Vec<(&'static str, FileFormat, Vec<u8>)> {
    let (png, jpeg, webp) = (unlabelled(FileFormat::Png), unlabelled(FileFormat::Jpeg), unlabelled(FileFormat::Webp));
    let other = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
                 xmlns:dc='http://purl.org/dc/elements/1.1/' dc:format='x'/></rdf:RDF></x:xmpmeta>";
    let png_chunk = png_chunk(*b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", other.as_bytes()].concat());
    let png_other = [&png[..33], &png_chunk, &png[33..]].concat();
    vec![
        ("png", FileFormat::Png, png),
        ("png with other XMP", FileFormat::Png, png_other),
        ("jpeg", FileFormat::Jpeg, jpeg.clone()),
        ("jpeg with EXIF", FileFormat::Jpeg, jpeg_with(&jpeg, &[b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"])),
        ("webp", FileFormat::Webp, webp),
        ("little-endian tiff", FileFormat::Tiff, tiff(false, None)),
        ("big-endian tiff", FileFormat::Tiff, tiff(true, None)),
        ("gif", FileFormat::Gif, gif(b"GIF89a", &[])),
        ("old gif", FileFormat::Gif, gif(b"GIF87a", &[])),
        ("svg", FileFormat::Svg, svg("")),
        ("svg with other XMP", FileFormat::Svg, svg(&format!("<metadata>{other}</metadata>"))),
        ("mp4, film first", FileFormat::Mp4, mp4(true, &[])),
        ("mp4, film last", FileFormat::Mp4, mp4(false, &[])),
        ("mp4 with iTunes metadata", FileFormat::Mp4, mp4(true, &itunes_metadata())),
        ("stl", FileFormat::Stl, STL.to_vec()),
        ("glb", FileFormat::Glb, glb("")),
        (
            "glb with other XMP",
            FileFormat::Glb,
            glb(
                r#","extensionsUsed":["KHR_xmp_json_ld","X"],"extensions":{"X":{"a":1},"KHR_xmp_json_ld":{"packets":[{"@context":{"dc":"http://purl.org/dc/elements/1.1/"},"dc:format":"x"}]}}"#,
            ),
        ),
    ]
}

/// Files whose label stands where Danqing does not write it, and whether it can be moved or stays where it is.
pub fn with_label_elsewhere(label: &str) -> Vec<(&'static str, Vec<u8>, bool)> {
    let wrapped = format!("{{\"AIGC\":{label}}}");
    let (png, jpeg) = (unlabelled(FileFormat::Png), unlabelled(FileFormat::Jpeg));
    let text = png_chunk(*b"tEXt", format!("AIGC\0{wrapped}").as_bytes());
    let comment = [b"Exif\0\0II*\0\x08\0\0\0 ASCII\0\0\0", wrapped.as_bytes()].concat();
    let attribute =
        packet("").replace("<TC260:AIGC></TC260:AIGC>", "").replace("rdf:about=''", &format!("rdf:about='' TC260:AIGC='{label}'"));
    let keyed = keyed_metadata(&[(b"com.apple.quicktime.make", b"someone"), (b"AIGC", label.as_bytes())]);
    let uuid =
        [&[0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac][..], packet(label).as_bytes()]
            .concat();
    let prefix = r#","extensionsUsed":["KHR_xmp_json_ld"],"extensions":{"KHR_xmp_json_ld":{"packets":[{"@context":{"t":"http://www.tc260.org.cn/ns/AIGC/1.0/"},"t:AIGC":LABEL}]}}"#;
    vec![
        ("png tEXt", [&png[..33], &text, &png[33..]].concat(), true),
        ("jpeg APP11", jpeg_segment(&jpeg, 0xeb, format!("AIGC{wrapped}").as_bytes()), true),
        ("jpeg UserComment", jpeg_with(&jpeg, &[&comment]), false),
        ("tiff, attribute form", tiff(false, Some(attribute.as_bytes())), true),
        ("gif, attribute form", gif(b"GIF89a", &gif_extension(attribute.as_bytes())), true),
        ("svg, attribute form", svg(&format!("<metadata>{attribute}</metadata>")), true),
        ("mp4 keys", mp4(true, &keyed), true),
        ("mp4 uuid", [mp4(true, &[]), boxed(b"uuid", &uuid)].concat(), false),
        ("glb, other prefix", glb(&prefix.replace("LABEL", &serde_json::Value::from(label).to_string())), true),
    ]
}

fn jpeg_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let segment = [&[0xff, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat();
    [&jpeg[..20], &segment, &jpeg[20..]].concat()
}

fn jpeg_with(jpeg: &[u8], blocks: &[&[u8]]) -> Vec<u8> {
    blocks.iter().fold(jpeg.to_vec(), |jpeg, block| jpeg_segment(&jpeg, 0xe1, block))
}

/// One grey pixel in one strip, with a description.
fn tiff(is_big: bool, xmp: Option<&[u8]>) -> Vec<u8> {
    let short = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let (strip, description) = (b"STRIPDATA".as_slice(), b"Danqing test\0".as_slice());
    let mut bytes = if is_big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    bytes.extend(long(0));
    let mut values = Vec::new();
    for value in [strip, description].into_iter().chain(xmp) {
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        values.push((bytes.len() as u32, value.len() as u32));
        bytes.extend(value);
    }
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let directory = bytes.len() as u32;
    // A value of one short stands at the beginning of its four bytes.
    let inline = |value: u16| [short(value), [0, 0]].concat();
    let mut entries = vec![
        (256, 3, 1, inline(1)),
        (257, 3, 1, inline(1)),
        (258, 3, 1, inline(8)),
        (259, 3, 1, inline(1)),
        (262, 3, 1, inline(1)),
        (270, 2, values[1].1, long(values[1].0).to_vec()),
        (273, 4, 1, long(values[0].0).to_vec()),
        (278, 3, 1, inline(1)),
        (279, 4, 1, long(1).to_vec()),
    ];
    if let Some((place, length)) = values.get(2) {
        entries.push((700, 1, *length, long(*place).to_vec()));
    }
    bytes.extend(short(entries.len() as u16));
    for (tag, kind, count, value) in entries {
        bytes.extend([short(tag).to_vec(), short(kind).to_vec(), long(count).to_vec(), value].concat());
    }
    bytes.extend(long(0));
    bytes[4..8].copy_from_slice(&long(directory));
    bytes
}

fn gif(signature: &[u8], extension: &[u8]) -> Vec<u8> {
    let screen = [2, 0, 2, 0, 0x80, 0, 0];
    let palette = [0xff, 0, 0, 0, 0, 0xff];
    let comment: &[u8] = b"\x21\xfe\x05hello\0";
    let image: &[u8] = &[0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 2, 0x84, 0x51, 0];
    [signature, &screen, &palette, comment, extension, image, &[0x3b]].concat()
}

fn gif_extension(packet: &[u8]) -> Vec<u8> {
    let magic: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    [b"\x21\xff\x0bXMP DataXMP".as_slice(), packet, &magic].concat()
}

fn svg(inner: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- <svg> -->\n<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9' data-x='a>b'>{inner}<title>a &gt; b</title><path d='M0 0L9 9'/></svg>\n"
    )
    .into_bytes()
}

pub fn boxed(kind: &[u8], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A film of two chunks, with 32-bit places in one track and 64-bit ones in another.
fn mp4(film_first: bool, metadata: &[u8]) -> Vec<u8> {
    let brand = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2mp41");
    let data = boxed(b"mdat", b"FIRSTCHKSECONDCK");
    let film = |start: u32| {
        let short_places = boxed(b"stco", &[&[0; 4], &1_u32.to_be_bytes()[..], &start.to_be_bytes()].concat());
        let long_places = boxed(b"co64", &[&[0; 4], &1_u32.to_be_bytes()[..], &u64::from(start + 8).to_be_bytes()].concat());
        let track = |places: &[u8]| {
            let table = boxed(b"stbl", &[boxed(b"stsd", &[0; 8]), places.to_vec()].concat());
            boxed(b"trak", &[boxed(b"tkhd", &[0; 8]), boxed(b"mdia", &boxed(b"minf", &table))].concat())
        };
        boxed(b"moov", &[boxed(b"mvhd", &[0; 100]), track(&short_places), track(&long_places), metadata.to_vec()].concat())
    };
    if film_first {
        let start = brand.len() + film(0).len() + 8;
        [brand.clone(), film(start as u32), data].concat()
    } else {
        let start = brand.len() as u32 + 8;
        [brand, data, film(start)].concat()
    }
}

/// Where the chunks of a film made by [`mp4`] stand, whatever was written into it since.
pub fn mp4_chunk_places(bytes: &[u8]) -> Vec<usize> {
    let find = |kind: &[u8]| bytes.windows(4).position(|window| window == kind).unwrap();
    let (short, long) = (find(b"stco") + 12, find(b"co64") + 12);
    let short = u32::from_be_bytes(bytes[short..short + 4].try_into().unwrap());
    let long = u64::from_be_bytes(bytes[long..long + 8].try_into().unwrap());
    vec![short as usize, long as usize]
}

/// As ffmpeg leaves it unless told otherwise.
fn itunes_metadata() -> Vec<u8> {
    let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0");
    let item = boxed(b"\xa9too", &boxed(b"data", b"\0\0\0\x01\0\0\0\0Lavf60"));
    boxed(b"udta", &boxed(b"meta", &[vec![0; 4], handler, boxed(b"ilst", &item)].concat()))
}

fn keyed_metadata(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0mdta\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let keys: Vec<u8> = entries.iter().flat_map(|(key, _)| boxed(b"mdta", key)).collect();
    let keys = boxed(b"keys", &[&[0; 4], &(entries.len() as u32).to_be_bytes()[..], &keys].concat());
    let items = entries.iter().enumerate().flat_map(|(index, (_, value))| {
        let data = boxed(b"data", &[b"\0\0\0\x01\0\0\0\0", *value].concat());
        boxed(&(index as u32 + 1).to_be_bytes(), &data)
    });
    let items: Vec<u8> = items.collect();
    boxed(b"udta", &boxed(b"meta", &[vec![0; 4], handler, keys, boxed(b"ilst", &items)].concat()))
}

/// A scene without anything in it; `more` follows its other members.
fn glb(more: &str) -> Vec<u8> {
    let mut json = format!("{{\"asset\":{{\"version\":\"2.0\"}},\"buffers\":[{{\"byteLength\":4.0e0}}]{more}}}").into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let chunk = |kind: &[u8; 4], data: &[u8]| [&(data.len() as u32).to_le_bytes()[..], kind, data].concat();
    let body = [chunk(b"JSON", &json), chunk(b"BIN\0", &[1, 2, 3, 4])].concat();
    [b"glTF\x02\0\0\0".as_slice(), &(body.len() as u32 + 12).to_le_bytes(), &body].concat()
}

/// An AVIF file without a picture, whose XMP item lies in the metadata box itself.
pub fn heif_with_label(label: &str) -> Vec<u8> {
    let packet = packet(label);
    let brand = boxed(b"ftyp", b"avif\0\0\0\0avifmif1");
    let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let info = boxed(b"infe", &[b"\x02\0\0\0\0\x01\0\0mimeXMP\0".as_slice(), b"application/rdf+xml\0"].concat());
    let infos = boxed(b"iinf", &[b"\0\0\0\0\0\x01".as_slice(), &info].concat());
    // Version 1: sizes 4 4 0 0, one item, construction method 1 (within idat), one extent.
    let length = (packet.len() as u32).to_be_bytes();
    let places = boxed(b"iloc", &[b"\x01\0\0\0\x44\0\0\x01\0\x01\0\x01\0\0\0\x01\0\0\0\0".as_slice(), &length].concat());
    let data = boxed(b"idat", packet.as_bytes());
    [brand, boxed(b"meta", &[vec![0; 4], handler, infos, places, data].concat())].concat()
}
