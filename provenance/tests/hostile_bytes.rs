//! The reader never panics or hangs, whatever the bytes, and never calls a damaged or doubled label compliant.

mod support;

use provenance::{Finding, LabelReport, LabelVerdict, read_labels};
use spec::FileFormat;
use spec::stage::Labelled as _;
use std::time::{Duration, Instant};
use support::{FORMATS, LABEL_JSON, label, paint, png_chunk, unlabelled};

fn labelled(format: FileFormat) -> Vec<u8> {
    label(paint(64, 64, |x, _| [x as u8, 60, 200]), format).bytes().to_vec()
}

/// The bytes that carry the packet in a labelled file, header and all.
fn carrier(format: FileFormat, bytes: &[u8]) -> std::ops::Range<usize> {
    let find = |wanted: &[u8]| bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
    match format {
        FileFormat::Png => 33..33 + 560,
        FileFormat::Jpeg => 20..20 + 559,
        FileFormat::Webp => find(b"XMP ")..find(b"XMP ") + 534,
        other => panic!("{other} has no carrier"),
    }
}

fn insert(bytes: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    let mut result = [&bytes[..at], what, &bytes[at..]].concat();
    if result.starts_with(b"RIFF") {
        let size = result.len() as u32 - 8;
        result[4..8].copy_from_slice(&size.to_le_bytes());
    }
    result
}

fn png_with(kind: [u8; 4], data: &[u8]) -> LabelReport {
    read_labels(&insert(&unlabelled(FileFormat::Png), 33, &png_chunk(kind, data)))
}

fn jpeg_with(marker: u8, data: &[u8]) -> LabelReport {
    let length = (data.len() as u16 + 2).to_be_bytes();
    read_labels(&insert(&unlabelled(FileFormat::Jpeg), 20, &[&[0xff, marker], &length[..], data].concat()))
}

#[test]
fn every_flipped_byte_and_every_cut_is_survived() {
    let started = Instant::now();
    let mut reads = 0;
    for format in FORMATS {
        let bytes = labelled(format);
        for position in 0..bytes.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[position] ^= flip;
                let report = read_labels(&changed);
                let in_packet = carrier(format, &bytes).contains(&position);
                if format == FileFormat::Png && in_packet {
                    assert_ne!(report.verdict, LabelVerdict::Compliant, "the checksum covers byte {position}");
                }
                if report.verdict == LabelVerdict::Compliant && !in_packet {
                    assert_eq!(report.raw, [LABEL_JSON]);
                }
                reads += 1;
            }
            let cut = read_labels(&bytes[..position]);
            if format != FileFormat::Jpeg {
                assert_ne!(cut.verdict, LabelVerdict::Compliant, "{format} cut at {position}");
            }
            let mut shortened = bytes.clone();
            shortened.remove(position);
            let _ = read_labels(&shortened);
            let _ = read_labels(&insert(&bytes, position, &[0xff]));
            reads += 3;
        }
    }
    println!("{reads} damaged files in {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_mins(2));
}

#[test]
fn noise_behind_each_signature_is_survived() {
    let mut state = 88_172_645_463_325_252_u64;
    for round in 0..20_000_usize {
        let mut bytes: Vec<u8> = match round % 4 {
            0 => b"\x89PNG\r\n\x1a\n".to_vec(),
            1 => vec![0xff, 0xd8, 0xff],
            2 => b"RIFF\x40\0\0\0WEBP".to_vec(),
            _ => Vec::new(),
        };
        for _ in 0..round % 97 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(state as u8);
        }
        assert_ne!(read_labels(&bytes).verdict, LabelVerdict::Compliant);
    }
}

#[test]
fn two_labels_are_not_compliant() {
    for format in FORMATS {
        let bytes = labelled(format);
        let range = carrier(format, &bytes);
        let doubled = insert(&bytes, range.end, &bytes[range.clone()]);
        let report = read_labels(&doubled);
        assert_eq!(report.verdict, LabelVerdict::Noncompliant, "{format}");
        assert_eq!(report.findings, [Finding::DuplicateLabel]);
        assert_eq!(report.raw.len(), 2);
    }
    let text = png_chunk(*b"tEXt", format!("AIGC\0{{\"AIGC\":{LABEL_JSON}}}").as_bytes());
    let report = read_labels(&insert(&labelled(FileFormat::Png), 33, &text));
    assert_eq!(report.verdict, LabelVerdict::Noncompliant);
    assert!(report.findings.contains(&Finding::DuplicateLabel));
}

#[test]
fn the_alternative_places_are_read() {
    let wrapped = format!("{{\"AIGC\":{LABEL_JSON}}}");
    let comment = [b"II*\0\x08\0\0\0garbage ASCII\0\0\0", wrapped.as_bytes(), b"\xff\xfe rest"].concat();
    for report in [
        png_with(*b"tEXt", format!("AIGC\0{wrapped}").as_bytes()),
        png_with(*b"eXIf", &comment),
        jpeg_with(0xe1, &[b"Exif\0\0", comment.as_slice()].concat()),
        jpeg_with(0xeb, format!("AIGC{wrapped}").as_bytes()),
    ] {
        assert_eq!(report.verdict, LabelVerdict::Compliant, "{:?}", report.findings);
        assert_eq!(report.findings, [Finding::PlacementAlternative]);
        assert!(report.label.is_some());
    }
    let bare = png_with(*b"tEXt", format!("AIGC\0{LABEL_JSON}").as_bytes());
    assert_eq!(bare.verdict, LabelVerdict::Noncompliant);
}

#[test]
fn what_cannot_be_read_is_inconclusive() {
    let packet = |inner: &str| [b"XML:com.adobe.xmp\0\0\0\0\0", inner.as_bytes()].concat();
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><a>&c;</a>";
    for (report, finding) in [
        (png_with(*b"iTXt", &packet(bomb)), Finding::XmpMalformed),
        (png_with(*b"iTXt", &packet("<a><b></a>")), Finding::XmpMalformed),
        (png_with(*b"iTXt", &packet(&" ".repeat(10 << 20))), Finding::MetadataTooLarge),
        (png_with(*b"iTXt", &packet(&"<a>".repeat(50_000))), Finding::MetadataTooComplex),
        (png_with(*b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0\x78\x9c"), Finding::MetadataCompressed),
        (png_with(*b"iTXt", b"XML:com.adobe.xmp\0\0"), Finding::ContainerDamaged),
        (jpeg_with(0xe1, b"http://ns.adobe.com/xmp/extension/\0rest"), Finding::MetadataExtended),
        (read_labels(b""), Finding::FormatUnknown),
        (read_labels(b"BM\0\0"), Finding::FormatUnknown),
        (read_labels(b"GIF89a"), Finding::ContainerDamaged),
    ] {
        assert_eq!((report.verdict, report.findings), (LabelVerdict::Inconclusive, vec![finding]));
    }
}

#[test]
fn large_hostile_files_take_linear_time() {
    let empty_chunks = [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(*b"tEXt", b"AIGC\0{}").repeat(200_000)].concat();
    let packets = png_chunk(*b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", "<a/>".repeat(60_000).as_bytes()].concat());
    let many_packets = [b"\x89PNG\r\n\x1a\n".to_vec(), packets.repeat(40)].concat();
    let almost_comments = [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(*b"eXIf", &b"ASCII\0\0\0{\"AIG".repeat(15_000))].concat();
    for bytes in
        [empty_chunks, many_packets, almost_comments, vec![0xff; 8 << 20], [&[0xff, 0xd8], vec![0xff; 8 << 20].as_slice()].concat()]
    {
        let started = Instant::now();
        assert_ne!(read_labels(&bytes).verdict, LabelVerdict::Compliant);
        println!("{} bytes in {:?}", bytes.len(), started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
