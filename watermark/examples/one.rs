use watermark::{Id, Key, embed};
fn main() {
    let key = Key::from_bytes(*b"a key for the robustness example");
    for path in std::env::args().skip(2) {
        for _ in 0..3 {
            let mut p = image::open(&path).unwrap().into_rgb8();
            let (w, h) = p.dimensions();
            let t = std::time::Instant::now();
            let r = embed(&mut p, w, h, &key, Id::new(77).unwrap(), spec::Threads::new(std::env::args().nth(1).unwrap().parse().unwrap()));
            println!("{path} {:?} {:.1} ms", r.map(|r| r.psnr), t.elapsed().as_secs_f64() * 1e3);
        }
    }
}
