//! Every labelled file says what was written into it, in the very bytes of the fixtures, and the same again on a second run.

mod support;

use provenance::{Error, Finding, LabelVerdict, Labeller, ProviderCode, Warning, read_labels, read_watermark};
use spec::stage::Labelled as _;
use spec::{Code, FileFormat, Picture, Sha256Digest};
use support::{FORMATS, LABEL_JSON, PRODUCE_ID, PROVIDER_CODE, decode, generated, label, labeller, noise, paint, produce_id, unlabelled};

fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

#[test]
fn the_label_survives_encoding_at_every_size() {
    for (width, height) in [(64, 64), (65, 97), (64, 512), (512, 64), (256, 256), (333, 200), (1024, 128), (1024, 1024)] {
        for format in FORMATS {
            let labelled = label(noise(width, height), format);
            let report = read_labels(labelled.bytes());
            assert_eq!(report.verdict, LabelVerdict::Compliant, "{width}×{height} {format}: {:?}", report.findings);
            assert_eq!(report.format, Some(format));
            assert_eq!(report.findings, []);
            assert_eq!(report.raw, [LABEL_JSON]);
            assert_eq!(report.label.as_ref(), Some(labelled.production().unwrap().label));
            assert_eq!(report.values.unwrap().produce_id, PRODUCE_ID);
            assert_eq!(labelled.content_sha256(), Sha256Digest::of(labelled.bytes()));
            assert_eq!(labelled.production().unwrap().explicit_label, "AI生成");
            let decoded = decode(labelled.bytes());
            assert_eq!((decoded.width(), decoded.height()), (width, height));
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_fixtures() {
    let picture = || paint(64, 64, |x, y| [x as u8, y as u8, 99]);
    let png = label(picture(), FileFormat::Png);
    let jpeg = label(picture(), FileFormat::Jpeg);
    let webp = label(picture(), FileFormat::Webp);
    let jpeg_start = position(jpeg.bytes(), b"http://ns.adobe.com/xap/1.0/\0") - 4;
    let webp_start = position(webp.bytes(), b"XMP ");
    for (bytes, start, length, digest) in [
        (png.bytes(), 33, 560, "8e167febb83e9662e180031a2445b98c47a4c87d5087d345c5542e65e00e3a7d"),
        (jpeg.bytes(), jpeg_start, 559, "6922deb149e6b1fcfa3f9b842e4753e85f939bd06ce6f39b15377c72e0bcc03a"),
        (webp.bytes(), webp_start, 534, "1ad31d49701ab8c0cc6c51c3165a2d72d7537612df22437dd28d96e381365aa1"),
    ] {
        assert_eq!(Sha256Digest::of(&bytes[start..start + length]).to_string(), digest);
        let packet_start = position(bytes, b"<?xpacket begin");
        let packet = &bytes[packet_start..packet_start + 526];
        assert_eq!(Sha256Digest::of(packet).to_string(), "d3c542a6b2c26d190d34e736596e3a8c95a0126f95b71ae791b9b951d215d5fa");
        let document = roxmltree::Document::parse(std::str::from_utf8(packet).unwrap()).unwrap();
        let namespace = "http://www.tc260.org.cn/ns/AIGC/1.0/";
        let property = document.descendants().find(|node| node.has_tag_name((namespace, "AIGC"))).unwrap();
        assert_eq!(property.text(), Some(LABEL_JSON));
        assert_eq!(Sha256Digest::of(LABEL_JSON.as_bytes()).to_string(), "8df4f65b20fd3aed1f96f09b0b2b7825e3c8e2f1b131a700ceeabad0e74879f6");
        assert_eq!(bytes.windows(10).filter(|window| window == b"TC260:AIGC").count(), 2, "one element, opened and closed");
    }
    // XMP is announced in the header of WebP, stands before the image data in PNG and behind APP0 in JPEG.
    assert_eq!(&webp.bytes()[12..21], b"VP8X\x0a\0\0\0\x04");
    assert!(position(png.bytes(), b"iTXt") < position(png.bytes(), b"IDAT"));
    assert_eq!(&jpeg.bytes()[2..4], [0xff, 0xe0]);
    assert_eq!(jpeg_start, 20);
}

#[test]
fn same_pixels_and_id_give_the_same_bytes() {
    for format in FORMATS {
        let first = label(noise(96, 80), format);
        let second = label(noise(96, 80), format);
        assert_eq!(first.bytes(), second.bytes());
    }
}

#[test]
fn an_unset_provider_code_is_warned_of_and_found() {
    let labeller = Labeller::new(None).unwrap();
    assert_eq!(labeller.warnings(), [Warning::ProviderCodeUnset]);
    assert!(Warning::ProviderCodeUnset.to_string().contains("未设置"));
    for format in FORMATS {
        let labelled = labeller.label(generated(noise(64, 64), format), produce_id()).unwrap();
        assert_eq!(labelled.production().unwrap().label.content_producer, "");
        let report = read_labels(labelled.bytes());
        assert_eq!((report.verdict, report.findings), (LabelVerdict::Noncompliant, vec![Finding::ProducerMissing]));
    }
    assert_eq!(self::labeller().warnings(), []);
}

#[test]
fn wrong_configuration_is_refused() {
    let propagation: ProviderCode = "001191110102MACQD9K64028705".parse().unwrap();
    assert_eq!(Labeller::new(Some(propagation)).unwrap_err().code(), Code::ConfigurationInvalid);
    assert!(PROVIDER_CODE.parse::<ProviderCode>().is_ok());
    for text in ["AI", "AIGC", "AI绘画", "生成", ""] {
        let error = labeller().with_explicit_text(text).unwrap_err();
        assert!(matches!(error, Error::ExplicitTextIncomplete(_)), "{text:?}");
    }
    assert!(matches!(labeller().with_explicit_text("AI生成：丹青").unwrap_err(), Error::GlyphMissing { character: '：', .. }));
    for text in ["人工智能生成合成", "AI合成", "由AI生成", "AI生成 (AIGC)"] {
        assert!(labeller().with_explicit_text(text).is_ok(), "{text:?}");
    }
}

#[test]
fn a_picture_without_label_has_none() {
    for format in FORMATS {
        let report = read_labels(&unlabelled(format));
        assert_eq!((report.format, report.verdict), (Some(format), LabelVerdict::NotFound));
        assert_eq!(report.findings, []);
    }
}

#[test]
fn samples_carry_both_labels() {
    let sheet = noise(128, 64);
    for format in FORMATS {
        let bytes = labeller().label_samples(&sheet, format, produce_id()).unwrap();
        let report = read_labels(&bytes);
        assert_eq!((report.verdict, report.label.unwrap().produce_id), (LabelVerdict::Compliant, produce_id()));
        // The explicit label is the one that a picture of the same pixels gets.
        let labelled = labeller().label(generated(sheet.clone(), format), produce_id()).unwrap();
        assert_eq!(bytes, labelled.bytes());
        assert_ne!(bytes, labeller().label_sheet(&sheet, format, produce_id()).unwrap());
    }
}

#[test]
fn the_mark_of_the_id_can_be_read_from_the_pixels() {
    let key = [7; 32];
    let marked = labeller().with_watermark(key);
    // Smooth, as pictures are, unlike the noise of the other tests.
    let smooth = |x: u32, y: u32| [90 + (x / 3) as u8, 140 - (y / 4) as u8, ((x + y) / 5) as u8 + 60];
    let pixels = (0..192 * 160).flat_map(|pixel| smooth(pixel % 192, pixel / 192)).collect();
    let picture = Picture::new(192, 160, pixels).unwrap();
    for format in FORMATS {
        let labelled = marked.label(generated(picture.clone(), format), produce_id()).unwrap();
        assert!(labelled.production().unwrap().watermarked);
        assert_eq!(read_watermark(labelled.bytes(), key), Some(produce_id().mark()));
        assert_eq!(read_watermark(labelled.bytes(), [8; 32]), None, "another key");
        let unmarked = labeller().label(generated(picture.clone(), format), produce_id()).unwrap();
        assert!(!unmarked.production().unwrap().watermarked);
        assert_eq!(read_watermark(unmarked.bytes(), key), None);
    }
    // Too small for the mark, not for the labels.
    let small = marked.label(generated(noise(64, 64), FileFormat::Png), produce_id()).unwrap();
    assert!(!small.production().unwrap().watermarked);
    assert_eq!(read_watermark(b"not a picture", key), None);
}
