//! Time and size of PNG files: as labels are written, beside the settings of the `image` crate; and of the same filtered rows deflated by ours
//! and by other crates, cut into the same pieces and joined by sync flushes where the crate can.
//!
//! ```text
//! cargo run --release -p provenance --example png -- PICTURE…
//! ```
#[path = "../src/deflate.rs"]
#[allow(dead_code, reason = "the crate uses all of it")]
mod deflate;

use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use provenance::Labeller;
use spec::{FileFormat, Picture, ProduceId, Threads, Timestamp};
use std::io::Read as _;
use std::time::Instant;

/// The best of so many.
const RUNS: usize = 5;
/// Bytes of pixels in a piece, as the crate has it.
const PIECE: usize = 256 << 10;

type Deflate = fn(&[u8]) -> usize;

/// By crate and setting: what deflates one piece.
const DEFLATERS: [(&str, Deflate); 7] = [
    ("ours", |bytes| deflate::deflate(bytes).expect("a stream").len()),
    ("zlib-rs 1", |bytes| zlib_rs(bytes, 1)),
    ("zlib-rs 3", |bytes| zlib_rs(bytes, 3)),
    ("zlib-rs 6", |bytes| zlib_rs(bytes, 6)),
    ("miniz_oxide 1", |bytes| miniz_oxide(bytes, 1)),
    ("miniz_oxide 3", |bytes| miniz_oxide(bytes, 3)),
    ("miniz_oxide 6", |bytes| miniz_oxide(bytes, 6)),
];

fn zlib_rs(bytes: &[u8], level: i32) -> usize {
    let (mut deflate, mut target) = (zlib_rs::Deflate::new(level, false, 15), vec![0; bytes.len() + bytes.len() / 512 + 128]);
    deflate.compress(bytes, &mut target, zlib_rs::DeflateFlush::SyncFlush).expect("a stream");
    assert_eq!(deflate.total_in(), bytes.len() as u64);
    usize::try_from(deflate.total_out()).expect("a length")
}

fn miniz_oxide(bytes: &[u8], level: u32) -> usize {
    let (mut compress, mut target) =
        (Compress::new(Compression::new(level), false), Vec::with_capacity(bytes.len() + bytes.len() / 512 + 128));
    compress.compress_vec(bytes, &mut target, FlushCompress::Sync).expect("a stream");
    assert_eq!(compress.total_in(), bytes.len() as u64);
    target.len()
}

/// The best time of several runs, in milliseconds, and the size that they come to.
fn measured(mut run: impl FnMut() -> usize) -> (f64, usize) {
    let run = |_| {
        let started = Instant::now();
        let size = run();
        (started.elapsed().as_secs_f64() * 1e3, size)
    };
    (0..RUNS).map(run).min_by(|a, b| a.0.total_cmp(&b.0)).expect("a run")
}

fn main() {
    println!("| picture | setting | ms | KiB |\n|---|---|---|---|");
    let row = |path: &str, setting: &str, (time, size): (f64, usize)| println!("| {path} | {setting} | {time:.1} | {} |", size / 1024);
    let labeller = |threads| Labeller::new("001191110000100006666010001".parse().ok()).expect("a labeller").with_threads(threads);
    let produce_id = ProduceId::new(Timestamp(1), [0; 10]);
    for path in std::env::args().skip(1) {
        let pixels = image::open(&path).expect("a picture").into_rgb8();
        let (width, height) = pixels.dimensions();
        let picture = Picture::new(width, height, pixels.into_raw()).expect("a picture");
        let (default, middle, fast) = (CompressionType::Default, CompressionType::Level(3), CompressionType::Fast);
        for (setting, compression) in [("image, default", default), ("image, level 3", middle), ("image, fast", fast)] {
            let encode = || {
                let mut file = Vec::new();
                let encoder = PngEncoder::new_with_quality(&mut file, compression, FilterType::Adaptive);
                encoder.write_image(picture.pixels(), width, height, ExtendedColorType::Rgb8).expect("a file");
                file.len()
            };
            row(&path, setting, measured(encode));
        }
        for threads in [Threads::ONE, Threads::available()] {
            let labeller = labeller(threads);
            let encode = || labeller.label_sheet(&picture, FileFormat::Png, produce_id).expect("a file").len();
            row(&path, &format!("ours with label, {} threads", threads.count()), measured(encode));
        }
        let filtered = filtered(&labeller(Threads::ONE).label_sheet(&picture, FileFormat::Png, produce_id).expect("a file"));
        let stride = 3 * width as usize + 1;
        let piece = (PIECE / (stride - 1)).max(1) * stride;
        for (name, deflate) in DEFLATERS {
            for threads in [Threads::ONE, Threads::available()] {
                let all = || {
                    let mut sizes = vec![0; filtered.len().div_ceil(piece)];
                    threads.each(sizes.iter_mut().zip(filtered.chunks(piece)).collect(), |(size, piece)| *size = deflate(piece));
                    sizes.iter().sum()
                };
                row(&path, &format!("deflate: {name}, {} threads", threads.count()), measured(all));
            }
        }
        row(&path, "deflate: fdeflate, whole", measured(|| fdeflate::compress_to_vec(&filtered).len()));
    }
}

/// The rows of one of our files, filtered.
fn filtered(file: &[u8]) -> Vec<u8> {
    let mut rest = &file[8..];
    loop {
        let length = u32::from_be_bytes(rest[..4].try_into().expect("a length")) as usize;
        if &rest[4..8] == b"IDAT" {
            let mut rows = Vec::new();
            ZlibDecoder::new(&rest[8..8 + length]).read_to_end(&mut rows).expect("a stream");
            return rows;
        }
        rest = &rest[length + 12..];
    }
}
