//! Time and size of PNG files: as labels are written, beside the settings of the `image` crate.
//!
//! ```text
//! cargo run --release -p provenance --example png -- PICTURE…
//! ```
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use provenance::Labeller;
use spec::{FileFormat, Picture, ProduceId, Threads, Timestamp};
use std::time::Instant;

/// The best of so many.
const RUNS: usize = 5;

fn main() {
    println!("| picture | setting | ms | KiB |\n|---|---|---|---|");
    for path in std::env::args().skip(1) {
        let pixels = image::open(&path).expect("a picture").into_rgb8();
        let (width, height) = pixels.dimensions();
        let picture = Picture::new(width, height, pixels.into_raw()).expect("a picture");
        let row = |setting: &str, encode: &dyn Fn() -> usize| {
            let run = |_| {
                let started = Instant::now();
                let size = encode();
                (started.elapsed().as_secs_f64() * 1e3, size)
            };
            let (time, size) = (0..RUNS).map(run).min_by(|a, b| a.0.total_cmp(&b.0)).expect("a run");
            println!("| {path} | {setting} | {time:.1} | {} |", size / 1024);
        };
        let (default, middle, fast) = (CompressionType::Default, CompressionType::Level(3), CompressionType::Fast);
        for (setting, compression) in [("image, default", default), ("image, level 3", middle), ("image, fast", fast)] {
            row(setting, &|| {
                let mut file = Vec::new();
                let encoder = PngEncoder::new_with_quality(&mut file, compression, FilterType::Adaptive);
                encoder.write_image(picture.pixels(), width, height, ExtendedColorType::Rgb8).expect("a file");
                file.len()
            });
        }
        for threads in [Threads::ONE, Threads::available()] {
            let labeller = Labeller::new("001191110000100006666010001".parse().ok()).expect("a labeller").with_threads(threads);
            let produce_id = ProduceId::new(Timestamp(1), [0; 10]);
            row(&format!("ours with label, {} threads", threads.count()), &|| {
                labeller.label_sheet(&picture, FileFormat::Png, produce_id).expect("a file").len()
            });
        }
    }
}
