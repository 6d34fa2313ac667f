//! A training run refuses sources that nothing allows it to use, and says why (check-list D-1).

mod packages;
mod tiny;

use packages::write_packages;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use trainer::data::registry::{PersonalInformation, Sampling, SamplingMethod, SourceKind, draw_sample, package_files};
use trainer::data::{DataRecipe, Error, Registry};
use trainer::{Existing, Options, Stage};

const PICTURES: &str = "npm:pictures@1.0.0";

fn sampling(method: SamplingMethod, sampled: u64, bad: u64) -> Sampling {
    Sampling {
        date: "2026-11-23".into(),
        by: "审核组".into(),
        method,
        population: 10_000,
        sampled,
        bad,
        seed: Some(1),
        worksheet_sha256: None,
    }
}

/// A folder whose registry was changed, and where the registry lies.
fn changed(change: impl FnOnce(&mut Registry)) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    write_packages(folder.path());
    let path = Registry::beside(&folder.path().join("recipe.toml"));
    let mut registry = Registry::read(&path).unwrap();
    change(&mut registry);
    registry.write(&path).unwrap();
    (folder, path)
}

fn train(folder: &Path) -> trainer::Result<()> {
    let path = folder.join("tiny.recipe.toml");
    std::fs::write(&path, tiny::RECIPE.replace("none.toml", "recipe.toml")).unwrap();
    let options = Options {
        data: folder.to_owned(),
        output: folder.join("run"),
        existing: Existing::Refuse,
        initialise: None,
        until: Stage::Autoencoder,
        time_limit: None,
    };
    trainer::train(&path, &options, &tiny::encode, &AtomicBool::new(false))
}

fn refusal(change: impl FnOnce(&mut Registry)) -> String {
    let (folder, _) = changed(change);
    let error = train(folder.path()).unwrap_err();
    assert!(matches!(&error, trainer::Error::Data(Error::NotAdmitted { .. })), "{error}");
    assert!(!folder.path().join("run").exists(), "a refused run leaves nothing behind");
    error.to_string()
}

#[test]
fn registered_sources_are_trained_on() {
    let (folder, _) = changed(|registry| {
        registry.sources[0].sampling = vec![sampling(SamplingMethod::Manual, 4_000, 200)];
    });
    train(folder.path()).unwrap();
}

#[test]
fn sources_that_nothing_allows_are_refused() {
    type Change<'a> = &'a dyn Fn(&mut Registry);
    let cases: [(Change<'_>, &str); 8] = [
        (&|registry| registry.sources[0].licence.clear(), "no licence record"),
        (&|registry| registry.sources[0].licence_proof = "  ".into(), "no proof"),
        (&|registry| registry.sources.truncate(0), "not in the registry"),
        (&|registry| registry.sources[0].integrity = Some("sha512-other".into()), "other bytes"),
        (&|registry| registry.sources[0].licence = "CC0-1.0".into(), "the recipe \"MIT\""),
        (&|registry| registry.sources[0].kind = SourceKind::SelfCollected, "collection record"),
        (&|registry| registry.sources[0].personal_information = Some(PersonalInformation::Sensitive), "without consent"),
        (&|registry| registry.sources[0].sampling = vec![sampling(SamplingMethod::Technical, 1_000, 51)], "51 of 1000 samples"),
    ];
    for (change, words) in cases {
        let text = refusal(change);
        assert!(text.contains(words) && text.contains(PICTURES), "{words}: {text}");
    }
}

#[test]
fn the_newest_check_counts() {
    let (folder, _) = changed(|registry| {
        registry.sources[0].sampling = vec![sampling(SamplingMethod::Manual, 100, 50), sampling(SamplingMethod::Manual, 100, 5)];
    });
    train(folder.path()).unwrap();
}

#[test]
fn a_run_without_a_registry_says_how_to_make_one() {
    let (folder, path) = changed(|_| {});
    std::fs::remove_file(path).unwrap();
    let error = train(folder.path()).unwrap_err().to_string();
    assert!(error.contains("danqing data register"), "{error}");
}

#[test]
fn work_to_do_before_filing_does_not_stop_a_run_and_is_named() {
    let (_folder, path) = changed(|registry| {
        registry.sources[0].sampling = vec![sampling(SamplingMethod::Manual, 3_999, 199), sampling(SamplingMethod::Technical, 999, 25)];
    });
    let registry = Registry::read(&path).unwrap();
    let notes: Vec<String> = registry.sources[0].shortfalls().into_iter().filter(|note| !note.refuses).map(|note| note.english).collect();
    for words in ["4,000", "96 %", "10 %", "98 %", "personal information", "intellectual property", "origin"] {
        assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:?}");
    }
}

#[test]
fn impossible_counts_are_not_read() {
    let (_folder, path) = changed(|_| {});
    let text = std::fs::read_to_string(&path).unwrap();
    for sampling in ["population = 5\nsampled = 6\nbad = 0", "population = 5\nsampled = 0\nbad = 0", "population = 5\nsampled = 2\nbad = 3"]
    {
        let sampling = format!("\n[[source.sampling]]\ndate = \"2026-11-23\"\nby = \"a\"\nmethod = \"manual\"\n{sampling}\n");
        std::fs::write(&path, format!("{text}{sampling}")).unwrap();
        assert!(matches!(Registry::read(&path), Err(Error::Registry { .. })));
    }
}

#[test]
fn a_sample_is_drawn_evenly_without_repetition() {
    let mut counts = [0_u32; 20];
    for seed in 0..2_000 {
        let drawn = draw_sample(20, 5, seed);
        assert_eq!(drawn.len(), 5);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        for item in drawn {
            counts[item as usize] += 1;
        }
    }
    // Each item is drawn 500 times in 2,000 on average, with a standard deviation of 19.
    assert!(counts.iter().all(|&count| (400..600).contains(&count)), "{counts:?}");
    assert_eq!(draw_sample(7, 4_000, 1), (0..7).collect::<Vec<_>>());
}

#[test]
fn the_shipped_recipe_is_admitted_by_the_shipped_registry() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("recipes");
    let path = recipes.join("xiaopin.data.toml");
    let registry_path = Registry::beside(&path);
    assert_eq!(registry_path, recipes.join("xiaopin.registry.toml"));
    Registry::read(&registry_path).unwrap().admit(&DataRecipe::read(&path).unwrap(), &registry_path).unwrap();
}

#[test]
fn the_items_of_a_source_are_its_pictures_or_files() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    let names =
        |id: &str| package_files(&recipe, id, folder.path()).unwrap().map(|files| files.into_iter().map(|(name, _)| name).collect());
    let pictures: Option<Vec<String>> = names(PICTURES);
    assert!(pictures.is_some_and(|all| all.len() == 4 && all.iter().all(|name| name.starts_with("assets/"))));
    let annotations: Option<Vec<String>> = names("npm:@scope/names@2.0.0");
    assert_eq!(annotations.map(|all| all.len()), Some(3));
    assert_eq!(names("npm:other@1"), None::<Vec<String>>);
}
