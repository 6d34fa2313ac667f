//! Files that are there already, in every format that is written: the label goes in, reads back, keeps the rest of the file, and a
//! producer's fields stay whatever is added.

mod files;
mod support;

use files::{CARRIERS, heif_with_label, make, mp4_chunk_places, with_label_elsewhere};
use provenance::{Algorithm, EarlierPropagator, Error, Finding, Ground, LabelKey, LabelVerdict, Propagator, Security, read_labels};
use spec::stage::Labelled as _;
use spec::{FileFormat, ProduceId, Timestamp};
use std::time::{Duration, Instant};
use support::{FORMATS, LABEL_JSON, PRODUCE_ID, PROVIDER_CODE, decode, generated, label, labeller, noise, produce_id};

const PROPAGATOR: &str = "001191110102MACQD9K64028705";

fn propagator() -> Propagator {
    Propagator::new(PROPAGATOR.parse().unwrap(), None).unwrap()
}

fn id(number: u8) -> ProduceId {
    ProduceId::new(Timestamp(1_795_392_000_000), [number; 10])
}

fn pass_on(bytes: &[u8], ground: Option<Ground>) -> Result<Vec<u8>, Error> {
    propagator().pass_on(bytes, ground, EarlierPropagator::Keep, id(1)).map(|copy| copy.bytes().to_vec())
}

#[test]
fn a_declared_file_gets_a_label_that_reads_back_in_every_format() {
    for (name, format, bytes) in make() {
        assert_eq!(read_labels(&bytes).verdict, LabelVerdict::NotFound, "{name}");
        assert!(matches!(pass_on(&bytes, None), Err(Error::GroundMissing)), "{name}");
        for (ground, kind) in [(Ground::Declared, "2"), (Ground::Suspected, "3")] {
            let written = pass_on(&bytes, Some(ground)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let report = read_labels(&written);
            assert_eq!((report.format, report.verdict, &report.findings), (Some(format), LabelVerdict::Compliant, &vec![]), "{name}");
            let text = format!(
                r#"{{"Label":"{kind}","ContentProducer":"","ProduceID":"","ReservedCode1":"","ContentPropagator":"{PROPAGATOR}","PropagateID":"{}","ReservedCode2":""}}"#,
                id(1)
            );
            assert_eq!(report.raw, [text], "{name}");
            // A later propagator's fields take the place of the earlier ones, and no second label appears.
            assert!(matches!(pass_on(&written, None), Err(Error::AlreadyPropagated(code)) if code == PROPAGATOR));
            let again = propagator().pass_on(&written, None, EarlierPropagator::Replace, id(2)).unwrap();
            let report = read_labels(again.bytes());
            assert_eq!((report.verdict, report.raw.len()), (LabelVerdict::Compliant, 1), "{name}");
            let values = report.values.unwrap();
            assert_eq!((values.label.as_str(), values.propagate_id), (kind, id(2).to_string()));
            assert!(again.bytes().len() <= written.len() + 2_000, "{name}: files do not grow for nothing");
            let marker = [b"TC260:AIGC".as_slice(), b"\"PropagateID\"", b"\\\"PropagateID"];
            let count = |bytes: &[u8]| bytes.windows(14).filter(|window| marker.iter().any(|marker| window.starts_with(marker))).count();
            assert_eq!(count(again.bytes()), count(&written), "{name}: the earlier label is gone from the bytes");
        }
    }
}

#[test]
fn pictures_keep_their_pixels_and_films_their_chunks() {
    for (name, format, bytes) in make() {
        let written = pass_on(&bytes, Some(Ground::Declared)).unwrap();
        match format {
            FileFormat::Png | FileFormat::Jpeg | FileFormat::Webp => {
                assert_eq!(decode(&written).pixels(), decode(&bytes).pixels(), "{name}");
            }
            FileFormat::Mp4 => {
                let (before, after) = (mp4_chunk_places(&bytes), mp4_chunk_places(&written));
                assert_eq!(before.len(), after.len());
                for (old, new) in before.iter().zip(&after) {
                    assert_eq!(bytes[*old..*old + 8], written[*new..*new + 8], "{name}: chunk at {old}, now at {new}");
                }
            }
            _ => {
                // Everything of the source but lengths and places is still there, in order.
                let mut rest = written.as_slice();
                for piece in CARRIERS.iter().filter(|(carrier, _)| *carrier == format).flat_map(|(_, pieces)| *pieces) {
                    let place = rest.windows(piece.len()).position(|window| window == *piece);
                    rest = &rest[place.unwrap_or_else(|| panic!("{name} lost {piece:?}"))..];
                }
            }
        }
    }
}

#[test]
fn a_producers_label_is_kept_and_its_signature_still_holds() {
    let key = || LabelKey::from_seed(Algorithm::Ed25519, [7; 32]).unwrap();
    let signing = Propagator::new(PROPAGATOR.parse().unwrap(), Some(key())).unwrap();
    for format in FORMATS {
        let produced = labeller().with_key(key()).label(generated(noise(80, 64), format), produce_id()).unwrap();
        let copy = signing.pass_on(produced.bytes(), Some(Ground::Declared), EarlierPropagator::Keep, id(3)).unwrap();
        let (before, after) = (read_labels(produced.bytes()), read_labels(copy.bytes()));
        assert_eq!((after.verdict, &after.findings), (LabelVerdict::Compliant, &vec![]), "{format}");
        assert_eq!(after.producer_security, Security::Valid { key: key().public().clone() });
        assert_eq!(after.propagator_security, Security::Valid { key: key().public().clone() });
        let (before, after) = (before.values.unwrap(), after.values.unwrap());
        assert_eq!((before.label, before.content_producer, before.produce_id), (after.label, after.content_producer, after.produce_id));
        assert_eq!(before.reserved_code_1, after.reserved_code_1);
        assert_eq!((after.content_propagator.as_str(), after.propagate_id), (PROPAGATOR, id(3).to_string()));
        assert_eq!(decode(copy.bytes()).pixels(), decode(produced.bytes()).pixels());
        let record = copy.relabelling();
        assert_eq!(record.source_sha256, produced.content_sha256());
        assert!(record.source_label.as_ref().unwrap().contains(PROVIDER_CODE) && record.label.contains(PROPAGATOR));
    }
}

#[test]
fn foreign_labels_in_other_places_are_kept_or_the_file_is_refused() {
    for (name, bytes, is_moved) in with_label_elsewhere(LABEL_JSON) {
        let result = pass_on(&bytes, None);
        if is_moved {
            let report = read_labels(&result.unwrap_or_else(|error| panic!("{name}: {error}")));
            assert_eq!((report.verdict, report.raw.len()), (LabelVerdict::Compliant, 1), "{name}: {:?}", report.findings);
            let values = report.values.unwrap();
            assert_eq!((values.produce_id.as_str(), values.content_propagator.as_str()), (PRODUCE_ID, PROPAGATOR), "{name}");
        } else {
            assert!(matches!(result, Err(Error::ReadBackDiffers { .. } | Error::FileUnfit { .. })), "{name}");
        }
    }
}

#[test]
fn labels_that_cannot_be_kept_are_refused() {
    let png = label(noise(64, 64), FileFormat::Png);
    let doubled = [&png.bytes()[..33 + 560], &png.bytes()[33..]].concat();
    let fields = support::png_with_label(&LABEL_JSON.replace("\"Label\":\"1\"", "\"Label\":\"1\",\"Extra\":\"x\""));
    let characters = support::png_with_label(&LABEL_JSON.replace("\"ReservedCode1\":\"\"", "\"ReservedCode1\":\"a b\""));
    for bytes in [doubled, fields, characters, b"GIF89a".to_vec()] {
        assert!(matches!(pass_on(&bytes, Some(Ground::Declared)), Err(Error::LabelUnclear { .. })));
    }
    for bytes in [&b"text"[..], b""] {
        assert!(matches!(pass_on(bytes, Some(Ground::Declared)), Err(Error::FileUnfit { .. })));
    }
    assert!(Propagator::new(PROVIDER_CODE.parse().unwrap(), None).is_err(), "a generation code");
}

#[test]
fn heif_is_read() {
    let report = read_labels(&heif_with_label(LABEL_JSON));
    assert_eq!((report.format, report.verdict, &report.findings), (Some(FileFormat::Heif), LabelVerdict::Compliant, &vec![]));
    assert_eq!(report.raw, [LABEL_JSON]);
    assert!(matches!(pass_on(&heif_with_label(LABEL_JSON), None), Err(Error::FileUnfit { .. })));
}

#[test]
fn damaged_files_of_every_format_are_survived() {
    let started = Instant::now();
    let mut files: Vec<(String, Vec<u8>)> =
        make().into_iter().map(|(name, _, bytes)| (name.to_owned(), pass_on(&bytes, Some(Ground::Declared)).unwrap())).collect();
    files.push(("heif".to_owned(), heif_with_label(LABEL_JSON)));
    for (name, bytes) in &files {
        let text = read_labels(bytes).raw;
        // Long files are sampled; the odd step meets every alignment.
        let step = (bytes.len() / 1_500).max(1) | 1;
        for position in (0..bytes.len()).step_by(step) {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[position] ^= flip;
                let report = read_labels(&changed);
                if report.raw.len() > 1 {
                    assert_ne!(report.verdict, LabelVerdict::Compliant, "{name} byte {position}");
                }
                // What a writer makes of it is either an error, or a file with one label.
                if position % 5 == 0
                    && let Ok(written) = propagator().pass_on(&changed, Some(Ground::Suspected), EarlierPropagator::Replace, id(9))
                {
                    assert_eq!(read_labels(written.bytes()).raw.len(), 1, "{name} byte {position}");
                }
            }
            let cut = read_labels(&bytes[..position]);
            assert!(cut.raw.is_empty() || cut.raw == text || cut.verdict != LabelVerdict::Compliant, "{name} cut at {position}");
            let mut longer = bytes.clone();
            longer.insert(position, 0xff);
            let _ = read_labels(&longer);
        }
    }
    println!("{} files in {:?}", files.len(), started.elapsed());
    assert!(started.elapsed() < Duration::from_mins(2));
}

#[test]
fn hostile_documents_and_boxes_take_linear_time() {
    let svg = |inner: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inner}</svg>").into_bytes();
    let bomb =
        "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><svg xmlns='http://www.w3.org/2000/svg'>&b;</svg>";
    let external = "<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><svg xmlns='http://www.w3.org/2000/svg'>&a;</svg>";
    let nested_boxes = |depth: usize| {
        let mut inner = Vec::new();
        for _ in 0..depth {
            inner = [&(inner.len() as u32 + 8).to_be_bytes()[..], b"moov", &inner].concat();
        }
        [b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), &inner].concat()
    };
    let json = |text: &str| {
        let length = (text.len() as u32).to_le_bytes();
        [b"glTF\x02\0\0\0".as_slice(), &(text.len() as u32 + 20).to_le_bytes(), &length, b"JSON", text.as_bytes()].concat()
    };
    let tiff_loop = b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec();
    for (bytes, finding) in [
        (bomb.as_bytes().to_vec(), Finding::XmpMalformed),
        (external.as_bytes().to_vec(), Finding::XmpMalformed),
        (svg(&"<g>".repeat(200_000)), Finding::MetadataTooComplex),
        (svg(&"<g/>".repeat(1_100_000)), Finding::MetadataTooComplex),
        (svg(&" ".repeat(33 << 20)), Finding::MetadataTooLarge),
        ([b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), &b"\0\0\0\x08free".repeat(300_000)].concat(), Finding::ContainerDamaged),
        (json(&format!("{{\"asset\":{}", "[".repeat(1 << 20))), Finding::ContainerDamaged),
        (tiff_loop, Finding::MetadataTooLarge),
        ([b"II*\0\x08\0\0\0".as_slice(), &[0xff; 64]].concat(), Finding::ContainerDamaged),
        (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec(), Finding::LayoutUnsupported),
        ([b"GIF89a\x01\0\x01\0\0\0\0".as_slice(), &vec![0x21; 1 << 20]].concat(), Finding::ContainerDamaged),
    ] {
        let started = Instant::now();
        let report = read_labels(&bytes);
        assert_eq!(
            (report.verdict, report.findings.as_slice()),
            (LabelVerdict::Inconclusive, [finding].as_slice()),
            "{} bytes",
            bytes.len()
        );
        assert!(started.elapsed() < Duration::from_secs(10), "{finding:?} in {:?}", started.elapsed());
        assert!(pass_on(&bytes, Some(Ground::Declared)).is_err());
    }
    assert_eq!(read_labels(&nested_boxes(20_000)).verdict, LabelVerdict::NotFound);
    let drawing = "<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>\n\
                   <svg xmlns='http://www.w3.org/2000/svg' width='9'/>";
    let written = pass_on(drawing.as_bytes(), Some(Ground::Declared)).unwrap();
    assert_eq!(read_labels(&written).verdict, LabelVerdict::Compliant, "{}", String::from_utf8_lossy(&written));
}
