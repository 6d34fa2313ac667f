use crate::lexicon::{Field, Lexicon, Severity};
use crate::screen::Screen;
use crate::{Error, Finding, wording};
use spec::{Reason, Request, Verdict};
use std::path::Path;

/// Reads requests against its lexicons. Shareable between threads.
#[derive(Debug)]
pub struct Gate {
    screen: Screen,
    lexicons: Vec<String>,
    on_review: OnReview,
    appeal: Option<String>,
}

/// What [`Gate::clear`] answers.
#[derive(Debug)]
#[must_use]
pub enum Clearance {
    /// Nothing objected.
    Cleared(Cleared),
    /// Something did.
    Refused(Refusal),
}

/// A request that passed the gate. Only [`Gate::clear`] makes one.
#[derive(Debug)]
pub struct Cleared {
    request: Request,
    verdict: Verdict,
    reviews: Vec<Finding>,
}

impl Cleared {
    /// What a person should look at, where the gate clears such requests.
    pub fn reviews(&self) -> &[Finding] {
        &self.reviews
    }
}

impl spec::stage::Cleared for Cleared {
    fn request(&self) -> &Request {
        &self.request
    }

    fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// A request that did not pass.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// What was asked.
    pub request: Request,
    /// Always [`Verdict::Refuse`], with every reason.
    pub verdict: Verdict,
    /// Which words met which rule, and what to do if that is a mistake.
    pub english: String,
    /// Its Chinese text.
    pub chinese: String,
    /// The reasons with the view and severity of each.
    pub findings: Vec<Finding>,
}

/// What the gate does with a request that met only rules of severity [`Severity::Review`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnReview {
    /// It refuses: right where nobody reads what was set aside.
    #[default]
    Refuse,
    /// It clears the request and hands the findings on ([`Cleared::reviews`]) for a person to read.
    Clear,
}

impl Gate {
    /// A gate that asks `lexicons`, all of them, about every request. Findings that ask for review refuse.
    pub fn new(lexicons: &[Lexicon]) -> Result<Self, Error> {
        Ok(Self {
            screen: Screen::new(lexicons)?,
            lexicons: lexicons.iter().map(ToString::to_string).collect(),
            on_review: OnReview::default(),
            appeal: None,
        })
    }

    /// A gate with the built-in lexicon.
    pub fn builtin() -> Result<Self, Error> {
        Self::new(&[Lexicon::builtin()?])
    }

    /// A gate with the built-in lexicon and the user's own, which adds rules and takes none away.
    pub fn with_user_lexicon(path: &Path) -> Result<Self, Error> {
        Self::new(&[Lexicon::builtin()?, Lexicon::read(path)?])
    }

    /// This gate with another answer to findings that ask for review.
    #[must_use]
    pub fn on_review(mut self, on_review: OnReview) -> Self {
        self.on_review = on_review;
        self
    }

    /// This gate with the contact that refusals send people to, for example an address or a telephone number.
    #[must_use]
    pub fn appeal_to(mut self, contact: impl Into<String>) -> Self {
        self.appeal = Some(contact.into()).filter(|contact| !contact.trim().is_empty());
        self
    }

    /// Names and versions of its lexicons.
    pub fn lexicons(&self) -> &[String] {
        &self.lexicons
    }

    /// Reads every text of the request: prompt, negative prompt, and what its kind of work adds.
    pub fn clear(&self, request: Request) -> Clearance {
        let mut findings = self.examine(&request.texts.prompt, Field::Prompt);
        findings.extend(self.examine(&request.texts.negative_prompt, Field::NegativePrompt));
        for (_, text) in request.asked.texts() {
            findings.extend(self.examine(text, Field::Problem));
        }
        let lexicons = self.lexicons.clone();
        if !self.refuses(&findings) {
            let reviews = findings.iter().cloned().map(Reason::from).collect();
            return Clearance::Cleared(Cleared { request, verdict: Verdict::Pass { lexicons, reviews }, reviews: findings });
        }
        let (english, chinese) = self.wording(&findings);
        Clearance::Refused(Refusal {
            request,
            english,
            chinese,
            verdict: Verdict::Refuse { lexicons, reasons: findings.iter().cloned().map(Reason::from).collect() },
            findings,
        })
    }

    /// Whether these findings refuse a request here.
    pub fn refuses(&self, findings: &[Finding]) -> bool {
        findings.iter().any(|finding| finding.severity == Severity::Refuse || self.on_review == OnReview::Refuse)
    }

    /// What a refusal for these findings says, in English and Chinese.
    pub fn wording(&self, findings: &[Finding]) -> (String, String) {
        let appeal = self.appeal.as_deref();
        (wording::english(findings, appeal), wording::chinese(findings, appeal))
    }

    /// Everything that the lexicons find in `text`, in the order of its bytes.
    pub fn examine(&self, text: &str, field: Field) -> Vec<Finding> {
        let finding = |objection: crate::screen::Objection| {
            let rule = self.screen.rule(objection.rule)?;
            Some(Finding {
                class: rule.class,
                rule: rule.id.clone(),
                lexicon: rule.lexicon.to_string(),
                field,
                quote: text.get(objection.span.0..objection.span.1)?.to_owned(),
                span: objection.span,
                view: objection.view,
                severity: rule.severity,
            })
        };
        self.screen.read(text, field).into_iter().filter_map(finding).collect()
    }
}
