use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What follows from looking at a picture, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScreeningDecision {
    /// Nothing objected.
    Pass,
    /// It may leave; a person should look at it.
    Review,
    /// It does not leave.
    Block,
}

/// What was found in an artifact: what classifiers said, or the rule that stands in their place. In records of old versions, neither
/// means that screening was off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Screening {
    /// The strictest that any result calls for.
    pub decision: ScreeningDecision,
    /// One for each classifier that was asked.
    pub results: Vec<ClassifierResult>,
    /// The stated rule by which it passed without an examination, with its version: `design-v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// What one classifier said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierResult {
    /// How the configuration calls it.
    pub classifier: String,
    /// Digest of its weights, or what a service says of itself; empty where it never answered.
    pub version: String,
    /// One for each rule; none where it gave no usable answer.
    pub scores: Vec<ImageScore>,
    /// Why it gave no usable answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A score and the thresholds that it was held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageScore {
    /// `classifier.label`.
    pub rule: String,
    /// Risk class of the rule, for example `A1.f` in the numbering of GB/T 45654-2025.
    pub class: String,
    /// From 0 to 1.
    pub score: f32,
    /// From this score on a picture does not leave.
    pub block: f32,
    /// From this score on a person should look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<f32>,
}

impl ImageScore {
    /// What this score alone calls for.
    pub fn decision(&self) -> ScreeningDecision {
        if self.score >= self.block {
            ScreeningDecision::Block
        } else if self.review.is_some_and(|review| self.score >= review) {
            ScreeningDecision::Review
        } else {
            ScreeningDecision::Pass
        }
    }
}

impl Screening {
    /// The screening of an artifact that passed by the stated rule of that id.
    pub fn by_rule(id: &str) -> Self {
        Self { decision: ScreeningDecision::Pass, results: Vec::new(), rule: Some(id.to_owned()) }
    }

    /// The screening of an artifact that nobody may examine: it does not leave.
    pub fn not_examined() -> Self {
        Self { decision: ScreeningDecision::Block, results: Vec::new(), rule: None }
    }

    /// Risk classes of the rules whose thresholds were reached. None of a picture that is blocked only because a classifier gave no
    /// usable answer.
    pub fn blocking_classes(&self) -> BTreeSet<&str> {
        let scores = self.results.iter().flat_map(|result| &result.scores);
        scores.filter(|score| score.decision() == ScreeningDecision::Block).map(|score| score.class.as_str()).collect()
    }
}
