//! Pictures: what classifiers say of them, and what follows.

mod gate;
mod wording;

pub use gate::{ImageDecision, ImageGate, ImageRule, OnFailure, Screened, Withheld};

use spec::Picture;

/// Something that looks at a picture and says how likely each of its labels is. Shareable between threads.
pub trait ImageClassifier: Send + Sync {
    /// How the configuration calls it.
    fn name(&self) -> &str;
    /// Looks at a picture. The error says in English and Chinese why there is no answer.
    fn look(&self, picture: &Picture) -> Result<Answer, String>;
}

/// What a classifier said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which classifier it was, exactly: a digest of its weights, or what a service says of itself.
    pub version: String,
    /// Labels, each with a score from 0 to 1. Labels that no rule names do not count.
    pub scores: Vec<(String, f32)>,
}
