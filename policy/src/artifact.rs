//! What was generated: examiners say what they see in it, and what follows. Nothing passes unless an examiner, or a stated rule in its
//! place, said so.

mod answer;
mod examiner;
mod gate;
mod pictures;
mod wording;

pub use answer::{Answer, MalformedAnswer};
pub use examiner::{DESIGNS_BY_RULE, Examiner, PICTURES_SWITCHED_OFF, StatedRule};
pub use gate::{ArtifactGate, Examined, Screened, Withheld};
pub use pictures::{ImageClassifier, ImageRule, OnFailure, PictureExaminer};
