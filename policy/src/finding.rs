use crate::lexicon::{Field, Severity};
use crate::{RiskClass, View};
use serde::Serialize;
use spec::Reason;

/// A rule that was met, and the user's own words that met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Risk of GB/T 45654-2025 annex A.
    pub class: RiskClass,
    /// Id of the rule.
    pub rule: String,
    /// Name and version of its lexicon, `name@version`.
    pub lexicon: String,
    /// The part of the request.
    pub field: Field,
    /// The words as the user wrote them.
    pub quote: String,
    /// Their byte range in the field.
    pub span: (usize, usize),
    /// The way of reading in which they met the rule.
    pub view: View,
    /// What the rule asks for.
    pub severity: Severity,
}

impl From<Finding> for Reason {
    fn from(finding: Finding) -> Self {
        Self {
            class: finding.class.to_string(),
            rule: finding.rule,
            lexicon: finding.lexicon,
            field: finding.field.name().to_owned(),
            quote: finding.quote,
            span: finding.span,
        }
    }
}
