//! The explicit label is high enough at every size, in the lower right corner, and readable on any background.

mod support;

use provenance::Error;
use spec::stage::Labelled as _;
use spec::{Code, FileFormat, Picture};
use std::ops::Range;
use support::{decode, generated, label, labeller, noise, paint, produce_id};

/// Blue, on which white text needs no plate, so that what differs is ink.
const BLUE: [u8; 3] = [20, 40, 120];

fn flat(width: u32, height: u32, colour: [u8; 3]) -> Picture {
    paint(width, height, |_, _| colour)
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    let start = (y * picture.width() as usize + x) * 3;
    picture.pixels()[start..start + 3].try_into().unwrap()
}

/// How much of each pixel the label of a `width × height` picture inks, measured from the labelled file itself.
fn measured_ink(width: u32, height: u32, format: FileFormat) -> Vec<Vec<f32>> {
    let decoded = decode(label(flat(width, height, BLUE), format).bytes());
    (0..height as usize)
        .map(|y| {
            (0..width as usize)
                .map(|x| {
                    let [red, ..] = pixel(&decoded, x, y);
                    (f32::from(red) - f32::from(BLUE[0])) / (255.0 - f32::from(BLUE[0]))
                })
                .collect()
        })
        .collect()
}

/// Columns of each glyph and the rows that its ink spans.
fn glyphs(ink: &[Vec<f32>]) -> Vec<(Range<usize>, Range<usize>)> {
    let inked_rows = |x: usize| (0..ink.len()).filter(move |&y| ink[y][x] >= 0.5);
    let mut glyphs: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for x in 0..ink[0].len() {
        let (Some(first), Some(last)) = (inked_rows(x).next(), inked_rows(x).next_back()) else {
            continue;
        };
        match glyphs.last_mut() {
            Some((columns, rows)) if columns.end == x => {
                columns.end = x + 1;
                *rows = rows.start.min(first)..rows.end.max(last + 1);
            }
            _ => glyphs.push((x..x + 1, first..last + 1)),
        }
    }
    glyphs
}

#[test]
fn every_glyph_is_high_enough_and_in_the_corner() {
    for (width, height) in [
        (64, 64),
        (64, 512),
        (512, 64),
        (100, 90),
        (128, 128),
        (241, 240),
        (256, 256),
        (300, 800),
        (512, 512),
        (768, 1152),
        (1024, 1024),
        (1024, 128),
        (2048, 2047),
        (4096, 512),
        (512, 4096),
        (4096, 4096),
    ] {
        let formats: &[FileFormat] = if width * height > 1 << 20 { &[FileFormat::Png] } else { &support::FORMATS };
        for &format in formats {
            let shortest: u32 = width.min(height);
            let need = shortest.div_ceil(20).max(12) as usize;
            let glyphs = glyphs(&measured_ink(width, height, format));
            assert!(glyphs.len() >= 3, "{glyphs:?}");
            let lowest = glyphs.iter().map(|(_, rows)| rows.len()).min().unwrap();
            assert!(lowest >= need, "{width}×{height} {format}: {lowest} < {need}");
            if format == FileFormat::Png {
                println!("{width}×{height}: lowest glyph {lowest} px, {need} asked");
                // No larger than it need be, either.
                assert!(lowest <= need + 2 + need / 20, "{width}×{height}: {lowest} for {need}");
            }
            let right = glyphs.last().unwrap().0.end;
            let bottom = glyphs.iter().map(|(_, rows)| rows.end).max().unwrap();
            assert!(width as usize - right <= need && height as usize - bottom <= need);
            assert!(glyphs[0].0.start >= 2);
        }
    }
}

/// Everything between the sizes that the platform makes, up to 8192 pixels and 1 : 8: the height is measured on the picture itself, the rest
/// follows from it.
#[test]
fn the_height_holds_from_64_to_8192_pixels_and_8_to_1() {
    let mut sizes: Vec<(u32, u32)> = vec![(64, 64), (8192, 64), (64, 512), (8192, 1024), (1024, 8192), (8192, 8191)];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |low: u32, high: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Even on a logarithmic scale, so that small pictures are met as often as large ones.
        let share = (state % 10_000) as f64 / 10_000.0;
        (f64::from(low) * (f64::from(high) / f64::from(low)).powf(share)).round() as u32
    };
    for _ in 0..60 {
        let short = random(64, 1_100);
        let long = random(short, (short * 8).min(8_192));
        sizes.push(if long % 2 == 0 { (short, long) } else { (long, short) });
    }
    sizes.retain(|(width, height)| width.max(height) <= &(8 * width.min(height)));
    let mut narrowest = (0, 0);
    for (width, height) in sizes {
        // Labelled without encoding a file, which the other tests do: what is drawn is what is measured.
        let drawn = labeller().draw_explicit(&flat(width, height, BLUE)).unwrap_or_else(|error| panic!("{width}×{height}: {error}"));
        let need = width.min(height).div_ceil(20).max(12) as usize;
        let corner = ink_in_corner(&drawn, need);
        let lowest = glyphs(&corner).iter().map(|(_, rows)| rows.len()).min().unwrap();
        assert!(lowest >= need, "{width}×{height}: {lowest} < {need}");
        narrowest = narrowest.max((lowest - need, width));
    }
    println!("at most {} px above what is asked", narrowest.0);
}

/// As [`measured_ink`], of the lower right corner alone.
fn ink_in_corner(picture: &Picture, need: usize) -> Vec<Vec<f32>> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (left, top) = (width.saturating_sub(8 * need), height.saturating_sub(4 * need));
    let ink = |x: usize, y: usize| (f32::from(pixel(picture, x, y)[0]) - f32::from(BLUE[0])) / (255.0 - f32::from(BLUE[0]));
    (top..height).map(|y| (left..width).map(|x| ink(x, y)).collect()).collect()
}

fn luminance(pixel: [u8; 3]) -> f64 {
    let linear = pixel.map(|level| {
        let encoded = f64::from(level) / 255.0;
        if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_text_stands_out_from_every_pixel_around_it() {
    for size in [64, 128, 512] {
        let ink = measured_ink(size, size, FileFormat::Png);
        let glyphs = glyphs(&ink);
        let columns = glyphs[0].0.start..glyphs.last().unwrap().0.end;
        let rows = glyphs.iter().map(|glyph| glyph.1.start).min().unwrap()..glyphs.iter().map(|glyph| glyph.1.end).max().unwrap();
        let backgrounds = [
            ("white", flat(size, size, [255; 3])),
            ("black", flat(size, size, [0; 3])),
            ("grey 118", flat(size, size, [118; 3])),
            ("grey 128", flat(size, size, [128; 3])),
            ("red", flat(size, size, [255, 0, 0])),
            ("green", flat(size, size, [0, 200, 80])),
            ("noise", noise(size, size)),
            ("checks", paint(size, size, |x, y| if (x + y) % 2 == 0 { [255; 3] } else { [0; 3] })),
            ("halves", paint(size, size, |x, _| if x < size - size / 8 { [255; 3] } else { [0; 3] })),
            ("gradient", paint(size, size, |x, _| [(x * 255 / size) as u8; 3])),
        ];
        for (name, picture) in backgrounds {
            let decoded = decode(label(picture.clone(), FileFormat::Png).bytes());
            let mut text = None;
            let mut worst = f64::MAX;
            for y in rows.clone() {
                for x in columns.clone().filter(|&x| ink[y][x] >= 1.0) {
                    let here = pixel(&decoded, x, y);
                    assert_eq!(*text.get_or_insert(here), here, "{name}: one colour of text");
                }
            }
            let text = text.expect("some pixels are all ink");
            assert!(text == [0; 3] || text == [255; 3]);
            for y in rows.clone() {
                for x in columns.clone().filter(|&x| ink[y][x] <= 0.0) {
                    worst = worst.min(contrast(pixel(&decoded, x, y), text));
                }
            }
            println!("{size} px, {name}: contrast at least {worst:.2}");
            assert!(worst >= 4.5, "{size} px, {name}: {worst}");
            // All but the corner is as it was rendered.
            let untouched = (decoded.pixels().len() / 2).min(decoded.pixels().len() - 3 * (size * size / 2) as usize);
            assert_eq!(decoded.pixels()[..untouched], picture.pixels()[..untouched]);
        }
    }
}

#[test]
fn a_picture_too_small_is_an_error() {
    for (width, height) in [(8, 8), (1, 1), (32, 64), (64, 12), (16, 4096), (4096, 16)] {
        let error = labeller().label(generated(flat(width, height, BLUE), FileFormat::Png), produce_id()).unwrap_err();
        assert!(matches!(error, Error::PictureTooSmall { .. }), "{width}×{height}: {error}");
        assert_eq!(error.code(), Code::InvalidRequest);
    }
}

#[test]
fn another_text_is_drawn_as_high() {
    let labeller = labeller().with_explicit_text("人工智能生成合成").unwrap();
    let labelled = labeller.label(generated(flat(256, 256, BLUE), FileFormat::Png), produce_id()).unwrap();
    assert_eq!(labelled.production().unwrap().explicit_label, "人工智能生成合成");
    let narrow = labeller.label(generated(flat(64, 256, BLUE), FileFormat::Png), produce_id());
    assert!(matches!(narrow.unwrap_err(), Error::PictureTooSmall { .. }));
}
