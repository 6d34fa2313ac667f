use serde::{Deserialize, Serialize};

/// Why a text was refused: which rule, and the user's own words that met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Risk class of the rule, for example `A1.a` in the numbering of GB/T 45654-2025.
    pub class: String,
    /// Id of the rule within its lexicon.
    pub rule: String,
    /// Name and version of the lexicon.
    pub lexicon: String,
    /// Which field of the request: `prompt` or `negative_prompt`.
    pub field: String,
    /// The words as the user wrote them.
    pub quote: String,
    /// Byte offsets of `quote` in the field.
    pub span: (usize, usize),
}

/// What the policy gate found. A refusal is a value, not an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing objected.
    Pass {
        /// Names and versions of the lexicons that were asked.
        lexicons: Vec<String>,
        /// What a person should look at, where the gate clears such requests; empty in most.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reviews: Vec<Reason>,
    },
    /// At least one rule objected.
    Refuse {
        /// Names and versions of the lexicons that were asked.
        lexicons: Vec<String>,
        /// All objections, in the order of the text.
        reasons: Vec<Reason>,
    },
}
