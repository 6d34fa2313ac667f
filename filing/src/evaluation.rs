use crate::Error;
use policy::Date;
use serde::Deserialize;
use spec::ModelIdentity;
use std::path::Path;

/// A saved result of `danqing policy evaluate BANK --json`, as far as filing needs it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Evaluation {
    /// Name of the bank.
    pub bank: Option<String>,
    /// Version of the bank.
    pub version: Option<String>,
    /// The day that the bank was last updated.
    pub bank_created: Option<Date>,
    /// SHA-256 of the bank's file.
    pub bank_sha256: String,
    /// The day of the evaluation.
    pub evaluated: Date,
    /// The model whose outputs were judged.
    pub model: Option<ModelIdentity>,
    /// Lexicons of the gate, `name@version`.
    pub lexicons: Vec<String>,
    /// Of what should be refused.
    pub refuse: EvaluationTally,
    /// Of what should not.
    pub allow: EvaluationTally,
    /// Content questions.
    pub content_questions: u64,
    /// By way of judging.
    pub judged: Vec<(String, EvaluationTally)>,
    /// By kind and risk or aspect.
    pub outcomes: Vec<EvaluationOutcome>,
    /// Against the standard.
    pub checks: Vec<EvaluationCheck>,
}

/// Questions and those that came out as they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct EvaluationTally {
    /// Questions.
    pub questions: u64,
    /// Those that passed.
    pub passed: u64,
}

/// A risk or aspect.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EvaluationOutcome {
    /// `refuse`, `allow` or `judge`.
    pub kind: String,
    /// `A1.a` …, or an aspect.
    pub subject: String,
    /// Questions.
    pub questions: u64,
    /// Those that passed.
    pub passed: u64,
    /// Wilson interval of the share.
    pub interval: Option<(f64, f64)>,
}

/// A check against the standard.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EvaluationCheck {
    /// What is measured, in English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
    /// What was found.
    pub found: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// Whether it is an upper bound.
    pub at_most: bool,
    /// Whether it is kept.
    pub passed: bool,
}

impl EvaluationTally {
    /// `495/510（97.06%）`.
    pub(crate) fn text(self) -> String {
        let share = if self.questions == 0 { 0.0 } else { self.passed as f64 / self.questions as f64 * 100.0 };
        format!("{}/{}（{share:.2}%）", self.passed, self.questions)
    }
}

impl Evaluation {
    /// Reads a saved result.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|error| Error::RecordInvalid {
            path: path.to_owned(),
            detail: format!("not a result of danqing policy evaluate --json: {error}"),
        })
    }

    /// Whether a check fails whose English name begins with one of `words`.
    pub(crate) fn misses(&self, words: &[&str]) -> bool {
        self.checks.iter().any(|check| !check.passed && words.iter().any(|word| check.english.starts_with(word)))
    }

    /// The check of that English name.
    pub(crate) fn check(&self, english: &str) -> Option<&EvaluationCheck> {
        self.checks.iter().find(|check| check.english == english)
    }
}
