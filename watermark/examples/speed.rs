//! Times the detector on files, on one thread, best of several runs.
//!
//! ```text
//! cargo run --release -p watermark --example speed -- FILE …
//! ```
//!
//! For every file: decoding it, looking for a mark in the picture as it is, finding one that was put there, and finding it in a copy
//! of half the size.
use image::imageops::{FilterType, resize};
use spec::Threads;
use std::time::Instant;
use watermark::{Id, Key, detect, embed};

/// Runs, of which the fastest counts: other work on the machine only adds.
const RUNS: usize = 7;

fn main() {
    let (key, id) = (Key::from_bytes(*b"a key for the robustness example"), Id::new(0x1234_5678_9ABC).expect("48 bits"));
    println!(
        "| picture | decoding ms | none found ms | found ms | found, half the size ms | marking ms, one thread |\n|---|---|---|---|---|---|"
    );
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("a file");
        let (decoding, picture) = best(|| image::load_from_memory(&bytes).expect("a picture").into_rgb8());
        let (width, height) = picture.dimensions();
        let mut marked = picture.clone();
        let (marking, ()) = best(|| {
            marked.copy_from_slice(&picture);
            embed(&mut marked, width, height, &key, id, Threads::ONE).expect("a marked picture");
        });
        let half = resize(&marked, width / 2, height / 2, FilterType::Triangle);
        let look = |picture: &image::RgbImage| detect(picture, picture.width(), picture.height(), &key).expect("a searchable picture");
        let ((none, nothing), (found, mark), (small, smaller)) = (best(|| look(&picture)), best(|| look(&marked)), best(|| look(&half)));
        let right = |found: Option<watermark::Detection>| if found.is_some_and(|found| found.id == id) { "" } else { " (missed)" };
        let other = if nothing.is_some() { " (false)" } else { "" };
        let name = std::path::Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
        println!(
            "| {name} {width}×{height} | {decoding:.2} | {none:.2}{other} | {found:.2}{} | {small:.2}{} | {marking:.1} |",
            right(mark),
            right(smaller)
        );
    }
}

/// Milliseconds of the fastest run, and what the last one made.
fn best<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let started = Instant::now();
        let made = work();
        (started.elapsed().as_secs_f64() * 1e3, made)
    };
    let (mut least, mut made) = timed();
    for _ in 1..RUNS {
        let (time, again) = timed();
        (least, made) = (least.min(time), again);
    }
    (least, made)
}
