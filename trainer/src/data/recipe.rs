use super::Error;
use serde::{Deserialize, Serialize};
use spec::Sha256Digest;
use std::path::Path;

/// A data recipe: which packages, what is left out and why, how captions are made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// Version of this format; 1.
    pub format: u32,
    /// Name of the data set.
    pub name: String,
    /// What else a reader of the manifest must know, in its header.
    pub note: Option<String>,
    /// Where the pictures come from.
    pub pictures: PictureSource,
    /// Where their names come from.
    pub annotations: AnnotationSource,
    /// What is left out.
    pub filters: Filters,
    /// How scenes are put together.
    pub composition: Composition,
    /// How scenes are described.
    pub captions: Captions,
    /// SHA-256 of the recipe file.
    #[serde(skip, default = "no_digest")]
    pub digest: Sha256Digest,
}

fn no_digest() -> Sha256Digest {
    Sha256Digest::of(&[])
}

/// One package of the npm registry.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Name, with its scope.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// `sha512-…` of the packed file, as the registry states it.
    pub integrity: String,
    /// SPDX expression.
    pub licence: String,
    /// Who made it.
    pub attribution: String,
    /// What inside or outside the package shows the licence.
    pub licence_proof: String,
}

/// A package of pictures, one file for each code point sequence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureSource {
    /// The package.
    pub package: Package,
    /// Folder of the pictures in it.
    pub folder: String,
    /// Chinese and English name of the style.
    pub style: [String; 2],
}

/// A package of annotations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationSource {
    /// The package.
    pub package: Package,
    /// File of the Chinese annotations.
    pub chinese: String,
    /// File of the English annotations.
    pub english: String,
    /// File that names groups and subgroups.
    pub groups: String,
}

/// What is left out, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Where it is not empty, exactly these code points are kept, without regard to groups and subgroups.
    #[serde(default)]
    pub only: Vec<String>,
    /// Groups that are kept.
    pub groups: Vec<String>,
    /// Subgroups that are left out, with the reason.
    pub exclude_subgroups: std::collections::BTreeMap<String, String>,
    /// Single pictures that are left out, by code points, with the reason.
    pub exclude: std::collections::BTreeMap<String, String>,
    /// A tag that more concepts share says too little to name one.
    pub tag_shared_by_at_most: usize,
    /// Longest tag, in characters, that serves as a name.
    pub tag_characters_at_most: usize,
}

/// Probabilities of a scene's parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// Two or three of one concept.
    pub several: f32,
    /// Two concepts side by side.
    pub pair: f32,
    /// White background; others are drawn evenly from the palette.
    pub white: f32,
    /// A gradient of one named colour.
    pub gradient: f32,
    /// A studio floor and wall.
    pub studio: f32,
    /// How much objects vary in size and place, 0 (not at all) to 1 (by about a tenth).
    pub play: f32,
    /// A single object in a named colour, where it is one of `recolourable`.
    #[serde(default)]
    pub recoloured: f32,
    /// Code points of the pictures that have one main colour and are asked for in others.
    #[serde(default)]
    pub recolourable: Vec<String>,
    /// A single object that is said to be small or large.
    #[serde(default)]
    pub sized: f32,
}

/// How scenes are described.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// Probability of an English caption; the others are Chinese.
    pub english: f32,
    /// Probability that a plain white background goes unnamed.
    pub white_unnamed: f32,
    /// Probability that the style is named.
    pub style: f32,
    /// English names that take neither an article nor a number.
    #[serde(default)]
    pub english_uncountable: Vec<String>,
    /// English plurals that the usual rules miss, by name.
    #[serde(default)]
    pub english_plurals: std::collections::BTreeMap<String, String>,
    /// Measure word (量词) of a subgroup or, first, of a Chinese name; others take `default_measure_word`.
    pub measure_words: std::collections::BTreeMap<String, String>,
    /// The measure word of everything else.
    pub default_measure_word: String,
    /// Names of our own, by code points, where an annotation says it in a way that nobody asks (猫脸).
    #[serde(default)]
    pub names: std::collections::BTreeMap<String, Names>,
}

/// Names of our own for one picture.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Chinese names, the usual one first; they replace label and tags.
    pub zh: Vec<String>,
    /// English name; the annotation's where absent.
    pub en: Option<String>,
}

impl DataRecipe {
    /// Reads and checks a recipe file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let invalid = |detail: String| Error::Recipe { path: path.to_owned(), detail };
        let mut recipe: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if recipe.format != 1 {
            return Err(invalid(format!("format {} is not known, this build reads format 1", recipe.format)));
        }
        if let Some(defect) = recipe.defect() {
            return Err(invalid(defect));
        }
        recipe.digest = Sha256Digest::of(text.as_bytes());
        Ok(recipe)
    }

    /// What the types let through but nobody can mean.
    fn defect(&self) -> Option<String> {
        for package in [&self.pictures.package, &self.annotations.package] {
            // Name and version become a file name.
            let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "@/._+-".contains(c));
            if !plain(&package.name) || !plain(&package.version) || package.version.contains('/') {
                return Some(format!("package {:?} {:?}: not a name and a version of the registry", package.name, package.version));
            }
            if !package.integrity.starts_with("sha512-") {
                return Some(format!("package {}: integrity must be sha512-…", package.name));
            }
        }
        let (composition, captions) = (&self.composition, &self.captions);
        let shares = [
            ("composition.several + composition.pair", composition.several + composition.pair),
            ("composition.several", composition.several),
            ("composition.pair", composition.pair),
            ("composition.white", composition.white),
            ("composition.gradient + composition.studio", composition.gradient + composition.studio),
            ("composition.gradient", composition.gradient),
            ("composition.studio", composition.studio),
            ("composition.play", composition.play),
            ("composition.recoloured", composition.recoloured),
            ("composition.sized", composition.sized),
            ("captions.english", captions.english),
            ("captions.white_unnamed", captions.white_unnamed),
            ("captions.style", captions.style),
        ];
        if let Some((name, value)) = shares.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Some(format!("{name} is {value}, must lie between 0 and 1"));
        }
        let nameless = |names: &Names| names.zh.is_empty() || names.zh.iter().chain(&names.en).any(|name| name.trim().is_empty());
        let (id, _) = captions.names.iter().find(|(_, names)| nameless(names))?;
        Some(format!("captions.names.{id}: a name is empty, or there is no Chinese one"))
    }
}
