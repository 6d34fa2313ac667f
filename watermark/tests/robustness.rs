//! Marks survive what happens to pictures, and stay invisible.

mod support;

use spec::Threads;
use support::{ATTACKS, Attack, KINDS, attacked, draw};
use watermark::{Id, Key, LEAST_PSNR, LEAST_SIDE, detect, embed};

const SIDE: u32 = 256;

fn key() -> Key {
    Key::from_bytes([42; 32])
}

#[test]
fn every_attack_leaves_the_identifier_in_every_kind_of_picture() {
    let mut lost = Vec::new();
    for (index, kind) in KINDS.into_iter().enumerate() {
        let original = draw(kind, 900 + index as u32, SIDE, SIDE + 40);
        let mut picture = original.clone();
        let id = Id::new(0xA5A5_0000_0001 + index as u64).unwrap();
        let embedded = embed(&mut picture, SIDE, SIDE + 40, &key(), id, Threads::available()).unwrap();
        let squares: u64 = original.iter().zip(picture.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
        let psnr = 10.0 * (255.0 * 255.0 * original.len() as f64 / squares as f64).log10();
        assert!(psnr >= f64::from(LEAST_PSNR) && (psnr - f64::from(embedded.psnr)).abs() < 0.01, "{kind:?}: {psnr} {embedded:?}");
        for attack in ATTACKS {
            let copy = attacked(&picture, *attack, index as u32);
            let found = detect(copy.as_raw(), copy.width(), copy.height(), &key()).unwrap();
            if found.is_none_or(|found| found.id != id) {
                lost.push((kind, attack.0));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_least_size_survives_the_common_copies() {
    let id = Id::new(7).unwrap();
    for (index, kind) in KINDS.into_iter().enumerate() {
        let mut picture = draw(kind, 40 + index as u32, LEAST_SIDE, LEAST_SIDE);
        embed(&mut picture, LEAST_SIDE, LEAST_SIDE, &key(), id, Threads::available()).unwrap();
        for attack in
            ATTACKS.iter().filter(|attack| matches!(attack.1, Attack::Nothing | Attack::Webp | Attack::Jpeg(75..) | Attack::Chain))
        {
            let copy = attacked(&picture, *attack, 1);
            let found = detect(copy.as_raw(), copy.width(), copy.height(), &key()).unwrap();
            assert_eq!(found.map(|found| found.id), Some(id), "{kind:?} {}", attack.0);
        }
    }
}

#[test]
fn the_same_picture_key_and_identifier_give_the_same_bytes() {
    let picture = draw(KINDS[1], 5, 130, 150);
    let mark = || {
        let mut copy = picture.clone();
        embed(&mut copy, 130, 150, &key(), Id::new(99).unwrap(), Threads::available()).unwrap();
        copy
    };
    assert_eq!(mark().as_raw(), mark().as_raw());
}

#[test]
fn marking_again_replaces_nothing_silently() {
    // The second mark reads back, or the call says that it does not: never a third identifier.
    let mut picture = draw(KINDS[2], 6, SIDE, SIDE);
    let (first, second) = (Id::new(1).unwrap(), Id::new(2).unwrap());
    embed(&mut picture, SIDE, SIDE, &key(), first, Threads::available()).unwrap();
    let wanted = if embed(&mut picture, SIDE, SIDE, &key(), second, Threads::available()).is_ok() { second } else { first };
    assert_eq!(detect(picture.as_raw(), SIDE, SIDE, &key()).unwrap().map(|found| found.id), Some(wanted));
}
