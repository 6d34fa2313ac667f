//! Marks and reads PNG files, for `scripts/baseline.py`.
//!
//! ```text
//! marker embed IN OUT …      prints "IDENTIFIER" for every pair
//! marker detect FILE …       prints "IDENTIFIER" or "-" for every file
//! ```
use spec::Threads;
use watermark::{Id, Key, detect, embed};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let key = Key::from_bytes(*b"a key for the robustness example");
    let open = |path: &String| image::open(path).expect("a picture").into_rgb8();
    match arguments.split_first() {
        Some((verb, pairs)) if verb == "embed" => {
            for (index, pair) in pairs.chunks_exact(2).enumerate() {
                let mut picture = open(&pair[0]);
                let (width, height) = picture.dimensions();
                let id = Id::new((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16).expect("48 bits");
                embed(&mut picture, width, height, &key, id, Threads::available()).expect("a marked picture");
                picture.save(&pair[1]).expect("a written picture");
                println!("{id}");
            }
        }
        Some((verb, files)) if verb == "detect" => {
            for file in files {
                let picture = open(file);
                let found = detect(picture.as_raw(), picture.width(), picture.height(), &key).expect("a searchable picture");
                println!("{}", found.map_or("-".to_owned(), |found| found.id.to_string()));
            }
        }
        _ => eprintln!("marker embed IN OUT … | marker detect FILE …"),
    }
}
