use super::{Examiner, wording};
use spec::stage::{Generated, Origin};
use spec::{Artifact, KindOfWork, Screening, ScreeningDecision};

/// Asks the examiner of each artifact's kind. A kind without examiner is withheld.
pub struct ArtifactGate {
    examiners: Vec<Box<dyn Examiner>>,
    appeal: Option<String>,
}

/// What [`ArtifactGate::screen`] answers.
#[must_use]
pub enum Examined {
    /// Nothing objected.
    Screened(Screened),
    /// A score reached its threshold, a classifier failed, or nobody may examine such an artifact.
    Withheld(Withheld),
}

/// A generated artifact that was screened and may be labelled. Only [`ArtifactGate::screen`] makes one.
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

/// An artifact that does not leave: what is kept is how it came to be and why it was withheld.
#[non_exhaustive]
pub struct Withheld {
    origin: Box<dyn Generated + Send>,
    screening: Screening,
    /// Which score met which rule, and what to do if that is a mistake.
    pub english: String,
    /// The reasons in Chinese.
    pub chinese: String,
}

impl Withheld {
    /// How the artifact came to be.
    pub fn origin(&self) -> &dyn Origin {
        self.origin.as_ref()
    }

    /// Why it was withheld.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }
}

impl ArtifactGate {
    /// A gate with these examiners, of whom the last of a kind counts.
    pub fn new(examiners: Vec<Box<dyn Examiner>>) -> Self {
        Self { examiners, appeal: None }
    }

    /// This gate with the contact that people are sent to.
    #[must_use]
    pub fn appeal_to(mut self, contact: impl Into<String>) -> Self {
        self.appeal = Some(contact.into()).filter(|contact| !contact.trim().is_empty());
        self
    }

    /// Names of the classifiers that look at artifacts of a kind.
    pub fn classifiers(&self, kind: KindOfWork) -> Vec<&str> {
        self.examiner(kind).map(Examiner::classifiers).unwrap_or_default()
    }

    /// Looks at any artifact: one that is about to be labelled, or one that a user brings.
    pub fn examine(&self, artifact: &Artifact) -> Screening {
        self.examiner(artifact.kind()).map_or_else(Screening::not_examined, |examiner| examiner.examine(artifact))
    }

    /// Looks at a generated artifact.
    pub fn screen<G: Generated + Send + 'static>(&self, generated: G) -> Examined {
        let screening = self.examine(generated.artifact());
        let generated = Box::new(generated);
        if screening.decision < ScreeningDecision::Block {
            return Examined::Screened(Screened { generated, screening });
        }
        let (english, chinese) = self.wording(&screening);
        Examined::Withheld(Withheld { origin: generated, screening, english, chinese })
    }

    /// What people read about an artifact that was withheld, in English and Chinese.
    pub fn wording(&self, screening: &Screening) -> (String, String) {
        let appeal = self.appeal.as_deref();
        (wording::english(screening, appeal), wording::chinese(screening, appeal))
    }

    fn examiner(&self, kind: KindOfWork) -> Option<&dyn Examiner> {
        self.examiners.iter().rev().find(|examiner| examiner.kind() == kind).map(Box::as_ref)
    }
}
