//! Other people's files: what is passed on or converted loses nothing, or says what; what is damaged is an error wherever it is decoded.

mod support;

use image::ImageDecoder;
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use provenance::{
    Conversion, DerivedFile, EarlierPropagator, Error, Ground, Loss, PictureFault, Propagator, read_labels, read_picture, read_watermark,
};
use spec::{FileFormat, Picture, ProduceId, Timestamp};
use std::io::Cursor;
use support::{FORMATS, LABEL_JSON, paint, png_chunk, png_with_label, unlabelled};

fn foreign(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)).unwrap()
}

fn id() -> ProduceId {
    ProduceId::new(Timestamp(1_795_392_000_000), [9; 10])
}

fn convert(bytes: &[u8], format: FileFormat) -> Result<DerivedFile, Error> {
    let conversion = Conversion { format, fit: None, enlarge: false, explicit_text: "AI生成".to_owned(), shows_label: false };
    conversion.convert(bytes, id())
}

fn pass_on(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let propagator = Propagator::new("001191110102MACQD9K64028705".parse().unwrap(), None).unwrap();
    propagator.pass_on(bytes, Some(Ground::Declared), EarlierPropagator::Keep, id()).map(|file| file.bytes().to_vec())
}

fn profile(bytes: &[u8], format: FileFormat) -> Option<Vec<u8>> {
    let bytes = Cursor::new(bytes);
    match format {
        FileFormat::Png => PngDecoder::new(bytes).unwrap().icc_profile().unwrap(),
        FileFormat::Jpeg => JpegDecoder::new(bytes).unwrap().icc_profile().unwrap(),
        FileFormat::Webp => WebPDecoder::new(bytes).unwrap().icc_profile().unwrap(),
        _ => None,
    }
}

/// The mean difference of two pictures' levels in their upper halves, which the explicit label of a small picture does not reach.
fn difference(first: &Picture, second: &Picture) -> f64 {
    assert_eq!((first.width(), first.height()), (second.width(), second.height()));
    let above = first.pixels().len() / 2;
    let levels = first.pixels()[..above].iter().zip(second.pixels());
    levels.map(|(first, second)| f64::from(first.abs_diff(*second))).sum::<f64>() / above as f64
}

#[test]
fn a_profile_goes_along_into_every_format() {
    for name in ["p3.png", "bgr.png"] {
        let source = foreign(name);
        let own = profile(&source, FileFormat::Png).unwrap();
        for format in FORMATS {
            let copy = convert(&source, format).unwrap();
            assert_eq!(profile(copy.bytes(), format).as_ref(), Some(&own), "{name} as {format}");
            assert!(!copy.losses().contains(&Loss::ColourSpace));
            // What a viewer that knows of profiles shows.
            let seen = difference(&read_picture(&source).unwrap(), &read_picture(copy.bytes()).unwrap());
            assert!(seen < if format == FileFormat::Jpeg { 4.0 } else { 1e-9 }, "{name} as {format}: {seen}");
        }
    }
    // Colours are seen as meant: a profile that swaps red and blue does.
    let (seen, raw) = (read_picture(&foreign("bgr.png")).unwrap(), image::load_from_memory(&foreign("bgr.png")).unwrap().into_rgb8());
    assert!(difference(&seen, &Picture::new(raw.width(), raw.height(), raw.into_raw()).unwrap()) > 5.0);
}

#[test]
fn what_png_alone_says_of_colours_is_kept_or_converted_and_said() {
    let plain = png_with_label(LABEL_JSON);
    let with = |chunk: Vec<u8>| [&plain[..33], &chunk, &plain[33..]].concat();
    let linear = with(png_chunk(*b"gAMA", &100_000_u32.to_be_bytes()));
    let (before, seen) = (read_picture(&plain).unwrap(), read_picture(&linear).unwrap());
    assert!(difference(&before, &seen) > 20.0, "a linear picture is brighter than its numbers");
    let png = convert(&linear, FileFormat::Png).unwrap();
    assert_eq!(png.losses(), []);
    assert!(png.bytes().windows(4).any(|window| window == b"gAMA"));
    for format in [FileFormat::Jpeg, FileFormat::Webp] {
        let copy = convert(&linear, format).unwrap();
        assert!(copy.losses().contains(&Loss::ColourSpace), "{format}");
        let far = difference(&seen, &read_picture(copy.bytes()).unwrap());
        assert!(far < 3.0, "{format}: {far}");
    }
    // The exponent that everybody writes for sRGB changes nothing.
    let usual = with(png_chunk(*b"gAMA", &45_455_u32.to_be_bytes()));
    assert_eq!(convert(&usual, FileFormat::Webp).unwrap().losses(), []);
}

#[test]
fn transparency_is_kept_or_said() {
    let source = foreign("alpha.png");
    let alpha = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgba8();
    for format in [FileFormat::Png, FileFormat::Webp] {
        let copy = convert(&source, format).unwrap();
        assert!(!copy.losses().contains(&Loss::Transparency));
        let (before, after) = (alpha(&source), alpha(copy.bytes()));
        let above = before.as_raw().len() * 3 / 4;
        assert!(before.as_raw()[..above] == after.as_raw()[..above], "{format}");
        // The label can be read on any ground: its plate lets nothing through.
        let label = after.enumerate_pixels().filter(|(x, y, pixel)| *x < 60 && *y > 170 && pixel.0[3] == 255).count();
        assert!(label > 60 * 14 / 2, "{format}: {label} opaque pixels in the corner");
    }
    let jpeg = convert(&source, FileFormat::Jpeg).unwrap();
    assert!(jpeg.losses().contains(&Loss::Transparency));
    let smaller = Conversion { fit: Some((96, 96)), ..conversion_to(FileFormat::Png) }.convert(&source, id()).unwrap();
    assert!(image::load_from_memory(smaller.bytes()).unwrap().color().has_alpha());
}

fn conversion_to(format: FileFormat) -> Conversion {
    Conversion { format, fit: None, enlarge: false, explicit_text: "AI生成".to_owned(), shows_label: false }
}

#[test]
fn sixteen_bits_are_kept_or_said() {
    let source = foreign("g16.png");
    let before = image::load_from_memory(&source).unwrap();
    let png = convert(&source, FileFormat::Png).unwrap();
    let after = image::load_from_memory(png.bytes()).unwrap();
    assert_eq!((after.color(), png.losses().contains(&Loss::Depth)), (image::ColorType::L16, false));
    let above = before.as_bytes().len() * 3 / 4;
    assert!(before.as_bytes()[..above] == after.as_bytes()[..above]);
    for format in [FileFormat::Jpeg, FileFormat::Webp] {
        assert!(convert(&source, format).unwrap().losses().contains(&Loss::Depth), "{format}");
    }
}

#[test]
fn moving_pictures_are_refused_and_never_become_one_frame() {
    let plain = png_with_label(LABEL_JSON);
    let control = png_chunk(*b"acTL", &[2_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat());
    let moving = [&plain[..33], &control, &plain[33..]].concat();
    for bytes in [foreign("anim.webp"), moving] {
        for format in FORMATS {
            assert!(matches!(convert(&bytes, format), Err(Error::PictureUnreadable(PictureFault::Moving))));
        }
        assert!(matches!(read_picture(&bytes), Err(Error::PictureUnreadable(PictureFault::Moving))));
    }
}

#[test]
fn a_second_picture_stays_where_the_file_says_it_is() {
    let source = foreign("mpo_xmp.jpg");
    let second = second_picture(&source);
    assert_eq!(second.len(), 4466);
    let once = pass_on(&source).unwrap();
    assert_eq!(second_picture(&once), second);
    let propagator = Propagator::new("001191110102MACQD9K64028705".parse().unwrap(), None).unwrap();
    let twice = propagator.pass_on(&once, None, EarlierPropagator::Replace, id()).unwrap();
    assert_eq!(second_picture(twice.bytes()), second);
    assert!(String::from_utf8_lossy(&once).contains("Rating"), "other XMP stays");
    let converted = convert(&once, FileFormat::Jpeg).unwrap();
    assert!(converted.losses().contains(&Loss::SecondPicture) && converted.losses().contains(&Loss::Metadata));
}

/// The second picture, found through the MPF segment (CIPA DC-007) of a little- or big-endian file with one list of entries.
fn second_picture(bytes: &[u8]) -> Vec<u8> {
    let origin = bytes.windows(4).position(|window| window == b"MPF\0").unwrap() + 4;
    let is_little = &bytes[origin..origin + 2] == b"II";
    let number = |at: usize| {
        let four = bytes[at..at + 4].try_into().unwrap();
        (if is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }) as usize
    };
    let tag: [u8; 2] = if is_little { [0x02, 0xb0] } else { [0xb0, 0x02] };
    let field = bytes[origin..].windows(2).position(|window| window == tag).unwrap() + origin;
    let entry = origin + number(field + 8) + 16;
    let (length, place) = (number(entry + 4), origin + number(entry + 8));
    bytes[place..place + length].to_vec()
}

#[test]
fn damaged_pictures_are_errors_for_all_who_decode() {
    let refused = |bytes: &[u8], what: &str| {
        let Err(fault) = read_picture(bytes) else { panic!("{what} was read") };
        assert!(matches!(fault, Error::PictureUnreadable(_)), "{what}: {fault}");
        assert_eq!(read_watermark(bytes, [7; 32]), None);
    };
    let cut = foreign("trunc2.jpg");
    refused(&cut, "a JPEG cut in half");
    for format in FORMATS {
        let bytes = unlabelled(format);
        for length in 0..bytes.len() {
            // A WebP file may leave out the padding of its last chunk.
            if !(format == FileFormat::Webp && length + 1 == bytes.len()) {
                refused(&bytes[..length], &format!("{format} cut at {length}"));
            }
        }
    }
    let png = unlabelled(FileFormat::Png);
    for place in 8..png.len() {
        let mut changed = png.clone();
        changed[place] ^= 1;
        refused(&changed, &format!("a PNG with byte {place} changed"));
    }
    // A label in a cut JPEG does not make it convertible.
    let labelled = pass_on(&unlabelled(FileFormat::Jpeg)).unwrap();
    assert!(convert(&labelled[..labelled.len() - 30], FileFormat::Png).is_err());
}

#[test]
fn what_is_too_large_is_refused_by_its_header() {
    let header = |width: u32, height: u32, depth: u8, kind: u8| {
        let fields = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, kind, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(*b"IHDR", &fields), png_chunk(*b"IDAT", &[]), png_chunk(*b"IEND", &[])].concat()
    };
    let fault = |bytes: &[u8]| match read_picture(bytes) {
        Err(Error::PictureUnreadable(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let too_large = |width, height| PictureFault::TooLarge { width, height };
    assert_eq!(fault(&header(16_385, 1, 8, 2)), too_large(16_385, 1));
    assert_eq!(fault(&header(16_384, 16_384, 16, 2)), too_large(16_384, 16_384));
    // Within the bound in pixels and in memory: nothing is wrong but that it is empty.
    assert_eq!(fault(&header(14_000, 14_000, 8, 2)), PictureFault::Damaged);
    let small = png_with_label(LABEL_JSON);
    let huge = Conversion { fit: Some((20_000, 20_000)), enlarge: true, ..conversion_to(FileFormat::Png) };
    assert!(matches!(huge.convert(&small, id()), Err(Error::PictureUnreadable(PictureFault::TooLarge { .. }))));
}

#[test]
fn a_label_of_an_unknown_kind_is_neither_passed_on_nor_converted() {
    let bytes = png_with_label(&LABEL_JSON.replace("\"Label\":\"1\"", "\"Label\":\"4\""));
    assert!(matches!(pass_on(&bytes), Err(Error::LabelUnclear { .. })));
    assert!(matches!(convert(&bytes, FileFormat::Png), Err(Error::LabelUnclear { .. })));
}

#[test]
fn one_form_of_the_label_is_written_that_literal_readers_find() {
    for format in FORMATS {
        let produced = support::label(paint(64, 64, |x, _| [x as u8, 60, 200]), format);
        let passed_on = pass_on(spec::stage::Labelled::bytes(&produced)).unwrap();
        let foreign = pass_on(&unlabelled(format)).unwrap();
        for bytes in [spec::stage::Labelled::bytes(&produced), &passed_on, &foreign] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(text.matches("<TC260:AIGC>{").count(), 1, "{format}");
            assert_eq!(text.matches("xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\"").count(), 1, "{format}");
        }
        assert_eq!(read_labels(&foreign).raw.len(), 1);
    }
}
