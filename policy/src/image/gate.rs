use super::{ImageClassifier, wording};
use crate::{Error, RiskClass};
use spec::stage::{Generated, Origin};
use spec::{Artifact, ClassifierResult, ImageScore, Picture, Screening, ScreeningDecision};

/// Scores are compared and recorded with this many steps from 0 to 1: further digits differ between processors.
const SCORE_STEPS: f32 = 1e4;

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

struct Seat {
    classifier: Box<dyn ImageClassifier>,
    rules: Vec<ImageRule>,
}

/// Shows pictures to its classifiers, all of them. Without any, every picture passes, and its screening names none.
pub struct ImageGate {
    seats: Vec<Seat>,
    on_failure: OnFailure,
    appeal: Option<String>,
}

/// What [`ImageGate::screen`] answers.
#[must_use]
pub enum ImageDecision {
    /// No score reached a blocking threshold.
    Screened(Screened),
    /// One did, or a classifier failed.
    Withheld(Withheld),
}

/// A generated artifact that was screened and may be labelled. Only [`ImageGate::screen`] makes one.
pub struct Screened {
    generated: Box<dyn Generated + Send>,
    screening: Screening,
}

impl spec::stage::Screened for Screened {
    fn generated(&self) -> &dyn Generated {
        self.generated.as_ref()
    }

    fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// A picture that does not leave: its pixels are gone, what is left is how it came to be and why it was withheld.
#[non_exhaustive]
pub struct Withheld {
    origin: Box<dyn Generated + Send>,
    screening: Screening,
    /// Which score met which rule, and what to do if that is a mistake.
    pub english: String,
    /// The same in Chinese.
    pub chinese: String,
}

impl Withheld {
    /// How the picture came to be.
    pub fn origin(&self) -> &dyn Origin {
        self.origin.as_ref()
    }

    /// Why it was withheld.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

impl ImageGate {
    /// A gate without classifiers.
    pub fn new(on_failure: OnFailure) -> Self {
        Self { seats: Vec::new(), on_failure, appeal: None }
    }

    /// The same gate with another classifier. An error for rules that contradict themselves or repeat a name.
    pub fn with(mut self, classifier: Box<dyn ImageClassifier>, rules: Vec<ImageRule>) -> Result<Self, Error> {
        let name = classifier.name();
        let invalid = |english: &str, chinese: &str| Error::ImageRuleInvalid {
            classifier: name.to_owned(),
            english: english.to_owned(),
            chinese: chinese.to_owned(),
        };
        if name.is_empty() || self.seats.iter().any(|seat| seat.classifier.name() == name) {
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
        self.seats.push(Seat { classifier, rules });
        Ok(self)
    }

    /// The same gate with the contact that people are sent to.
    #[must_use]
    pub fn appeal_to(mut self, contact: impl Into<String>) -> Self {
        self.appeal = Some(contact.into()).filter(|contact| !contact.trim().is_empty());
        self
    }

    /// Names of its classifiers.
    pub fn classifiers(&self) -> Vec<&str> {
        self.seats.iter().map(|seat| seat.classifier.name()).collect()
    }

    /// Looks at any picture: one that is about to be labelled, or one that a user brings.
    pub fn examine(&self, picture: &Picture) -> Screening {
        let results: Vec<_> = self.seats.iter().map(|seat| seat.look(picture)).collect();
        let decision = results.iter().map(|result| self.decide(result)).max().unwrap_or(ScreeningDecision::Pass);
        Screening { decision, results }
    }

    /// Looks at a generated artifact.
    pub fn screen<G: Generated + Send + 'static>(&self, generated: G) -> ImageDecision {
        let screening = match generated.artifact() {
            Artifact::Picture(picture) => self.examine(picture),
            // Density fields show nothing that a picture classifier knows.
            Artifact::Design(_) => Screening::none(),
        };
        let generated = Box::new(generated);
        if screening.decision < ScreeningDecision::Block {
            return ImageDecision::Screened(Screened { generated, screening });
        }
        let (english, chinese) = self.wording(&screening);
        ImageDecision::Withheld(Withheld { origin: generated, screening, english, chinese })
    }

    /// What people read about a picture that was withheld, in English and Chinese.
    pub fn wording(&self, screening: &Screening) -> (String, String) {
        let appeal = self.appeal.as_deref();
        (wording::english(screening, appeal), wording::chinese(screening, appeal))
    }

    fn decide(&self, result: &ClassifierResult) -> ScreeningDecision {
        match (&result.failure, self.on_failure) {
            (None, _) => result.scores.iter().map(ImageScore::decision).max().unwrap_or(ScreeningDecision::Pass),
            (Some(_), OnFailure::Block) => ScreeningDecision::Block,
            (Some(_), OnFailure::Review) => ScreeningDecision::Review,
        }
    }
}

impl Seat {
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
        if !(0.0..=1.0).contains(score) {
            return Err(format!("the score {score} of {label:?} is not from 0 to 1 / {label:?} 的得分 {score} 不在 0 到 1 之间"));
        }
        Ok(ImageScore {
            rule: format!("{classifier}.{label}"),
            class: self.class.id().to_owned(),
            score: (score * SCORE_STEPS).round() / SCORE_STEPS,
            block: self.block,
            review: self.review,
        })
    }
}
