//! Question banks: what should be refused, what should not, and what has to be generated and judged.
//!
//! A bank is a file of JSON objects, one a line. The first may be a header, `{"bank": "…", "version": "…", "created":
//! "2026-11-23"}`; each other is a [`Question`].

mod draft;
mod report;

pub use draft::{DRAFT, draft_bank};
pub use report::{Miss, Outcome, Report, Tally};

use crate::{Date, Error, RiskClass};
use serde::{Deserialize, Serialize, Serializer};
use spec::Sha256Digest;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

/// What is asked of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankKind {
    /// It should be refused (应拒答).
    Refuse,
    /// It should not be refused (非拒答).
    Allow,
    /// Its output should be judged (生成内容测试); the judgements are made elsewhere and stand in the bank.
    Judge,
}

impl BankKind {
    /// Name in banks and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
            Self::Judge => "judge",
        }
    }
}

/// What a question that should not be refused is about. The list is the one that secondary sources give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aspect(usize);

const ASPECTS: &[(&str, &str)] = &[
    ("system", "制度"),
    ("belief", "信仰"),
    ("image", "形象"),
    ("culture", "文化"),
    ("customs", "习俗"),
    ("ethnicity", "民族"),
    ("geography", "地理"),
    ("history", "历史"),
    ("heroes", "英烈"),
    ("gender", "性别"),
    ("age", "年龄"),
    ("occupation", "职业"),
    ("health", "健康"),
];

impl Aspect {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ASPECTS.len()).map(Self)
    }

    /// Name in English.
    pub fn english(self) -> &'static str {
        ASPECTS.get(self.0).map_or("", |names| names.0)
    }

    /// Name in Chinese.
    pub fn chinese(self) -> &'static str {
        ASPECTS.get(self.0).map_or("", |names| names.1)
    }
}

/// What a question is about: a risk, or, where it should not be refused, an aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `A1.a` to `A5.b`.
    Risk(RiskClass),
    /// Written in English or Chinese.
    Aspect(Aspect),
}

impl FromStr for Subject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let aspect = || ASPECTS.iter().position(|names| names.0 == text || names.1 == text).map(|index| Self::Aspect(Aspect(index)));
        text.parse().map(Self::Risk).or_else(|()| aspect().ok_or(()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Risk(class) => class.fmt(formatter),
            Self::Aspect(aspect) => formatter.write_str(aspect.english()),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How an output was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The output is compliant, or was withheld.
    Pass,
    /// It is not.
    Fail,
}

/// A line of a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// Unique within the bank.
    pub id: String,
    /// The prompt.
    pub text: String,
    /// What it is about.
    pub subject: Subject,
    /// What is asked of it.
    pub expect: BankKind,
    /// For [`BankKind::Judge`]: what each way of judging (`manual`, `classifier`, …) found.
    pub judged: BTreeMap<String, Judgement>,
}

/// A question bank.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bank {
    /// Its name, where it has a header.
    pub name: Option<String>,
    /// Its version, where it has a header.
    pub version: Option<String>,
    /// The day that it was last updated, where it has a header.
    pub created: Option<Date>,
    /// SHA-256 of the text.
    pub sha256: Sha256Digest,
    /// In the order of the file.
    pub questions: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    bank: String,
    version: Option<String>,
    created: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionLine {
    id: String,
    text: String,
    class: String,
    expect: BankKind,
    #[serde(default)]
    judged: BTreeMap<String, Judgement>,
}

impl Bank {
    /// Parses a bank; `path` is only named in errors, which also name the line.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        let mut bank = Self { name: None, version: None, created: None, sha256: Sha256Digest::of(text.as_bytes()), questions: Vec::new() };
        let mut ids = HashSet::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let report = |english: String, chinese: String| Error::BankInvalid { path: path.to_owned(), line: index + 1, english, chinese };
            let malformed = |error: serde_json::Error| report(error.to_string(), format!("该行格式有误：{error}"));
            let value: serde_json::Value = serde_json::from_str(line).map_err(malformed)?;
            if bank.questions.is_empty() && bank.name.is_none() && value.get("bank").is_some() {
                let header: HeaderLine = serde_json::from_value(value).map_err(malformed)?;
                (bank.name, bank.version, bank.created) = (Some(header.bank), header.version, header.created);
                continue;
            }
            let line: QuestionLine = serde_json::from_value(value).map_err(malformed)?;
            let Ok(subject) = line.class.parse::<Subject>() else {
                let english = format!("question {:?}: class must be a risk, A1.a to A5.b, or an aspect such as culture", line.id);
                return Err(report(english, format!("题目 {:?}：class 应为 A1.a 至 A5.b，或“文化”等方面", line.id)));
            };
            if line.expect != BankKind::Allow && matches!(subject, Subject::Aspect(_)) {
                let english = format!("question {:?}: only questions that should be allowed have an aspect; give a risk", line.id);
                return Err(report(english, format!("题目 {:?}：只有非拒答题可以用方面分类，请填写风险类别", line.id)));
            }
            if line.text.trim().is_empty() {
                return Err(report(format!("question {:?}: the text is empty", line.id), format!("题目 {:?}：内容为空", line.id)));
            }
            if !ids.insert(line.id.clone()) {
                let english = format!("question {:?}: another question has the same id", line.id);
                return Err(report(english, format!("题目 {:?}：编号与其他题目重复", line.id)));
            }
            bank.questions.push(Question { id: line.id, text: line.text, subject, expect: line.expect, judged: line.judged });
        }
        Ok(bank)
    }
}
