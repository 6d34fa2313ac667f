//! Which classifiers look at pictures, by configuration: the built-in one, models of the user's own, services.

mod http;
mod local;

use crate::{Error, Result};
use engine::model_folder::ModelFolder;
use http::{HttpClassifier, Service};
use local::LocalClassifier;
use policy::{ArtifactGate, DESIGNS_BY_RULE, Examiner, ImageRule, OnFailure, PICTURES_SWITCHED_OFF, PictureExaminer, RiskClass};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Name of the embedded classifier, Yahoo's open_nsfw.
pub const BUILTIN_CLASSIFIER: &str = "open-nsfw";

/// The files of `models/open-nsfw/` that loading reads.
const OPEN_NSFW: &[(&str, &[u8])] = &[
    ("config.json", include_bytes!("../../models/open-nsfw/config.json")),
    ("model.safetensors", include_bytes!("../../models/open-nsfw/model.safetensors")),
];

/// Longest time that a service may be given: a batch should end some day.
const MAXIMUM_SECONDS: f64 = 600.0;

/// The table `[image_safety]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub struct ImageSafety {
    /// Whether pictures are screened at all.
    pub enabled: bool,
    /// Whether the built-in classifier is asked.
    pub builtin: bool,
    /// From this score of the built-in classifier on a picture is withheld.
    pub block: f32,
    /// From this score on it is recorded as one that a person should look at.
    pub review: f32,
    /// Whether a picture is withheld when a classifier gives no usable answer.
    pub fail_closed: bool,
    /// Whether a request counts against the account, as a refused one does, when a score withholds a picture of it.
    pub strikes: bool,
}

impl Default for ImageSafety {
    /// The thresholds are those that the model's authors give: below 0.2 pictures are likely safe, above 0.8 likely not.
    fn default() -> Self {
        Self { enabled: true, builtin: true, block: 0.8, review: 0.2, fail_closed: true, strikes: true }
    }
}

/// One entry of the list `[[image_classifier]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ClassifierSettings {
    /// A service: pictures are posted to it as PNG.
    Http {
        /// How records call it.
        name: String,
        /// `http://host:port/path`, or `https`.
        url: String,
        /// PEM file with the certificates that vouch for an `https` service; without it, those that browsers trust.
        certificate_authority: Option<PathBuf>,
        /// For each picture, from connecting to the last byte.
        #[serde(default = "default_seconds")]
        timeout_seconds: f64,
        /// Its labels that count.
        labels: BTreeMap<String, LabelSettings>,
    },
    /// A model of an architecture that the engine runs.
    Model {
        /// How records call it.
        name: String,
        /// Folder with `config.json` and `model.safetensors`.
        folder: PathBuf,
        /// Its labels that count.
        labels: BTreeMap<String, LabelSettings>,
    },
}

fn default_seconds() -> f64 {
    10.0
}

/// What one label's score means.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSettings {
    /// Risk of GB/T 45654-2025 annex A, for example `A1.f`.
    pub class: String,
    /// From this score on a picture is withheld.
    pub block: f32,
    /// From this score on a person should look at it.
    pub review: Option<f32>,
}

/// All that decides how pictures are screened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScreeningSettings {
    /// Whether, and the built-in classifier's thresholds.
    pub safety: ImageSafety,
    /// Classifiers of the user's own.
    pub classifiers: Vec<ClassifierSettings>,
    /// Whom people are sent to when a picture is withheld.
    pub appeal_contact: Option<String>,
}

impl ScreeningSettings {
    /// Names of the classifiers that look at pictures; none where nobody does.
    pub fn names(&self) -> Vec<&str> {
        let own = self.classifiers.iter().map(ClassifierSettings::name);
        let all = self.safety.builtin.then_some(BUILTIN_CLASSIFIER).into_iter().chain(own);
        all.filter(|_| self.safety.enabled).collect()
    }

    /// Loads every classifier. An error for settings that contradict themselves and for models that do not load; a service is not asked
    /// before the first picture.
    pub fn gate(&self) -> Result<ArtifactGate> {
        let pictures: Box<dyn Examiner> =
            if self.names().is_empty() { Box::new(PICTURES_SWITCHED_OFF) } else { Box::new(self.picture_examiner()?) };
        let gate = ArtifactGate::new(vec![pictures, Box::new(DESIGNS_BY_RULE)]);
        Ok(gate.appeal_to(self.appeal_contact.clone().unwrap_or_default()))
    }

    fn picture_examiner(&self) -> Result<PictureExaminer> {
        let on_failure = if self.safety.fail_closed { OnFailure::Block } else { OnFailure::Review };
        let mut examiner = PictureExaminer::new(on_failure);
        if self.safety.builtin {
            let classifier = LocalClassifier::open(BUILTIN_CLASSIFIER, &ModelFolder::Embedded(OPEN_NSFW))?;
            // Obscenity is one half of this class; the model knows nothing of the other, violence.
            let labels = LabelSettings { class: "A1.f".to_owned(), block: self.safety.block, review: Some(self.safety.review) };
            examiner = examiner.with(Box::new(classifier), rules(BUILTIN_CLASSIFIER, &[("nsfw".to_owned(), labels)].into())?)?;
        }
        for settings in &self.classifiers {
            examiner = settings.add_to(examiner)?;
        }
        Ok(examiner)
    }
}

impl ClassifierSettings {
    fn name(&self) -> &str {
        match self {
            Self::Http { name, .. } | Self::Model { name, .. } => name,
        }
    }

    fn add_to(&self, examiner: PictureExaminer) -> Result<PictureExaminer> {
        match self {
            Self::Http { name, url, certificate_authority, timeout_seconds, labels } => {
                if !(0.001..=MAXIMUM_SECONDS).contains(timeout_seconds) {
                    return Err(invalid(
                        name,
                        format!(
                            "timeout_seconds must be from 0.001 to {MAXIMUM_SECONDS} / timeout_seconds 应在 0.001 到 {MAXIMUM_SECONDS} 之间"
                        ),
                    ));
                }
                let classifier = HttpClassifier::new(&Service {
                    name,
                    url,
                    timeout: Duration::from_secs_f64(*timeout_seconds),
                    certificate_authority: certificate_authority.as_deref(),
                })?;
                Ok(examiner.with(Box::new(classifier), rules(name, labels)?)?)
            }
            Self::Model { name, folder, labels } => {
                let classifier = LocalClassifier::open(name, &ModelFolder::Directory(folder.clone()))?;
                if let Some(unknown) = labels.keys().find(|label| !classifier.labels().contains(label)) {
                    let known = classifier.labels().join(", ");
                    return Err(invalid(
                        name,
                        format!("the model has no label {unknown:?}, only {known} / 模型没有标签 {unknown:?}，只有 {known}"),
                    ));
                }
                Ok(examiner.with(Box::new(classifier), rules(name, labels)?)?)
            }
        }
    }
}

fn rules(name: &str, labels: &BTreeMap<String, LabelSettings>) -> Result<Vec<ImageRule>> {
    let rule = |(label, settings): (&String, &LabelSettings)| {
        let class = settings.class.parse::<RiskClass>().map_err(|()| {
            let class = &settings.class;
            invalid(name, format!("{class:?} is no risk of GB/T 45654-2025: A1.a to A5.b are / 类别 {class:?} 应为 A1.a 至 A5.b"))
        })?;
        Ok(ImageRule { label: label.clone(), class, block: settings.block, review: settings.review })
    };
    labels.iter().map(rule).collect()
}

fn invalid(classifier: &str, detail: impl std::fmt::Display) -> Error {
    Error::ClassifierInvalid { classifier: classifier.to_owned(), detail: detail.to_string() }
}
