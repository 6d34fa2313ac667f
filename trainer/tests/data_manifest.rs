//! The manifest misses nothing and claims nothing that did not happen: its shape, its reasons, and where names come from.

mod packages;

use packages::write_packages;
use serde_json::{Value, json};
use std::path::Path;
use trainer::data::{DataRecipe, Dataset, Error};

fn rows(recipe: DataRecipe, folder: &Path) -> Vec<Value> {
    let manifest = Dataset::open(recipe, folder).unwrap().manifest(folder).unwrap();
    manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The row without its digest, which depends on how the test's encoder compresses, after a look at its form.
fn without_digest(mut row: Value) -> Value {
    let digest = row.as_object_mut().unwrap().remove("sha256").unwrap();
    assert!(digest.as_str().is_some_and(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())), "{digest}");
    row
}

#[test]
fn every_picture_has_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    let digest = recipe.digest.to_string();
    let packages = json!([&recipe.pictures.package, &recipe.annotations.package]);
    let mut rows = rows(recipe, folder.path()).into_iter();
    assert_eq!(
        rows.next().unwrap(),
        json!({
            "format": "danqing.data-manifest.v1", "name": "test", "recipe_sha256": digest, "packages": packages, "used": 2, "left_out": 2
        })
    );
    let rows: Vec<Value> = rows.map(without_digest).collect();
    let names = json!({"zh": "npm:@scope/names@2.0.0/zh/data.json", "en": "npm:@scope/names@2.0.0/en/data.json"});
    let expected = [
        json!({
            "use": true, "id": "1F34E", "subgroup": "food-fruit", "source": "npm:pictures@1.0.0/assets/1f34e.webp", "licence": "MIT",
            "attribution": "us", "captions_zh": ["红苹果"], "captions_en": "red apple", "measure_word": "个", "captions_source": names,
            "filters_passed": ["annotated", "group", "subgroup", "exclude list", "decodes"]
        }),
        json!({
            "use": true, "id": "1F431", "subgroup": "animal-mammal", "source": "npm:pictures@1.0.0/assets/1f431.webp", "licence": "MIT",
            "attribution": "us", "captions_zh": ["猫脸", "猫咪"], "captions_en": "cat face", "measure_word": "只", "captions_source": names,
            "filters_passed": ["annotated", "group", "subgroup", "exclude list", "decodes"]
        }),
        json!({"use": false, "source": "npm:pictures@1.0.0/assets/1f697.webp", "reason": "subgroup transport-ground: not today"}),
        json!({
            "use": false, "source": "npm:pictures@1.0.0/assets/1f9d1-200d-1f33e.webp",
            "reason": "no base annotation: a skin-tone, gender or sequence variant, or a component"
        }),
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
}

#[test]
fn a_list_overrides_other_filters_and_the_manifest_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = write_packages(folder.path());
    recipe.filters.only = vec!["1F34E".into(), "1F697".into()];
    recipe.filters.exclude.insert("1F431".into(), "cats are private".into());
    let rows = rows(recipe, folder.path());
    let used: Vec<&Value> = rows.iter().filter(|row| row["use"] == true).collect();
    assert_eq!(used.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), ["1F34E", "1F697"]);
    for row in used {
        assert_eq!(row["filters_passed"], json!(["annotated", "list", "decodes"]));
    }
    let cat = rows.iter().find(|row| row["source"].as_str().is_some_and(|source| source.ends_with("1f431.webp"))).unwrap();
    assert_eq!(cat["reason"], "not in the recipe's list; cats are private");
}

#[test]
fn a_listed_concept_without_a_picture_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = write_packages(folder.path());
    recipe.filters.only = vec!["1F34E".into(), "1F4346".into()];
    let error = Dataset::open(recipe, folder.path()).err().unwrap();
    assert!(matches!(&error, Error::UnknownConcept { id } if id == "1F4346"), "{error}");
}

#[test]
fn names_of_our_own_are_told_from_annotations() {
    let folder = tempfile::tempdir().unwrap();
    write_packages(folder.path());
    let path = folder.path().join("recipe.toml");
    let text = std::fs::read_to_string(&path).unwrap() + "[captions.names]\n\"1F431\" = { zh = [\"小猫\"] }\n";
    std::fs::write(&path, text).unwrap();
    let rows = rows(DataRecipe::read(&path).unwrap(), folder.path());
    let cat = rows.iter().find(|row| row["id"] == "1F431").unwrap();
    assert_eq!((&cat["captions_zh"], &cat["captions_en"]), (&json!(["小猫"]), &json!("cat face")));
    assert_eq!(cat["captions_source"], json!({"zh": "recipe", "en": "npm:@scope/names@2.0.0/en/data.json"}));
}

#[test]
fn the_file_has_the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Dataset::open(write_packages(folder.path()), folder.path()).unwrap();
    let path = folder.path().join("manifest.jsonl");
    for _ in 0..2 {
        dataset.write_manifest(folder.path(), &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), dataset.manifest(folder.path()).unwrap());
    }
}
