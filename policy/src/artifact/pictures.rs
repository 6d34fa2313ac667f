//! Pictures are shown to classifiers, and their scores are held against thresholds.

use super::{Answer, Examiner};
use crate::{Error, RiskClass};
use spec::{Artifact, ClassifierResult, ImageScore, KindOfWork, Picture, Screening, ScreeningDecision};

/// Scores are compared and recorded with this many steps from 0 to 1: further digits differ between processors.
const SCORE_STEPS: f32 = 1e4;

/// Something that looks at a picture and says how likely each of its labels is. Shareable between threads.
pub trait ImageClassifier: Send + Sync {
    /// How the configuration calls it.
    fn name(&self) -> &str;
    /// Looks at a picture. The error says in English and Chinese why there is no answer.
    fn look(&self, picture: &Picture) -> Result<Answer, String>;
}

/// What a label's score means.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRule {
    /// The classifier's label.
    pub label: String,
    /// The risk that it stands for.
    pub class: RiskClass,
    /// From this score on a picture is withheld.
    pub block: f32,
    /// From this score on a person should look at it.
    pub review: Option<f32>,
}

/// What follows when a classifier gives no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The picture is withheld.
    #[default]
    Block,
    /// The picture passes, and is recorded as one that a person should look at.
    Review,
}

/// A classifier and what its scores mean.
struct RatedClassifier {
    classifier: Box<dyn ImageClassifier>,
    rules: Vec<ImageRule>,
}

/// Shows pictures to its classifiers, all of them.
pub struct PictureExaminer {
    classifiers: Vec<RatedClassifier>,
    on_failure: OnFailure,
}

impl PictureExaminer {
    /// An examiner without classifiers, who withholds everything until it is given one.
    pub fn new(on_failure: OnFailure) -> Self {
        Self { classifiers: Vec::new(), on_failure }
    }

    /// This examiner with one more classifier. An error for rules that contradict themselves or repeat a name.
    pub fn with(mut self, classifier: Box<dyn ImageClassifier>, rules: Vec<ImageRule>) -> Result<Self, Error> {
        let name = classifier.name();
        let invalid = |english: &str, chinese: &str| Error::ImageRuleInvalid {
            classifier: name.to_owned(),
            english: english.to_owned(),
            chinese: chinese.to_owned(),
        };
        if name.is_empty() || self.classifiers.iter().any(|known| known.classifier.name() == name) {
            return Err(invalid("every classifier needs a name of its own", "每个分类器须有各自的名称"));
        }
        if rules.is_empty() {
            return Err(invalid("it has no labels with thresholds", "未设置标签与阈值"));
        }
        for rule in &rules {
            let is_in_range = |threshold: f32| (0.0..=1.0).contains(&threshold);
            if !is_in_range(rule.block) || !rule.review.is_none_or(|review| is_in_range(review) && review <= rule.block) {
                return Err(invalid(
                    "thresholds are from 0 to 1, and review is not above block",
                    "阈值应在 0 到 1 之间，且 review 不高于 block",
                ));
            }
        }
        self.classifiers.push(RatedClassifier { classifier, rules });
        Ok(self)
    }

    /// Looks at a picture: one that is about to be labelled, or one that a user brings.
    pub fn look(&self, picture: &Picture) -> Screening {
        let results: Vec<_> = self.classifiers.iter().map(|known| known.look(picture)).collect();
        let decision = results.iter().map(|result| self.decide(result)).max().unwrap_or(ScreeningDecision::Block);
        Screening { decision, results, rule: None }
    }

    fn decide(&self, result: &ClassifierResult) -> ScreeningDecision {
        match (&result.failure, self.on_failure) {
            (None, _) => result.scores.iter().map(ImageScore::decision).max().unwrap_or(ScreeningDecision::Block),
            (Some(_), OnFailure::Block) => ScreeningDecision::Block,
            (Some(_), OnFailure::Review) => ScreeningDecision::Review,
        }
    }
}

impl Examiner for PictureExaminer {
    fn kind(&self) -> KindOfWork {
        KindOfWork::Picture
    }

    fn examine(&self, artifact: &Artifact) -> Screening {
        match artifact {
            Artifact::Picture(picture) => self.look(picture),
            Artifact::Design(_) => Screening::not_examined(),
        }
    }

    fn classifiers(&self) -> Vec<&str> {
        self.classifiers.iter().map(|known| known.classifier.name()).collect()
    }
}

impl RatedClassifier {
    fn look(&self, picture: &Picture) -> ClassifierResult {
        let name = self.classifier.name().to_owned();
        let failed = |version: String, failure: String| ClassifierResult {
            classifier: name.clone(),
            version,
            scores: Vec::new(),
            failure: Some(failure),
        };
        let answer = match self.classifier.look(picture) {
            Ok(answer) => answer,
            Err(failure) => return failed(String::new(), failure),
        };
        if let Err(malformed) = answer.check() {
            return failed(answer.version, malformed.to_string());
        }
        let scores: Result<Vec<_>, String> = self.rules.iter().map(|rule| rule.judge(&name, &answer.scores)).collect();
        match scores {
            Ok(scores) => ClassifierResult { classifier: name, version: answer.version, scores, failure: None },
            Err(failure) => failed(answer.version, failure),
        }
    }
}

impl ImageRule {
    fn judge(&self, classifier: &str, scores: &[(String, f32)]) -> Result<ImageScore, String> {
        let label = &self.label;
        let Some((_, score)) = scores.iter().find(|(name, _)| name == label) else {
            return Err(format!("no score for {label:?} / 没有 {label:?} 的得分"));
        };
        Ok(ImageScore {
            rule: format!("{classifier}.{label}"),
            class: self.class.id().to_owned(),
            score: (score * SCORE_STEPS).round() / SCORE_STEPS,
            block: self.block,
            review: self.review,
        })
    }
}
