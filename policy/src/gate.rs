use crate::lexicon::{Field, Lexicon};
use crate::screen::Screen;
use crate::{Error, RiskClass};
use spec::{Reason, Request, Verdict};
use std::fmt::Write as _;
use std::path::Path;

/// Reads requests against its lexicons. Shareable between threads.
#[derive(Debug)]
pub struct Gate {
    screen: Screen,
    lexicons: Vec<String>,
}

/// What [`Gate::clear`] answers.
#[derive(Debug)]
#[must_use]
pub enum Decision {
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
    /// As it was asked.
    pub request: Request,
    /// Always [`Verdict::Refuse`], with every reason.
    pub verdict: Verdict,
    /// Which words met which rule, and what to do if that is a mistake.
    pub english: String,
    /// The same in Chinese.
    pub chinese: String,
}

impl Gate {
    /// A gate that asks `lexicons`, all of them, about every request.
    pub fn new(lexicons: &[Lexicon]) -> Result<Self, Error> {
        Ok(Self { screen: Screen::new(lexicons)?, lexicons: lexicons.iter().map(ToString::to_string).collect() })
    }

    /// A gate with the built-in lexicon.
    pub fn builtin() -> Result<Self, Error> {
        Self::new(&[Lexicon::builtin()?])
    }

    /// A gate with the built-in lexicon and the user's own, which adds rules and takes none away.
    pub fn with_user_lexicon(path: &Path) -> Result<Self, Error> {
        Self::new(&[Lexicon::builtin()?, Lexicon::read(path)?])
    }

    /// Reads the prompt and the negative prompt.
    pub fn clear(&self, request: Request) -> Decision {
        let mut reasons = self.reasons(&request.prompt, Field::Prompt);
        reasons.extend(self.reasons(&request.negative_prompt, Field::NegativePrompt));
        let lexicons = self.lexicons.clone();
        if reasons.is_empty() {
            return Decision::Cleared(Cleared { request, verdict: Verdict::Pass { lexicons } });
        }
        Decision::Refused(Refusal {
            request,
            english: english_text(&reasons),
            chinese: chinese_text(&reasons),
            verdict: Verdict::Refuse { lexicons, reasons },
        })
    }

    fn reasons(&self, text: &str, field: Field) -> Vec<Reason> {
        self.screen
            .read(text, field)
            .into_iter()
            .filter_map(|objection| {
                let rule = self.screen.rule(objection.rule)?;
                Some(Reason {
                    class: rule.class.to_string(),
                    rule: rule.id.clone(),
                    lexicon: rule.lexicon.clone(),
                    field: field.name().to_owned(),
                    quote: text.get(objection.span.0..objection.span.1)?.to_owned(),
                    span: objection.span,
                })
            })
            .collect()
    }
}

/// Reasons spelled out in the text for people; the verdict keeps them all.
const REASONS_SHOWN: usize = 5;

fn english_text(reasons: &[Reason]) -> String {
    let mut text = "Refused by the content policy:".to_owned();
    for reason in reasons.iter().take(REASONS_SHOWN) {
        let title = reason.class.parse().map_or("", RiskClass::english);
        let _ = write!(
            text,
            "\n  “{}” ({}) — GB/T 45654-2025 {}, {title}; rule {} of {}",
            reason.quote, reason.field, reason.class, reason.rule, reason.lexicon
        );
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(REASONS_SHOWN) {
        let _ = write!(text, "\n  and {more} more");
    }
    text.push_str(
        "\nChange these words and try again. If this is a mistake, appeal to whoever runs this Danqing: send the prompt and \
         the rule names above; they can review the rule.",
    );
    text
}

fn chinese_text(reasons: &[Reason]) -> String {
    let mut text = "内容安全策略拒绝了该请求：".to_owned();
    for reason in reasons.iter().take(REASONS_SHOWN) {
        let title = reason.class.parse().map_or("", RiskClass::chinese);
        let field = if reason.field == Field::Prompt.name() { "提示词" } else { "负面提示词" };
        let _ = write!(
            text,
            "\n  “{}”（{field}）——GB/T 45654-2025 {}，{title}；词库 {} 规则 {}",
            reason.quote, reason.class, reason.lexicon, reason.rule
        );
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(REASONS_SHOWN) {
        let _ = write!(text, "\n  另有 {more} 处");
    }
    text.push_str("\n请修改上述词语后重试。如属误判，请将提示词和上面的规则编号发给本系统的运营者申诉，由其复核规则。");
    text
}
