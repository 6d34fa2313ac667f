//! Digest of marked pixels, and time.
#[path = "../tests/support/mod.rs"]
mod support;
use support::{KINDS, draw};
use watermark::{Id, Key, embed};
fn main() {
    let key = Key::from_bytes(*b"a key for the robustness example");
    for (w, h, n) in [(128, 128, 12), (130, 150, 6), (256, 256, 6), (300, 513, 6), (700, 512, 6), (1024, 1024, 6)] {
        for i in 0..n {
            let mut p = draw(KINDS[i % 6], 77 + i as u32, w, h);
            if std::env::var("SAVE").is_ok() && w == 1024 {
                p.save(format!("/tmp/bench/drawn-{i}.png")).unwrap();
            }
            let t = std::time::Instant::now();
            let r = embed(
                &mut p,
                w,
                h,
                &key,
                Id::new(0x1234567 + i as u64).unwrap(),
                spec::Threads::new(std::env::args().nth(1).unwrap().parse().unwrap()),
            );
            let ms = t.elapsed().as_secs_f64() * 1e3;
            let d = p.as_raw().iter().fold(0xcbf29ce484222325u64, |a, b| (a ^ *b as u64).wrapping_mul(0x100000001b3));
            if std::env::var("SAVE").is_ok() && w == 1024 {
                p.save(format!("/tmp/bench/drawn-{i}-marked.png")).unwrap();
            }
            println!("{w}x{h} {i} {:016x} {:?} | {ms:.1}", d, r.map(|r| r.psnr));
        }
    }
}
