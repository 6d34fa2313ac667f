//! Measures the mark: recovery after every attack, distortion, time, and false positives, as a Markdown table.
//!
//! ```text
//! cargo run --release -p watermark --example robustness -- [--sizes 128,256] [--count 60] [--unmarked 10000] [--white] [--export DIR] [PICTURES]
//! ```
//!
//! Without PICTURES, a folder, it draws its own; with `--white`, those on white alone. `--export` writes the unmarked pictures for `scripts/baseline.py`.
#[path = "../tests/support/mod.rs"]
mod support;

use image::{RgbImage, imageops};
use spec::Threads;
use std::path::{Path, PathBuf};
use std::time::Instant;
use support::{ATTACKS, KINDS, Kind, attacked, draw, turned};
use watermark::{Error, Id, Key, detect, embed};

struct Options {
    sizes: Vec<u32>,
    count: usize,
    unmarked: usize,
    export: Option<PathBuf>,
    pictures: Option<PathBuf>,
    white: bool,
}

fn options() -> Options {
    let mut options = Options { sizes: vec![128, 256, 512, 1024], count: 60, unmarked: 10_000, export: None, pictures: None, white: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--white" {
            options.white = true;
            continue;
        }
        let mut value = || arguments.next().expect("a value");
        match argument.as_str() {
            "--sizes" => options.sizes = value().split(',').map(|size| size.parse().expect("pixels")).collect(),
            "--count" => options.count = value().parse().expect("a number"),
            "--unmarked" => options.unmarked = value().parse().expect("a number"),
            "--export" => options.export = Some(value().into()),
            _ => options.pictures = Some(argument.into()),
        }
    }
    options
}

/// A transparent picture lies on white.
fn open(path: &Path, size: u32) -> RgbImage {
    let mut picture = image::open(path).expect("a picture").into_rgba8();
    for pixel in picture.pixels_mut() {
        let alpha = u32::from(pixel[3]);
        for channel in 0..3 {
            pixel[channel] = ((u32::from(pixel[channel]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    let picture = image::DynamicImage::from(picture).into_rgb8();
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let square = imageops::crop_imm(&picture, left, top, side, side).to_image();
    if side == size { square } else { imageops::resize(&square, size, size, imageops::FilterType::CatmullRom) }
}

fn source(options: &Options, paths: &[PathBuf], index: usize, count: usize, size: u32) -> RgbImage {
    let kinds: &[Kind] = if options.white { &[Kind::Sticker] } else { &KINDS };
    match paths.len() {
        0 => draw(kinds[index % kinds.len()], index as u32, size, size),
        many => open(&paths[(index * many / count.max(1) + index / many) % many], size),
    }
}

fn main() {
    let options = options();
    let mut paths: Vec<PathBuf> = options
        .pictures
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let key = Key::from_bytes(*b"a key for the robustness example");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for &size in &options.sizes {
        rows.push(measured(&options, &paths, size, &key));
    }
    let headings = ["pictures", "could not be marked", "PSNR mean", "PSNR least", "marking ms", "finding ms"];
    println!("| | {} |", options.sizes.iter().map(|size| format!("{size}×{size}")).collect::<Vec<_>>().join(" | "));
    println!("|---|{}", "---|".repeat(rows.len()));
    let turns = TURNS.map(|degrees| format!("turned by {degrees}°"));
    let attacks = ATTACKS.iter().map(|attack| attack.0).chain(turns.iter().map(String::as_str));
    for (at, heading) in headings.into_iter().chain(attacks).enumerate() {
        println!("| {heading} | {} |", rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>().join(" | "));
    }
    if options.unmarked > 0 {
        let size = options.sizes[0];
        let started = Instant::now();
        let found = (0..options.unmarked).filter(|&index| {
            let picture = source(&options, &paths, index, options.unmarked, size);
            let key = Key::from_bytes(std::array::from_fn(|at| (index >> (8 * (at % 4))) as u8 ^ at as u8));
            detect(picture.as_raw(), size, size, &key).expect("a searchable picture").is_some()
        });
        let found = found.count();
        println!("\nFalse positives: {found} in {} unmarked pictures of {size}×{size}, {:.1?}", options.unmarked, started.elapsed());
    }
}

/// Degrees. No turn is promised to be survived; these say how far it goes.
const TURNS: [f32; 3] = [0.25, 0.5, 1.0];

fn measured(options: &Options, paths: &[PathBuf], size: u32, key: &Key) -> Vec<String> {
    let (mut marked, mut refused, mut noise, mut worst) = (0, 0, 0.0, f32::INFINITY);
    let (mut marking, mut finding) = (0.0, 0.0);
    let mut recovered = vec![0; ATTACKS.len() + TURNS.len()];
    for index in 0..options.count {
        let mut picture = source(options, paths, index, options.count, size);
        if let Some(folder) = &options.export {
            std::fs::create_dir_all(folder).expect("a folder");
            picture.save(folder.join(format!("{size}-{index:03}.png"))).expect("a written picture");
        }
        let id = Id::new((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16).expect("48 bits");
        let started = Instant::now();
        match embed(&mut picture, size, size, key, id, Threads::available()) {
            Ok(embedded) => {
                noise += embedded.psnr;
                worst = worst.min(embedded.psnr);
            }
            Err(Error::Unmarkable) => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        marking += started.elapsed().as_secs_f64();
        marked += 1;
        let attacks = ATTACKS.iter().map(|attack| (attack.0, attacked(&picture, *attack, index as u32)));
        let turns = TURNS.iter().map(|degrees| ("turned", turned(&picture, *degrees)));
        for ((name, copy), recovered) in attacks.chain(turns).zip(&mut recovered) {
            let started = Instant::now();
            let found = detect(copy.as_raw(), copy.width(), copy.height(), key).expect("a searchable picture");
            finding += started.elapsed().as_secs_f64();
            let right = found.is_some_and(|found| found.id == id);
            if !right && std::env::var("VERBOSE").is_ok() {
                eprintln!("{size} {index} {name} {:?}", paths.get(index * paths.len() / options.count.max(1)));
            }
            *recovered += usize::from(right);
        }
    }
    let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / f64::from(marked.max(1)));
    let mut cells = vec![marked.to_string(), refused.to_string(), format!("{:.2}", noise / marked.max(1) as f32), format!("{worst:.2}")];
    cells.push(format!("{:.1}", 1e3 * marking / f64::from(marked)));
    cells.push(format!("{:.1}", 1e3 * finding / f64::from(marked) / recovered.len() as f64));
    cells.extend(recovered.into_iter().map(share));
    cells
}
