//! Whatever the buffer and its size, the answer is a value.

use proptest::prelude::*;
use spec::Threads;
use watermark::{Error, Id, Key, LEAST_SIDE, detect, embed};

fn key() -> Key {
    Key::from_bytes([3; 32])
}

fn id() -> Id {
    Id::new(0xFFFF_FFFF_FFFF).unwrap()
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    for (width, height, length) in [(0, 0, 0), (0, 5, 0), (5, 5, 74), (5, 5, 76), (200, 200, 3)] {
        let mut pixels = vec![0; length];
        let mismatch = Error::BufferMismatch { width, height, length };
        assert_eq!(embed(&mut pixels, width, height, &key(), id(), Threads::available()), Err(mismatch.clone()));
        assert_eq!(detect(&pixels, width, height, &key()), Err(mismatch));
    }
    let (width, height) = (u32::MAX, u32::MAX);
    assert_eq!(embed(&mut [], width, height, &key(), id(), Threads::available()), Err(Error::TooLarge { width, height }));
    assert_eq!(detect(&[], width, height, &key()), Err(Error::TooLarge { width, height }));
}

#[test]
fn small_pictures_are_told_the_least_size_and_left_alone() {
    let (width, height) = (LEAST_SIDE - 1, 400);
    let mut pixels = vec![90; (3 * width * height) as usize];
    assert_eq!(
        embed(&mut pixels, width, height, &key(), id(), Threads::available()),
        Err(Error::TooSmall { width, height, least: LEAST_SIDE })
    );
    assert!(pixels.iter().all(|&value| value == 90));
}

#[test]
fn flat_pictures_carry_the_mark() {
    for level in [0, 1, 128, 254, 255] {
        let mut pixels = vec![level; 128 * 128 * 3];
        assert_eq!(detect(&pixels, 128, 128, &key()), Ok(None));
        embed(&mut pixels, 128, 128, &key(), id(), Threads::available()).unwrap();
        assert_eq!(detect(&pixels, 128, 128, &key()).unwrap().map(|found| found.id), Some(id()), "{level}");
    }
}

#[test]
fn long_and_narrow_pictures_are_answered() {
    for (width, height) in [(1, 5000), (5000, 1), (33, 2000), (2000, 128)] {
        let mut pixels: Vec<u8> = (0..3 * width * height).map(|at: u32| (at.wrapping_mul(7919) >> 5) as u8).collect();
        assert_eq!(detect(&pixels, width, height, &key()), Ok(None));
        let _ = embed(&mut pixels, width, height, &key(), id(), Threads::available());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_bytes_are_answered(width in 1u32..180, height in 1u32..180, seed in any::<u32>(), contrast in 0u8..=255) {
        let mut state = seed | 1;
        let mut pixels: Vec<u8> = (0..3 * width * height).map(|_| {
            state ^= state << 13; state ^= state >> 17; state ^= state << 5;
            ((state >> 24) * u32::from(contrast) / 255) as u8
        }).collect();
        prop_assert_eq!(detect(&pixels, width, height, &key()), Ok(None));
        let before = pixels.clone();
        if embed(&mut pixels, width, height, &key(), id(), Threads::available()).is_ok() {
            prop_assert_eq!(detect(&pixels, width, height, &key()).unwrap().map(|found| found.id), Some(id()));
        } else {
            prop_assert_eq!(before, pixels);
        }
    }
}
