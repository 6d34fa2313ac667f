//! Packages become captioned scenes: pinned bytes only, the same scene for the same place, captions that say what was drawn.

use base64::Engine as _;
use image::{ExtendedColorType, ImageEncoder as _, codecs::webp::WebPEncoder};
use sha2::{Digest as _, Sha512};
use std::io::Write as _;
use std::path::Path;
use trainer::data::{BackgroundKind, DataRecipe, Dataset, Error, PALETTE, nearest_colour};

const CONCEPTS: [(&str, &str, &str, [u8; 3]); 3] = [
    ("1F34E", "红苹果", "red apple", [220, 20, 30]),
    ("1F431", "猫脸", "cat face", [240, 180, 60]),
    ("1F697", "汽车", "automobile", [30, 60, 200]),
];

fn package(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("package/{name}"), content.as_slice()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A disc of `colour` on nothing, 256 × 256.
fn picture(colour: [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..256 * 256_i32)
        .flat_map(|i| {
            let inside = (i % 256 - 128).pow(2) + (i / 256 - 128).pow(2) < 110 * 110;
            [colour[0], colour[1], colour[2], if inside { 255 } else { 0 }]
        })
        .collect();
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes).write_image(&pixels, 256, 256, ExtendedColorType::Rgba8).unwrap();
    bytes
}

fn annotations(label: impl Fn(usize) -> &'static str) -> Vec<u8> {
    let rows = CONCEPTS.iter().enumerate().map(|(i, concept)| {
        let tags = if i == 1 { vec!["猫咪", "宠物", "猫脸猫脸猫脸"] } else { vec![] };
        serde_json::json!({"label": label(i), "hexcode": concept.0, "tags": tags, "group": i, "subgroup": i})
    });
    serde_json::to_vec(&rows.collect::<Vec<_>>()).unwrap()
}

fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(bytes)))
}

fn write_packages(folder: &Path) -> DataRecipe {
    let mut pictures: Vec<(String, Vec<u8>)> =
        CONCEPTS.iter().map(|concept| (format!("assets/{}.webp", concept.0.to_lowercase()), picture(concept.3))).collect();
    pictures.push(("assets/1f9d1-200d-1f33e.webp".into(), picture([1, 2, 3])));
    let groups = serde_json::json!({
        "groups": {"0": "food-drink", "1": "animals-nature", "2": "travel-places"},
        "subgroups": {"0": "food-fruit", "1": "animal-mammal", "2": "transport-ground"}
    });
    let names = [
        ("zh/data.json".to_owned(), annotations(|i| CONCEPTS[i].1)),
        ("en/data.json".to_owned(), annotations(|i| CONCEPTS[i].2)),
        ("meta/groups.json".to_owned(), serde_json::to_vec(&groups).unwrap()),
    ];
    let (pictures, names) = (package(&pictures), package(&names));
    std::fs::write(folder.join("pictures-1.0.0.tgz"), &pictures).unwrap();
    std::fs::write(folder.join("scope-names-2.0.0.tgz"), &names).unwrap();
    let origin = |name: &str, version: &str, bytes: &[u8]| {
        let integrity = integrity(bytes);
        format!(
            "name = \"{name}\"\nversion = \"{version}\"\nintegrity = \"{integrity}\"\nlicence = \"MIT\"\nattribution = \"us\"\nlicence_proof = \"here\"\n"
        )
    };
    let (picture_origin, name_origin) = (origin("pictures", "1.0.0", &pictures), origin("@scope/names", "2.0.0", &names));
    let recipe = format!(
        "format = 1\nname = \"test\"\n[pictures]\nfolder = \"assets/\"\nstyle = [\"3D 风格\", \"3D style\"]\n[pictures.package]\n{picture_origin}\
         [annotations]\nchinese = \"zh/data.json\"\nenglish = \"en/data.json\"\ngroups = \"meta/groups.json\"\n[annotations.package]\n{name_origin}\
         [filters]\ngroups = [\"food-drink\", \"animals-nature\", \"travel-places\"]\ntag_shared_by_at_most = 2\ntag_characters_at_most = 5\n\
         [filters.exclude_subgroups]\ntransport-ground = \"not today\"\n[filters.exclude]\n\
         [composition]\nseveral = 0.3\npair = 0.2\nwhite = 0.3\ngradient = 0.1\nstudio = 0.1\nplay = 1.0\n\
         [captions]\nenglish = 0.0\nwhite_unnamed = 0.7\nstyle = 0.1\ndefault_measure_word = \"个\"\n[captions.measure_words]\nanimal-mammal = \"只\"\n"
    );
    std::fs::write(folder.join("recipe.toml"), recipe).unwrap();
    DataRecipe::read(&folder.join("recipe.toml")).unwrap()
}

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

#[test]
fn the_manifest_accounts_for_every_picture() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Dataset::open(write_packages(folder.path()), folder.path()).unwrap();
    let manifest = dataset.manifest(folder.path()).unwrap();
    let rows: Vec<serde_json::Value> = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 1 + 4);
    assert_eq!((rows[0]["used"].as_u64(), rows[0]["left_out"].as_u64()), (Some(2), Some(2)));
    assert_eq!(rows[1]["source"], "npm:pictures@1.0.0/assets/1f34e.webp");
    assert!(rows.iter().skip(1).all(|row| row["sha256"].as_str().is_some_and(|digest| digest.len() == 64)));
    assert!(rows[3]["reason"].as_str().unwrap().contains("not today"), "{}", rows[3]);
    assert_eq!(manifest, dataset.manifest(folder.path()).unwrap());
}

#[test]
fn other_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    let path = folder.path().join("pictures-1.0.0.tgz");
    let original = std::fs::read(&path).unwrap();
    std::fs::write(&path, &original[..original.len() / 2]).unwrap();
    assert!(matches!(Dataset::open(recipe.clone(), folder.path()), Err(Error::Integrity { .. })));
    std::fs::remove_file(&path).unwrap();
    let missing = Dataset::open(recipe.clone(), folder.path()).err().unwrap().to_string();
    assert!(missing.contains("npm pack pictures@1.0.0"), "{missing}");
    // Truncated, but with the integrity of the truncated bytes: damaged, not merely different.
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&original[..original.len() / 2]).unwrap();
    let mut damaged = recipe;
    damaged.pictures.package.integrity = integrity(&original[..original.len() / 2]);
    assert!(matches!(Dataset::open(damaged, folder.path()), Err(Error::Package { .. })));
}
