//! Picture classifiers say what onnxruntime and transformers say: goldens by `testkit/scripts/{open_nsfw,vit}_goldens.py`.

use engine::classifiers::ImageClassifier;
use engine::model_folder::ModelFolder;
use spec::Picture;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Of a probability.
const TOLERANCE: f32 = 1e-4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn goldens() -> PathBuf {
    root().join("testkit/goldens/classifiers")
}

fn open(folder: impl Into<PathBuf>) -> engine::Result<ImageClassifier> {
    ImageClassifier::open(&ModelFolder::Directory(folder.into()))
}

fn picture(path: &Path) -> Picture {
    let pixels = image::open(path).unwrap().into_rgb8();
    Picture::new(pixels.width(), pixels.height(), pixels.into_raw()).unwrap()
}

/// Compares with the scores in `kind`, and returns the range of the last label's.
fn check_parity(classifier: &ImageClassifier, kind: &str) -> (f32, f32) {
    let scores: BTreeMap<String, Vec<f32>> =
        serde_json::from_slice(&std::fs::read(goldens().join(kind).join("scores.json")).unwrap()).unwrap();
    assert_eq!(scores.len(), 6);
    let mut range = (1.0_f32, 0.0_f32);
    for (name, expected) in scores {
        let found = classifier.probabilities(&picture(&goldens().join("open-nsfw").join(format!("{name}.png")))).unwrap();
        assert_eq!(found.len(), expected.len());
        let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{kind} {name}: {found:?}, differs by {difference:e}");
        assert!(difference <= TOLERANCE, "{kind} {name}: {found:?}, expected {expected:?}");
        range = (range.0.min(found[found.len() - 1]), range.1.max(found[found.len() - 1]));
    }
    range
}

#[test]
fn open_nsfw_says_what_onnxruntime_says() {
    let classifier = open(root().join("models/open-nsfw")).unwrap();
    assert_eq!(classifier.labels(), ["sfw", "nsfw"]);
    let (low, high) = check_parity(&classifier, "open-nsfw");
    assert!(low < 0.01 && high > 0.85, "the goldens reach from {low} to {high}");
}

#[test]
fn a_vision_transformer_says_what_transformers_says() {
    let classifier = open(goldens().join("vit")).unwrap();
    assert_eq!(classifier.labels(), ["normal", "nsfw", "violence"]);
    let (low, high) = check_parity(&classifier, "vit");
    assert!(high - low > 0.05, "the goldens reach from {low} to {high}");
}

#[test]
fn pictures_of_every_size_are_read() {
    let classifier = open(goldens().join("vit")).unwrap();
    for (width, height) in [(1, 1), (1, 900), (900, 1), (33, 31), (640, 480)] {
        let pixels = (0..width * height * 3).map(|index| (index * 7 % 256) as u8).collect();
        let probabilities = classifier.probabilities(&Picture::new(width, height, pixels).unwrap()).unwrap();
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn damaged_classifiers_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let source = goldens().join("vit");
    for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    let whole = open(folder.path()).unwrap();
    assert_eq!(whole.sha256(), open(&source).map(|original| original.sha256()).unwrap(), "scores.json aside, the same files");
    let config = std::fs::read_to_string(source.join("config.json")).unwrap();
    let changes = [
        ("ViTForImageClassification", "ResNetForImageClassification"),
        ("\"hidden_size\": 24", "\"hidden_size\": 25"),
        ("\"num_attention_heads\": 3", "\"num_attention_heads\": 0"),
        ("\"patch_size\": 8", "\"patch_size\": 0"),
        ("\"image_size\": 32", "\"image_size\": 64"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
        ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\""),
        ("\"2\": \"violence\"", "\"3\": \"violence\""),
        ("\"violence\"", "\"nsfw\""),
        ("{", "["),
    ];
    for (old, new) in changes {
        assert!(config.contains(old), "{old}");
        std::fs::write(folder.path().join("config.json"), config.replacen(old, new, 1)).unwrap();
        assert!(open(folder.path()).is_err(), "{old} → {new}");
    }
    std::fs::write(folder.path().join("config.json"), &config).unwrap();
    std::fs::write(folder.path().join("preprocessor_config.json"), "{\"size\": 224}").unwrap();
    assert!(open(folder.path()).is_err());
    assert!(open(folder.path().join("nothing")).is_err());
}
