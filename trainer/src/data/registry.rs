//! The registry of data sources: where each comes from, what allows its use, and what sampling found in it.
//!
//! ```text
//! format = 1
//! [[source]]
//! id = "npm:NAME@VERSION"        # as the data manifest names it
//! kind = "open"                  # open, self_collected, commercial, user, synthetic
//! licence = "MIT"
//! licence_proof = "…"            # what shows the licence: a file, a contract, a page
//! [[source.sampling]]            # one for each check, the newest last
//! date = "2026-11-23"
//! …
//! ```
//!
//! Rules and numbers are those of GB/T 45654-2025 and its predecessor TC260-003 as far as secondary sources give them; see
//! `docs/compliance/README.md`, row D-1.

mod file;

use super::recipe::{DataRecipe, Package};
use super::{Error, package};
use crate::random::Random;
use serde::{Deserialize, Serialize};
use spec::Sha256Digest;
use std::path::{Path, PathBuf};

/// Greatest share of bad samples that a source may have and be trained on (GB/T 45654-2025: more than 5 % must not be used).
pub const GREATEST_BAD_SHARE: f64 = 0.05;
/// Samples that people check (GB/T 45654-2025), or all where there are fewer.
pub const MANUAL_SAMPLES: u64 = 4_000;
/// Least share that people find good (TC260-003, to be confirmed).
pub const MANUAL_PASS_RATE: f64 = 0.96;
/// Least share of all items that keywords or a classifier check (TC260-003, to be confirmed).
pub const TECHNICAL_SHARE: f64 = 0.10;
/// Least share that they find good (TC260-003, to be confirmed).
pub const TECHNICAL_PASS_RATE: f64 = 0.98;

const FORMAT: u32 = 1;
const STREAM_REVIEW: u64 = 0x5a3_91e;

/// How a source was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Published under an open licence (开源).
    Open,
    /// Collected by oneself (自采).
    SelfCollected,
    /// Bought or licensed (商业).
    Commercial,
    /// Entered by users (使用者输入).
    User,
    /// Made by a program or a model (合成).
    Synthetic,
}

impl SourceKind {
    /// Name in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Open => "开源",
            Self::SelfCollected => "自采",
            Self::Commercial => "商业",
            Self::User => "使用者输入",
            Self::Synthetic => "合成",
        }
    }
}

/// Whether a source holds personal information (个人信息).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalInformation {
    /// Somebody looked, and there is none.
    None,
    /// There is some.
    Present,
    /// There is sensitive personal information, such as faces.
    Sensitive,
}

/// Who looked at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingMethod {
    /// People.
    Manual,
    /// Keywords or a classifier.
    Technical,
}

/// One check of a random sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// The day, `2026-11-23`.
    pub date: String,
    /// Who or what judged.
    pub by: String,
    /// How.
    pub method: SamplingMethod,
    /// Items that the sample was drawn from.
    pub population: u64,
    /// Items judged.
    pub sampled: u64,
    /// Items found to hold unlawful or bad information.
    pub bad: u64,
    /// Seed of the drawing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// SHA-256 of the worksheet with each judgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worksheet_sha256: Option<Sha256Digest>,
}

impl Sampling {
    /// Share of bad items; none of no items.
    pub fn bad_share(&self) -> Option<f64> {
        (self.sampled > 0).then(|| self.bad as f64 / self.sampled as f64)
    }
}

/// One source of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// For a package `npm:NAME@VERSION`, as in the data manifest.
    pub id: String,
    /// How it was obtained.
    pub kind: SourceKind,
    /// What it holds, for example `image` or `text`.
    pub modality: String,
    /// Address or party that it came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Hash of its bytes, as the recipe pins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// SPDX expression, or the contract's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// What shows the licence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence_proof: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attribution: String,
    /// Contract, collection record or users' authorisation, for all kinds but open and synthetic ones.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub authorisation: String,
    /// `domestic` or `foreign`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// Whether it holds personal information; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_information: Option<PersonalInformation>,
    /// Consent or other legal basis, where it holds personal information.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consent: String,
    /// What the review of intellectual property said; empty where there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub intellectual_property_review: String,
    /// Checks of samples, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sampling: Vec<Sampling>,
}

/// All sources of a house or a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Version of this format; 1.
    pub format: u32,
    /// The sources.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
}

/// What the registry lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The source.
    pub source: String,
    /// Whether a training run refuses the source for it; otherwise it is work to do before filing.
    pub refuses: bool,
    /// In English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
}

impl Registry {
    /// One without sources.
    pub fn empty() -> Self {
        Self { format: FORMAT, sources: Vec::new() }
    }

    /// Reads and checks a registry.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let invalid = |detail: String| Error::Registry { path: path.to_owned(), detail };
        let registry: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        registry.defect().map_or(Ok(registry), |defect| Err(invalid(defect)))
    }

    /// Writes the registry to `path`, whole or not at all. A registry that is there already keeps its comments, order and spacing.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let kept = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let text = file::with_all(&kept, self).map_err(|detail| Error::Registry { path: path.to_owned(), detail })?;
        let temporary = path.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path)).map_err(failed)
    }

    /// The registry that stands beside a data recipe: `NAME.data.toml` has `NAME.registry.toml`.
    pub fn beside(data_recipe: &Path) -> PathBuf {
        let name = data_recipe.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".toml").unwrap_or(&name);
        data_recipe.with_file_name(format!("{}.registry.toml", stem.strip_suffix(".data").unwrap_or(stem)))
    }

    fn defect(&self) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("format {} is not known, this build reads format {FORMAT}", self.format));
        }
        let mut ids = std::collections::HashSet::new();
        for source in &self.sources {
            if source.id.trim().is_empty() {
                return Some("a source has no id".to_owned());
            }
            if !ids.insert(&source.id) {
                return Some(format!("{}: registered twice", source.id));
            }
            for sampling in &source.sampling {
                if sampling.sampled == 0 || sampling.bad > sampling.sampled || sampling.sampled > sampling.population {
                    return Some(format!(
                        "{}: sampling of {}: bad ≤ sampled ≤ population and sampled > 0 must hold",
                        source.id, sampling.date
                    ));
                }
            }
        }
        None
    }

    /// The source of that id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// Adds what `recipe` says of its packages that are not registered yet; the ids of those that were added.
    pub fn register(&mut self, recipe: &DataRecipe) -> Vec<String> {
        let mut added = Vec::new();
        for (package, modality) in [(&recipe.pictures.package, "image"), (&recipe.annotations.package, "text")] {
            let id = package_id(package);
            if self.source(&id).is_none() {
                self.sources.push(Source {
                    id: id.clone(),
                    kind: SourceKind::Open,
                    modality: modality.to_owned(),
                    location: format!("npm package {}", package.name),
                    integrity: Some(package.integrity.clone()),
                    licence: package.licence.clone(),
                    licence_proof: package.licence_proof.clone(),
                    attribution: package.attribution.clone(),
                    authorisation: String::new(),
                    origin: String::new(),
                    personal_information: None,
                    consent: String::new(),
                    intellectual_property_review: String::new(),
                    sampling: Vec::new(),
                });
                added.push(id);
            }
        }
        added
    }

    /// What keeps the sources of `recipe`, or all where there is none, from being trained on or filed.
    pub fn shortfalls(&self, recipe: Option<&DataRecipe>) -> Vec<Shortfall> {
        let Some(recipe) = recipe else {
            return self.sources.iter().flat_map(Source::shortfalls).collect();
        };
        let mut found = Vec::new();
        for package in [&recipe.pictures.package, &recipe.annotations.package] {
            let id = package_id(package);
            match self.source(&id) {
                None => found.push(refusal(&id, "it is not in the registry", "未登记")),
                Some(source) => {
                    found.extend(source.shortfalls());
                    if source.integrity.as_ref().is_some_and(|integrity| *integrity != package.integrity) {
                        found.push(refusal(&id, "the registry speaks of other bytes (integrity differs)", "登记的完整性校验值与配方不符"));
                    }
                    if !source.licence.is_empty() && source.licence != package.licence {
                        let english = format!("the registry says licence {:?}, the recipe {:?}", source.licence, package.licence);
                        found.push(refusal(&id, &english, "登记的许可与配方不符"));
                    }
                }
            }
        }
        found
    }

    /// Refuses a recipe of which a source has no licence record, no authorisation or consent where one is due, or more than
    /// [`GREATEST_BAD_SHARE`] bad samples in a recorded check.
    pub fn admit(&self, recipe: &DataRecipe, path: &Path) -> Result<(), Error> {
        let refusals: Vec<String> = self
            .shortfalls(Some(recipe))
            .into_iter()
            .filter(|shortfall| shortfall.refuses)
            .map(|shortfall| format!("{}: {} / {}", shortfall.source, shortfall.english, shortfall.chinese))
            .collect();
        if refusals.is_empty() { Ok(()) } else { Err(Error::NotAdmitted { path: path.to_owned(), refusals }) }
    }
}

impl Source {
    /// What is missing here.
    pub fn shortfalls(&self) -> Vec<Shortfall> {
        let mut found = Vec::new();
        let mut refuse = |english: &str, chinese: &str| found.push(refusal(&self.id, english, chinese));
        if self.licence.trim().is_empty() {
            refuse("it has no licence record", "缺少许可记录");
        } else if self.licence_proof.trim().is_empty() {
            refuse("its licence has no proof", "许可缺少证明");
        }
        if !matches!(self.kind, SourceKind::Open | SourceKind::Synthetic) && self.authorisation.trim().is_empty() {
            refuse("a source of this kind needs a contract, collection record or authorisation", "该类来源须有合同、采集记录或授权记录");
        }
        let personal = matches!(self.personal_information, Some(PersonalInformation::Present | PersonalInformation::Sensitive));
        if personal && self.consent.trim().is_empty() {
            refuse("it holds personal information without consent or another legal basis", "含个人信息，但无同意或其他合法性依据记录");
        }
        for method in [SamplingMethod::Manual, SamplingMethod::Technical] {
            let Some(newest) = self.sampling.iter().rev().find(|sampling| sampling.method == method) else { continue };
            if newest.bad_share().is_some_and(|share| share > GREATEST_BAD_SHARE) {
                let (bad, sampled, date) = (newest.bad, newest.sampled, &newest.date);
                refuse(
                    &format!("{bad} of {sampled} samples were bad on {date}, more than 5 %"),
                    &format!("{date} 抽检 {sampled} 件中 {bad} 件不良，超过 5%"),
                );
            }
        }
        found.extend(self.work_to_do());
        found
    }

    /// What does not stop a training run but stands in the way of filing.
    fn work_to_do(&self) -> Vec<Shortfall> {
        let mut found = Vec::new();
        let mut note = |english: &str, chinese: &str| {
            let (english, chinese) = (english.to_owned(), chinese.to_owned());
            found.push(Shortfall { source: self.id.clone(), refuses: false, english, chinese });
        };
        if self.personal_information.is_none() {
            note("nobody recorded whether it holds personal information", "未记录是否含个人信息");
        }
        if self.intellectual_property_review.trim().is_empty() {
            note("no review of intellectual property is recorded", "未记录知识产权审查结论");
        }
        if self.origin.trim().is_empty() {
            note("domestic or foreign origin is not recorded", "未记录境内或境外来源");
        }
        let newest = |method| self.sampling.iter().rev().find(|sampling| sampling.method == method);
        match newest(SamplingMethod::Manual) {
            None => note("no sample was checked by people", "无人工抽检记录"),
            Some(sampling) => {
                if sampling.sampled < MANUAL_SAMPLES.min(sampling.population) {
                    note("fewer than 4,000 samples were checked by people", "人工抽检少于 4,000 件");
                }
                if sampling.bad_share().is_some_and(|share| 1.0 - share < MANUAL_PASS_RATE) {
                    note("fewer than 96 % of the samples passed by people", "人工抽检合格率低于 96%");
                }
            }
        }
        match newest(SamplingMethod::Technical) {
            None => note("no sample was checked by keywords or a classifier", "无技术抽检记录"),
            Some(sampling) => {
                if (sampling.sampled as f64) < TECHNICAL_SHARE * sampling.population as f64 {
                    note("keywords or a classifier checked less than 10 %", "技术抽检少于 10%");
                }
                if sampling.bad_share().is_some_and(|share| 1.0 - share < TECHNICAL_PASS_RATE) {
                    note("fewer than 98 % passed by keywords or a classifier", "技术抽检合格率低于 98%");
                }
            }
        }
        found
    }
}

fn refusal(source: &str, english: &str, chinese: &str) -> Shortfall {
    Shortfall { source: source.to_owned(), refuses: true, english: english.to_owned(), chinese: chinese.to_owned() }
}

/// The name of a package in the data manifest.
fn package_id(package: &Package) -> String {
    format!("npm:{}@{}", package.name, package.version)
}

/// Items of a source that somebody should look at: drawn without repetition, the same ones for the same seed and items.
pub fn draw_sample(items: u64, count: u64, seed: u64) -> Vec<u64> {
    let mut random = Random::at(seed, STREAM_REVIEW, items);
    let mut order: Vec<u64> = (0..items).collect();
    let count = count.min(items) as usize;
    // The first steps of a Fisher-Yates shuffle.
    for place in 0..count {
        let other = place + random.below(order.len() - place);
        order.swap(place, other);
    }
    order.truncate(count);
    order.sort_unstable();
    order
}

/// Name and content of files.
pub type NamedFiles = Vec<(String, Vec<u8>)>;

/// Name and content of each file of the recipe's package `id`, read from the folder `packages`.
pub fn package_files(recipe: &DataRecipe, id: &str, packages: &Path) -> Result<Option<NamedFiles>, Error> {
    let known = [&recipe.pictures.package, &recipe.annotations.package];
    let Some(package) = known.into_iter().find(|package| package_id(package) == id) else { return Ok(None) };
    let folder = if *package.name == recipe.pictures.package.name { recipe.pictures.folder.as_str() } else { "" };
    let files = package::read(package, packages)?;
    let inside: Vec<String> = files.names().filter(|name| name.starts_with(folder)).map(str::to_owned).collect();
    let contents = inside.into_iter().map(|name| files.required(&name).map(|bytes| (name.clone(), bytes.to_vec())));
    Ok(Some(contents.collect::<Result<_, _>>()?))
}
