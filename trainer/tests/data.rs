//! Packages become captioned scenes: the same scene for the same place, captions that say what was drawn.

mod packages;

use packages::write_packages;
use trainer::data::{BackgroundKind, Dataset, PALETTE, nearest_colour};

#[test]
fn captions_say_what_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Dataset::open(write_packages(folder.path()), folder.path()).unwrap();
    assert_eq!(dataset.concepts().len(), 2);
    assert_eq!(dataset.concepts()[1].chinese, ["猫脸", "猫咪"]);
    let mut seen = [false; 3];
    for index in 0..200 {
        let sample = dataset.sample(3, index, 64);
        assert_eq!(sample.pixels.len(), 64 * 64 * 3);
        let count = sample.concepts.len();
        let same = sample.concepts.iter().all(|concept| *concept == sample.concepts[0]);
        let words = [sample.caption.contains('两') && same && count == 2, sample.caption.contains('三') && same && count == 3];
        assert!(count == 1 || words.contains(&true) || sample.caption.contains('和'), "{} {:?}", sample.caption, sample.concepts);
        for concept in &sample.concepts {
            let names = &dataset.concepts()[*concept].chinese;
            assert!(names.iter().any(|name| sample.caption.contains(name.as_str())), "{} lacks {names:?}", sample.caption);
        }
        let corner = [sample.pixels[0], sample.pixels[1], sample.pixels[2]];
        if sample.background.kind == BackgroundKind::Plain {
            assert_eq!(nearest_colour(corner), sample.background.colour, "{}", sample.caption);
        }
        if sample.caption.contains("背景") {
            assert!(sample.caption.contains(PALETTE[sample.background.colour].chinese), "{}", sample.caption);
        } else {
            assert_eq!((sample.background.colour, sample.background.kind), (0, BackgroundKind::Plain), "{}", sample.caption);
        }
        seen[count - 1] = true;
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn a_place_has_one_scene() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    let (a, b) = (Dataset::open(recipe.clone(), folder.path()).unwrap(), Dataset::open(recipe, folder.path()).unwrap());
    for index in [0, 1, 77, 1 << 40] {
        let (first, second) = (a.sample(9, index, 128), b.sample(9, index, 128));
        assert_eq!((&first.pixels, &first.caption), (&second.pixels, &second.caption));
        assert_eq!(a.captions(9, index, 1), [first.caption]);
        assert_eq!(a.crop(9, index, 64), b.crop(9, index, 64));
    }
    assert_ne!(a.sample(9, 0, 64).pixels, a.sample(10, 0, 64).pixels);
}
