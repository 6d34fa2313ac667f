//! What is not marked under this key is not found under it.

mod support;

use spec::Threads;
use support::{KINDS, draw};
use watermark::{Id, Key, MOST_READINGS, detect, embed};

#[test]
fn the_bound_is_below_one_in_a_million() {
    assert!((MOST_READINGS as f64) * 0.5f64.powi(32) < 1e-7);
}

#[test]
fn nothing_is_found_in_unmarked_pictures() {
    for seed in 0..200u32 {
        let picture = draw(KINDS[seed as usize % KINDS.len()], 5000 + seed, 96, 96);
        let key = Key::from_bytes([seed as u8; 32]);
        assert_eq!(detect(picture.as_raw(), 96, 96, &key).unwrap(), None, "{seed}");
    }
}

#[test]
fn a_mark_under_another_key_is_not_found() {
    let mut picture = draw(KINDS[0], 3, 160, 160);
    embed(&mut picture, 160, 160, &Key::from_bytes([1; 32]), Id::new(5).unwrap(), Threads::available()).unwrap();
    for other in 2..20 {
        assert_eq!(detect(picture.as_raw(), 160, 160, &Key::from_bytes([other; 32])).unwrap(), None);
    }
}
