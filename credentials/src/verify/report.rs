use crate::{StatusCode, Weight};
use serde::Serialize;
use spec::ProduceId;
use std::collections::BTreeMap;

/// Statuses, actions and other lists keep this many entries.
const LIST_LIMIT: usize = 64;
/// Characters that are kept of a text from a file.
const TEXT_LIMIT: usize = 200;

/// What the statuses come to. Whom to believe is another matter: [`Trust`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Signed, whole, and by a certificate that may sign.
    Valid,
    /// Something does not hold.
    Invalid,
    /// There is no manifest.
    #[default]
    NotFound,
    /// Nothing is known to be wrong, but something could not be checked.
    Inconclusive,
}

/// What is known of the signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The certificate leads to a configured anchor.
    Pinned,
    /// A test certificate, such as Danqing makes where none is configured: it vouches for nothing, even where it is an anchor.
    Test,
    /// Nobody configured here vouches for it.
    Unknown,
}

/// One status, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its code.
    pub code: StatusCode,
    /// Address of the box in question, or empty.
    pub url: String,
}

/// What [`crate::verify`] found. Texts are the file's own, shortened, and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What it comes to.
    pub verdict: Verdict,
    /// Nothing where there is no readable certificate.
    pub trust: Option<Trust>,
    /// In the order in which they were met, at most 64.
    pub statuses: Vec<Status>,
    /// Name of the active manifest.
    pub manifest: Option<String>,
    /// The claim's name for this instance of the asset.
    pub instance: Option<String>,
    /// The ProduceID in it, where Danqing wrote it.
    pub produce_id: Option<ProduceId>,
    /// Name and version of the software that made the claim.
    pub generator: Option<String>,
    /// Subject of the signer's certificate.
    pub signer: Option<String>,
    /// Its issuer.
    pub issuer: Option<String>,
    /// What was done, in order.
    pub actions: Vec<String>,
    /// The first digital source type of an action.
    pub digital_source_type: Option<String>,
    /// When the first action says it happened. The signer's word: see [`StatusCode::TimeUnstamped`].
    pub claimed_time: Option<String>,
    /// Uses of `cawg.training-mining` and what is permitted.
    pub training_mining: BTreeMap<String, String>,
    /// What went into it.
    pub ingredients: Vec<IngredientReport>,
}

/// A file that went into another one, as far as the other's manifest tells: it is not here itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct IngredientReport {
    /// What both of the following come to; [`Verdict::NotFound`] for one that came without a manifest.
    pub verdict: Verdict,
    /// Its name.
    pub title: Option<String>,
    /// `parentOf`, `inputTo` or `componentOf`.
    pub relationship: Option<String>,
    /// What else is said of it; of Danqing, the file's digest.
    pub description: Option<String>,
    /// Codes of what did not hold when it was taken in, by the word of whoever did so. That its content matched its manifest is known
    /// from here alone.
    pub recorded_failures: Vec<String>,
    /// Its own manifest as it stands now, but for its content. Each manifest is judged where it is met first, and only so many.
    pub manifest: Option<Box<Report>>,
}

impl Report {
    pub(crate) fn has(&self, code: StatusCode) -> bool {
        self.statuses.iter().any(|status| status.code == code)
    }

    pub(crate) fn add(&mut self, code: StatusCode, url: &str) {
        // What decides the verdict is kept even where the list is full.
        if self.statuses.len() < LIST_LIMIT || !self.has(code) {
            self.statuses.push(Status { code, url: shown(url) });
        }
    }

    pub(crate) fn conclude(&mut self) {
        let any = |weight| self.statuses.iter().any(|status| status.code.weight() == weight);
        self.verdict = if any(Weight::Failure) {
            Verdict::Invalid
        } else if any(Weight::Doubt) {
            Verdict::Inconclusive
        } else {
            Verdict::Valid
        };
    }

    pub(crate) fn add_action(&mut self, action: &str) {
        if self.actions.len() < LIST_LIMIT {
            self.actions.push(shown(action));
        }
    }

    pub(crate) fn add_ingredient(&mut self, ingredient: IngredientReport) {
        if self.ingredients.len() < LIST_LIMIT {
            self.ingredients.push(ingredient);
        }
    }

    /// Whether more ingredients are looked at.
    pub(crate) fn has_room(&self) -> bool {
        self.ingredients.len() < LIST_LIMIT
    }

    pub(crate) fn add_training_use(&mut self, entry: &str, permission: &str) {
        if self.training_mining.len() < LIST_LIMIT {
            self.training_mining.insert(shown(entry), shown(permission));
        }
    }
}

/// A text from a file as it may be shown: a terminal would obey control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(TEXT_LIMIT).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
