//! Packages become captioned scenes: the same scene for the same place, captions that say what was drawn.

mod packages;

use packages::write_packages;
use trainer::data::{BackgroundKind, Dataset, ObjectSize, PALETTE, nearest_colour};

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
        let count = sample.scene.objects.len();
        let same = sample.scene.objects.iter().all(|concept| *concept == sample.scene.objects[0]);
        let words = [sample.caption.contains('两') && same && count == 2, sample.caption.contains('三') && same && count == 3];
        assert!(count == 1 || words.contains(&true) || sample.caption.contains('和'), "{} {:?}", sample.caption, sample.scene.objects);
        for concept in &sample.scene.objects {
            let names = &dataset.concepts()[*concept].chinese;
            assert!(names.iter().any(|name| sample.caption.contains(name.as_str())), "{} lacks {names:?}", sample.caption);
        }
        let corner = [sample.pixels[0], sample.pixels[1], sample.pixels[2]];
        if sample.scene.background.kind == BackgroundKind::Plain {
            assert_eq!(nearest_colour(corner), sample.scene.background.colour, "{}", sample.caption);
        }
        if sample.caption.contains("背景") {
            assert!(sample.caption.contains(PALETTE[sample.scene.background.colour].chinese), "{}", sample.caption);
        } else {
            assert_eq!((sample.scene.background.colour, sample.scene.background.kind), (0, BackgroundKind::Plain), "{}", sample.caption);
        }
        seen[count - 1] = true;
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn captions_say_colour_and_size() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Dataset::open(write_packages(folder.path()), folder.path()).unwrap();
    let (mut colours, mut sizes) = (0, 0);
    for index in 0..600 {
        let sample = dataset.sample(4, index, 64);
        let scene = &sample.scene;
        let subject = sample.caption.replace(&format!("{}背景", PALETTE[scene.background.colour].chinese), "");
        // The discs of the test's pictures are of one colour; the middle of the scene is inside a single one.
        let middle: [u8; 3] = std::array::from_fn(|channel| sample.pixels[(32 * 64 + 32) * 3 + channel]);
        if let Some(colour) = scene.colour {
            assert_eq!(dataset.concepts()[scene.objects[0]].id, "1F34E");
            assert!(subject.contains(PALETTE[colour].chinese) && nearest_colour(middle) == colour, "{} {middle:?}", sample.caption);
            colours += 1;
        }
        let wide = |name: &str| subject.contains(name);
        assert_eq!(
            (wide("小小的"), wide("大大的")),
            (scene.size == ObjectSize::Small, scene.size == ObjectSize::Large),
            "{}",
            sample.caption
        );
        if scene.background.kind == BackgroundKind::Plain && scene.objects.len() == 1 {
            let background = &sample.pixels[..3];
            let covered = sample.pixels.chunks_exact(3).filter(|pixel| *pixel != background).count() as f32 / (64.0 * 64.0);
            match scene.size {
                ObjectSize::Small => assert!(covered < 0.2, "{covered}"),
                ObjectSize::Usual => assert!((0.2..0.48).contains(&covered), "{covered}"),
                ObjectSize::Large => assert!(covered > 0.4, "{covered}"),
            }
            sizes += usize::from(scene.size != ObjectSize::Usual);
        }
    }
    assert!(colours > 20 && sizes > 20, "{colours} {sizes}");
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
