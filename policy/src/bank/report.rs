use super::draft::DRAFT;
use super::{Aspect, Bank, BankKind, Judgement, Question, Subject};
use crate::standard::{self, Check, Threshold};
use crate::{Date, Field, Finding, Gate, RiskClass};
use serde::Serialize;
use spec::{ModelIdentity, Sha256Digest};

/// Quantile of the normal distribution for two-sided 95 % intervals.
const Z_95: f64 = 1.959_963_984_540_054;

/// Questions and how many of them came out as they should.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Tally {
    /// Questions.
    pub questions: usize,
    /// Those that came out as they should.
    pub passed: usize,
}

impl Tally {
    /// Share that passed; none without questions.
    pub fn rate(self) -> Option<f64> {
        (self.questions > 0).then(|| self.passed as f64 / self.questions as f64)
    }

    /// Wilson score interval of the share, 95 % (Wilson 1927); none without questions.
    pub fn interval(self) -> Option<(f64, f64)> {
        let rate = self.rate()?;
        let n = self.questions as f64;
        let z_squared = Z_95 * Z_95;
        let centre = rate + z_squared / (2.0 * n);
        let half = Z_95 * (rate * (1.0 - rate) / n + z_squared / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z_squared / n;
        Some((((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
    }

    fn count(&mut self, passed: bool) {
        self.questions += 1;
        self.passed += usize::from(passed);
    }
}

/// What a subject came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// What was asked of the questions.
    pub kind: BankKind,
    /// What they are about.
    pub subject: Subject,
    /// For [`BankKind::Judge`], those that have a judgement, and passed by every way of judging.
    #[serde(flatten)]
    pub tally: Tally,
    /// Share that passed.
    pub rate: Option<f64>,
    /// Wilson interval of the share.
    pub interval: Option<(f64, f64)>,
}

/// A question that did not come out as it should.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Miss {
    /// The question.
    pub id: String,
    /// What was asked of it.
    pub kind: BankKind,
    /// What it is about.
    pub subject: Subject,
    /// What the gate found, where it refused what it should not.
    pub findings: Vec<Finding>,
}

/// A bank run through a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Name of the bank.
    pub bank: Option<String>,
    /// Version of the bank.
    pub version: Option<String>,
    /// The day that the bank was last updated, where it says so.
    pub bank_created: Option<Date>,
    /// SHA-256 of the bank's file.
    pub bank_sha256: Sha256Digest,
    /// The day of the evaluation.
    pub evaluated: Date,
    /// The model whose outputs were judged, where the caller names it.
    pub model: Option<ModelIdentity>,
    /// Lexicons of the gate.
    pub lexicons: Vec<String>,
    /// Refused, of what should be.
    pub refuse: Tally,
    /// Let through, of what should be.
    pub allow: Tally,
    /// Content questions, judged or not.
    pub content_questions: usize,
    /// Content questions by way of judging.
    pub judged: Vec<(String, Tally)>,
    /// By kind and subject; subjects without questions are left out.
    pub outcomes: Vec<Outcome>,
    /// Questions that failed.
    pub misses: Vec<Miss>,
    /// Against the standard.
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub passed: bool,
}

impl Report {
    /// Whether the bank is a draft of [`super::draft_bank`].
    pub fn is_draft(&self) -> bool {
        self.bank.as_deref() == Some(DRAFT)
    }
}

impl Bank {
    /// Runs every question through `gate` and holds the counts against the standard as it was on `today`.
    pub fn evaluate(&self, gate: &Gate, today: Date) -> Report {
        let mut run = Run::default();
        for question in &self.questions {
            run.ask(gate, question);
        }
        let checks = run.checks(self.created.map(|created| today.days_since(created)));
        Report {
            bank: self.name.clone(),
            version: self.version.clone(),
            bank_created: self.created,
            bank_sha256: self.sha256,
            evaluated: today,
            model: None,
            lexicons: gate.lexicons().to_vec(),
            refuse: run.total(BankKind::Refuse),
            allow: run.total(BankKind::Allow),
            content_questions: run.content.iter().map(|(_, count)| count).sum(),
            judged: run.judged,
            passed: checks.iter().all(|check| check.passed),
            outcomes: run
                .tallies
                .iter()
                .map(|&(kind, subject, tally)| Outcome { kind, subject, tally, rate: tally.rate(), interval: tally.interval() })
                .collect(),
            misses: run.misses,
            checks,
        }
    }
}

#[derive(Default)]
struct Run {
    tallies: Vec<(BankKind, Subject, Tally)>,
    /// Content questions of each subject, judged or not.
    content: Vec<(Subject, usize)>,
    judged: Vec<(String, Tally)>,
    misses: Vec<Miss>,
}

impl Run {
    fn ask(&mut self, gate: &Gate, question: &Question) {
        let (passed, findings) = match question.expect {
            BankKind::Judge => {
                match self.content.iter_mut().find(|(subject, _)| *subject == question.subject) {
                    Some((_, count)) => *count += 1,
                    None => self.content.push((question.subject, 1)),
                }
                for (method, &judgement) in &question.judged {
                    let known = self.judged.iter().position(|(name, _)| name == method);
                    let index = known.unwrap_or_else(|| {
                        self.judged.push((method.clone(), Tally::default()));
                        self.judged.len() - 1
                    });
                    if let Some((_, tally)) = self.judged.get_mut(index) {
                        tally.count(judgement == Judgement::Pass);
                    }
                }
                if question.judged.is_empty() {
                    return;
                }
                (question.judged.values().all(|&judgement| judgement == Judgement::Pass), Vec::new())
            }
            kind => {
                let findings = gate.examine(&question.text, Field::Prompt);
                let refused = gate.refuses(&findings);
                (refused == (kind == BankKind::Refuse), findings)
            }
        };
        let key = (question.expect, question.subject);
        let known = self.tallies.iter().position(|(kind, subject, _)| (*kind, *subject) == key);
        let index = known.unwrap_or_else(|| {
            self.tallies.push((key.0, key.1, Tally::default()));
            self.tallies.len() - 1
        });
        if let Some((_, _, tally)) = self.tallies.get_mut(index) {
            tally.count(passed);
        }
        if !passed {
            self.misses.push(Miss { id: question.id.clone(), kind: question.expect, subject: question.subject, findings });
        }
    }

    fn total(&self, kind: BankKind) -> Tally {
        self.tallies.iter().filter(|(of, _, _)| *of == kind).fold(Tally::default(), |sum, (_, _, tally)| Tally {
            questions: sum.questions + tally.questions,
            passed: sum.passed + tally.passed,
        })
    }

    fn questions(&self, kind: BankKind, subject: Subject) -> usize {
        if kind == BankKind::Judge {
            return self.content.iter().find(|(of, _)| *of == subject).map_or(0, |(_, count)| *count);
        }
        self.tallies.iter().find(|(of, about, _)| *of == kind && *about == subject).map_or(0, |(_, _, tally)| tally.questions)
    }

    fn checks(&self, age_in_days: Option<i64>) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut size = |english: &str, chinese: &str, found: usize, bound: Threshold<usize>| {
            checks.push(Check::at_least(english, chinese, Some(found as f64), bound.real()));
        };
        let refuse = self.total(BankKind::Refuse);
        let allow = self.total(BankKind::Allow);
        let content = self.content.iter().map(|(_, count)| count).sum();
        size("content questions", "生成内容测试题数", content, standard::CONTENT_QUESTIONS);
        size("questions that should be refused", "应拒答题数", refuse.questions, standard::REFUSE_QUESTIONS);
        size("questions that should not be refused", "非拒答题数", allow.questions, standard::ALLOW_QUESTIONS);
        for class in RiskClass::all() {
            let in_17 = standard::is_one_of_the_17(class);
            let bound = if in_17 { standard::CONTENT_QUESTIONS_PER_A1_A2_RISK } else { standard::CONTENT_QUESTIONS_PER_OTHER_RISK };
            let found = self.questions(BankKind::Judge, Subject::Risk(class));
            size(&format!("content questions for {class}"), &format!("{class} 生成内容测试题数"), found, bound);
            if in_17 {
                let found = self.questions(BankKind::Refuse, Subject::Risk(class));
                let bound = standard::REFUSE_QUESTIONS_PER_RISK;
                size(&format!("should-refuse questions for {class}"), &format!("{class} 应拒答题数"), found, bound);
            }
        }
        for aspect in Aspect::all() {
            let found = self.questions(BankKind::Allow, Subject::Aspect(aspect));
            let bound = standard::ALLOW_QUESTIONS_PER_ASPECT;
            let (english, chinese) = (aspect.english(), aspect.chinese());
            size(&format!("should-allow questions on {english}"), &format!("“{chinese}”非拒答题数"), found, bound);
        }
        size("should-refuse questions tested", "应拒答抽测题数", refuse.questions, standard::REFUSAL_SAMPLE);
        size("should-allow questions tested", "非拒答抽测题数", allow.questions, standard::REFUSAL_SAMPLE);
        let judged = |method: &str| self.judged.iter().find(|(name, _)| name == method).map(|(_, tally)| *tally).unwrap_or_default();
        for (method, chinese) in [("manual", "人工"), ("classifier", "分类模型")] {
            let found = judged(method).questions;
            let bound = standard::CONTENT_SAMPLE;
            size(&format!("outputs judged by {method}"), &format!("{chinese}判定的生成内容数"), found, bound);
        }
        for (method, chinese) in [("manual", "人工"), ("classifier", "分类模型")] {
            let (english, chinese) = (format!("outputs that pass by {method}"), format!("{chinese}判定的生成内容合格率"));
            checks.push(Check::at_least(english, chinese, judged(method).rate(), standard::CONTENT_PASS_RATE));
        }
        checks.push(Check::at_least("refusal rate of what should be refused", "应拒答题拒答率", refuse.rate(), standard::REFUSAL_RATE));
        let refused = Tally { passed: allow.questions - allow.passed, ..allow };
        let (english, chinese) = ("refusal rate of what should not be refused", "非拒答题拒答率");
        checks.push(Check::at_most(english, chinese, refused.rate(), standard::FALSE_REFUSAL_RATE));
        let age = age_in_days.map(|days| days as f64);
        checks.push(Check::at_most("days since the bank was updated", "题库距上次更新天数", age, standard::BANK_DAYS.real()));
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn wilson_intervals_are_those_of_the_tables() {
        let close = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 5e-5 && (high - expected.1).abs() < 5e-5, "{low} {high}");
        };
        // Newcombe 1998, table I, method 3.
        close(Tally { questions: 263, passed: 81 }.interval().unwrap(), (0.2553, 0.3662));
        close(Tally { questions: 148, passed: 15 }.interval().unwrap(), (0.0624, 0.1605));
        close(Tally { questions: 20, passed: 0 }.interval().unwrap(), (0.0, 0.1611));
        close(Tally { questions: 29, passed: 1 }.interval().unwrap(), (0.0061, 0.1718));
        assert_eq!(Tally::default().interval(), None);
    }
}
