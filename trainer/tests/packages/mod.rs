//! Two small packages in a folder: three annotated pictures and a variant without annotation.

#![allow(dead_code, reason = "each test binary uses its own part")]

use base64::Engine as _;
use image::{ExtendedColorType, ImageEncoder as _, codecs::webp::WebPEncoder};
use sha2::{Digest as _, Sha512};
use std::path::Path;
use trainer::data::{DataRecipe, Registry};

/// Code points, Chinese and English label, colour of the picture.
pub const CONCEPTS: [(&str, &str, &str, [u8; 3]); 3] = [
    ("1F34E", "红苹果", "red apple", [220, 20, 30]),
    ("1F431", "猫脸", "cat face", [240, 180, 60]),
    ("1F697", "汽车", "automobile", [30, 60, 200]),
];

/// Files as `npm pack` packs them.
pub fn package(files: &[(String, Vec<u8>)]) -> Vec<u8> {
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
pub fn picture(colour: [u8; 3]) -> Vec<u8> {
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

/// The integrity that a registry states.
pub fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(bytes)))
}

/// A package of pictures, one of names, the recipe for them, and the registry that admits them.
pub fn write_packages(folder: &Path) -> DataRecipe {
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
         recoloured = 0.8\nrecolourable = [\"1F34E\"]\nsized = 0.3\n\
         [captions]\nenglish = 0.0\nwhite_unnamed = 0.7\nstyle = 0.1\ndefault_measure_word = \"个\"\n[captions.measure_words]\nanimal-mammal = \"只\"\n"
    );
    std::fs::write(folder.join("recipe.toml"), recipe).unwrap();
    let recipe = DataRecipe::read(&folder.join("recipe.toml")).unwrap();
    let mut registry = Registry::empty();
    registry.register(&recipe);
    registry.write(&Registry::beside(&folder.join("recipe.toml"))).unwrap();
    recipe
}
