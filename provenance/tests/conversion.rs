//! Both labels survive every conversion that Danqing offers.

mod support;

use provenance::{Conversion, Error, LabelVerdict, read_labels, read_watermark};
use spec::stage::Labelled as _;
use spec::{FileFormat, Picture, ProduceId, Timestamp};
use support::{FORMATS, PRODUCE_ID, decode, generated, label, labeller, paint, produce_id, unlabelled};

/// On it white text needs no plate, so that what differs is ink.
const BLUE: [u8; 3] = [20, 40, 120];

fn flat(width: u32, height: u32) -> Picture {
    paint(width, height, |_, _| BLUE)
}

fn id() -> ProduceId {
    ProduceId::new(Timestamp(1_795_392_000_000), [9; 10])
}

fn conversion(format: FileFormat, fit: Option<(u32, u32)>, shows_label: bool) -> Conversion {
    Conversion { format, fit, enlarge: true, explicit_text: "AI生成".to_owned(), shows_label }
}

/// Rows of ink in the lower right (or left) half, where the letter A stands first: its height, from its own column.
fn ink_height(picture: &Picture, columns: std::ops::Range<u32>) -> usize {
    let is_ink = |x: u32, y: u32| {
        let red = picture.pixels()[((y * picture.width() + x) * 3) as usize];
        red > u8::midpoint(BLUE[0], 255)
    };
    let inked = |x: &u32| (0..picture.height()).any(|y| is_ink(*x, y));
    // The first glyph is A: the lowest of the four, so that all others are at least as high.
    let glyph: Vec<u32> = columns.skip_while(|x| !inked(x)).take_while(inked).collect();
    let rows: Vec<u32> = (0..picture.height()).filter(|y| glyph.iter().any(|x| is_ink(*x, *y))).collect();
    rows.last().map_or(0, |last| (last - rows[0] + 1) as usize)
}

#[test]
fn the_labels_survive_every_format_and_size() {
    for (width, height) in [(128, 128), (512, 384), (200, 800)] {
        for from in FORMATS {
            let source = label(flat(width, height), from);
            for to in FORMATS {
                for fit in [None, Some((64, 64)), Some((96, 400)), Some((640, 640))] {
                    let converted = match conversion(to, fit, true).convert(source.bytes(), id()) {
                        // Only where the copy has no room for it.
                        Err(Error::PictureTooSmall { width, height, .. }) if width.min(height) < 48 => continue,
                        converted => converted.unwrap(),
                    };
                    let report = read_labels(converted.bytes());
                    assert_eq!((report.verdict, &report.findings), (LabelVerdict::Compliant, &vec![]));
                    assert_eq!(report.values.unwrap().produce_id, PRODUCE_ID);
                    let copy = decode(converted.bytes());
                    if let Some((most_wide, most_high)) = fit {
                        assert!(copy.width() <= most_wide && copy.height() <= most_high);
                        assert!(copy.width() == most_wide || copy.height() == most_high);
                    }
                    let need = copy.width().min(copy.height()).div_ceil(20).max(12) as usize;
                    let found = ink_height(&copy, 0..copy.width());
                    // Resampling blurs an edge by less than a pixel.
                    assert!(found + 1 >= need, "{width}×{height} {from} → {}×{} {to}: {found} < {need}", copy.width(), copy.height());
                }
            }
        }
    }
}

#[test]
fn a_foreign_picture_gets_the_label_on_the_left() {
    let source = label(flat(256, 256), FileFormat::Png);
    let converted = conversion(FileFormat::Png, None, false).convert(source.bytes(), id()).unwrap();
    let copy = decode(converted.bytes());
    assert!(ink_height(&copy, 0..128) >= 13 && ink_height(&copy, 128..256) >= 13, "theirs stays");
    assert_eq!(converted.relabelling().explicit_label.as_deref(), Some("AI生成"));
    // One that is only suspected does not say that it is generated.
    let text = support::LABEL_JSON.replace("\"Label\":\"1\"", "\"Label\":\"3\"");
    let suspected = support::png_with_label(&text);
    let converted = conversion(FileFormat::Png, None, false).convert(&suspected, id()).unwrap();
    assert_eq!(converted.relabelling().explicit_label, None);
    assert_eq!(decode(converted.bytes()).pixels(), decode(&suspected).pixels());
}

#[test]
fn what_has_no_label_or_no_pixels_is_refused() {
    let convert = |bytes: &[u8]| conversion(FileFormat::Png, None, false).convert(bytes, id());
    assert!(matches!(convert(&unlabelled(FileFormat::Jpeg)), Err(Error::LabelMissing)));
    assert!(matches!(convert(b"text"), Err(Error::FileUnfit { .. })));
    let labelled = label(flat(64, 64), FileFormat::Png);
    let headless = &labelled.bytes()[..33 + 560];
    let cut = [headless, b"\0\0\0\0IEND\xae\x42\x60\x82"].concat();
    assert!(matches!(convert(&cut), Err(Error::PictureUnreadable(_))));
    let tiny = conversion(FileFormat::Png, Some((16, 16)), true).convert(labelled.bytes(), id());
    assert!(matches!(tiny, Err(Error::PictureTooSmall { .. })));
}

#[test]
fn the_watermark_survives_a_conversion() {
    let smooth = paint(256, 256, |x, y| [90 + (x / 3) as u8, 140 - (y / 4) as u8, ((x + y) / 5) as u8 + 60]);
    let marked = labeller().with_watermark([7; 32]).label(generated(smooth, FileFormat::Png), produce_id()).unwrap();
    assert!(marked.production().unwrap().watermarked);
    for format in FORMATS {
        for fit in [None, Some((192, 192)), Some((384, 384))] {
            let converted = conversion(format, fit, true).convert(marked.bytes(), id()).unwrap();
            assert_eq!(read_watermark(converted.bytes(), [7; 32]), Some(produce_id().mark()), "{format} {fit:?}");
        }
    }
}
