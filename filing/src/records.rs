use crate::document::{Content, Mark, Row};
use crate::{Evaluation, FIELDS, ManifestSummary, Subject};
use engine::inspection::Inspection;
use ledger::Statistics;
use policy::{Bank, Date, Lexicon, Origin};
use provenance::{ProviderCode, ServiceType};
use spec::{ModelIdentity, Timestamp};
use std::path::PathBuf;
use trainer::data::Registry;

/// A record and the file that it was read from.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub record: T,
}

/// The model that is filed.
#[derive(Debug, Clone)]
pub struct ModelRecord {
    /// Name, family and digest.
    pub identity: ModelIdentity,
    /// Components and parameters.
    pub inspection: Inspection,
    /// What it makes where nobody asks for other sizes.
    pub defaults: DefaultOutput,
    /// The model card's text.
    pub card: Option<Located<String>>,
}

/// A classifier that looks at pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassifierRecord {
    /// Its name in the configuration.
    pub name: String,
    /// Risks that it has thresholds for, by their number in the annex.
    pub classes: Vec<String>,
}

/// What a model makes where nobody asks for other sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultOutput {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Denoising steps.
    pub num_inference_steps: u32,
}

/// Everything that documents are made from. What is `None` was not there.
#[derive(Debug)]
pub struct Records {
    /// The day of the documents, in Beijing.
    pub today: Date,
    /// What only the operator knows.
    pub subject: Subject,
    /// Version of the program.
    pub program: String,
    /// The provider code of the configuration.
    pub provider_code: Option<ProviderCode>,
    /// Text of the explicit label.
    pub explicit_label: String,
    /// Whether pictures get an invisible watermark.
    pub watermark: bool,
    /// The classifiers that look at pictures; none where nobody does.
    pub classifiers: Vec<ClassifierRecord>,
    /// Whom refusals send people to.
    pub appeal_contact: Option<String>,
    /// Keys that lexicons must be signed by; 0 where any lexicon is taken.
    pub trusted_keys: usize,
    /// Lexicons that are in force, the built-in one first.
    pub lexicons: Vec<Lexicon>,
    /// The model.
    pub model: ModelRecord,
    /// Sources of the training data.
    pub registry: Option<Located<Registry>>,
    /// The data manifest.
    pub manifest: Option<Located<ManifestSummary>>,
    /// The question bank.
    pub bank: Option<Located<Bank>>,
    /// A saved evaluation.
    pub evaluation: Option<Located<Evaluation>>,
    /// Counts over the ledger, which verified.
    pub ledger: Option<Located<Statistics>>,
}

impl Records {
    /// A form's line for a field of the subject file.
    pub(crate) fn field(&self, key: &str) -> Row {
        let field = FIELDS.iter().find(|field| field.key == key);
        let (item, clause) = field.map_or((key, ""), |field| (field.chinese, field.clause));
        Row::new(item, self.answer(key), clause)
    }

    /// What the subject file says under `key`.
    pub(crate) fn answer(&self, key: &str) -> Content {
        match self.subject.value(key) {
            Some(value) => {
                Content::Filled { text: value.to_owned(), record: SUBJECT.to_owned(), key: Some(key.to_owned()), marks: Vec::new() }
            }
            None => Content::gap(&format!("gap:{key}"), format!("filing.toml 的 {key}")),
        }
    }

    /// What the subject file says under several keys, each in a paragraph of its own with the field's name; a gap where one is empty.
    pub(crate) fn answers(&self, keys: &[&str]) -> Content {
        let mut lines = Vec::new();
        for key in keys {
            let Some(value) = self.subject.value(key) else { return self.answer(key) };
            let name = FIELDS.iter().find(|field| field.key == *key).map_or(*key, |field| field.chinese);
            lines.push(format!("{name}：{value}"));
        }
        Content::Filled { text: lines.join("\n"), record: SUBJECT.to_owned(), key: Some(keys.join(", ")), marks: Vec::new() }
    }

    /// Lines for all fields of a section.
    pub(crate) fn section(&self, section: &str) -> Vec<Row> {
        let of_section = |key: &str| key.split_once('.').is_some_and(|(of, _)| of == section);
        FIELDS.iter().filter(|field| of_section(field.key)).map(|field| self.field(field.key)).collect()
    }

    /// What the program itself does, which its documentation and tests record.
    pub(crate) fn program(&self, text: impl Into<String>) -> Content {
        Content::filled(text, format!("丹青 {} 程序说明", self.program))
    }

    pub(crate) fn of_model(&self, text: impl Into<String>) -> Content {
        let content = Content::filled(text, format!("模型 {} 的文件", self.model.identity.name));
        let actual = self.model.identity.sha256.to_string();
        let filed = self.subject.value("model.filed_sha256");
        content.marked_if(Mark::Contradicted, filed.is_some_and(|filed| !filed.eq_ignore_ascii_case(&actual)))
    }

    pub(crate) fn of_lexicons(&self, text: impl Into<String>) -> Content {
        let names: Vec<String> = self.lexicons.iter().map(ToString::to_string).collect();
        Content::filled(text, format!("词库 {}", names.join("、")))
    }

    pub(crate) fn of_ledger(&self, text: impl FnOnce(&Statistics) -> String) -> Content {
        match &self.ledger {
            Some(found) => Content::filled(text(&found.record), format!("账本 {}", file_name(&found.path))),
            None => Content::gap("gap:ledger", "danqing generate 产生账本，或在 [records] 中指明 ledger"),
        }
    }

    pub(crate) fn of_evaluation(&self, text: impl FnOnce(&Evaluation) -> Option<String>) -> Content {
        let Some(found) = &self.evaluation else {
            return Content::gap("gap:evaluation", "danqing policy evaluate BANK --model MODEL --json，结果写入 [records] evaluation");
        };
        let Some(text) = text(&found.record) else {
            return Content::gap("gap:evaluation-result", "所附评测没有这一结果：在题库中补题或补记判定后，重做 danqing policy evaluate");
        };
        let content = Content::filled(text, format!("评测结果 {}", file_name(&found.path)));
        self.evaluation_marks().into_iter().fold(content, Content::marked)
    }

    pub(crate) fn of_bank(&self, text: impl FnOnce(&Bank) -> String) -> Content {
        match &self.bank {
            Some(found) => {
                let content = Content::filled(text(&found.record), format!("题库 {}", file_name(&found.path)));
                self.bank_marks().into_iter().fold(content, Content::marked)
            }
            None => Content::gap("gap:bank", "在 [records] 中指明 bank"),
        }
    }

    pub(crate) fn of_registry(&self, text: impl FnOnce(&Registry) -> Option<String>) -> Content {
        match &self.registry {
            Some(found) => match text(&found.record) {
                Some(text) => Content::filled(text, format!("数据来源登记 {}", file_name(&found.path))),
                None => Content::gap("gap:registry-incomplete", "补全数据来源登记：danqing data check 列出每个来源的待办"),
            },
            None => Content::gap("gap:data_registry", "danqing data register，并在 [records] 中指明 data_registry"),
        }
    }

    pub(crate) fn of_manifest(&self, text: impl FnOnce(&ManifestSummary) -> String) -> Content {
        match &self.manifest {
            Some(found) => Content::filled(text(&found.record), format!("数据清单 {}", file_name(&found.path))),
            None => Content::gap("gap:data_manifest", "danqing data manifest，并在 [records] 中指明 data_manifest"),
        }
    }

    /// The provider code, or a gap.
    pub(crate) fn provider_code(&self) -> Content {
        match &self.provider_code {
            Some(code) => {
                let of_another = self.subject.value("subject.uscc").is_some_and(|uscc| uscc != code.social_credit_code());
                let contradicts = of_another || code.service_type() != ServiceType::Generation;
                configured(code.as_str()).marked_if(Mark::Contradicted, contradicts)
            }
            None => Content::gap("provider-code-unset", "danqing.toml 的 provider_code；未配置时隐式标识的 ContentProducer 为空"),
        }
    }

    pub(crate) fn appeal_contact(&self) -> Content {
        match &self.appeal_contact {
            Some(contact) => configured(contact),
            None => Content::gap("appeal-contact-unset", "danqing.toml 的 appeal_contact；未配置时拒绝不告知申诉对象"),
        }
    }

    /// Terms of all lexicons.
    pub(crate) fn terms(&self) -> usize {
        policy::terms_by_class(&self.lexicons).iter().map(|(_, count)| count).sum()
    }

    /// Names of the lexicons that are in force.
    pub(crate) fn lexicon_names(&self) -> Vec<String> {
        self.lexicons.iter().map(ToString::to_string).collect()
    }

    /// What must stand before every value that was read from the bank.
    pub(crate) fn bank_marks(&self) -> Vec<Mark> {
        let Some(found) = &self.bank else { return Vec::new() };
        let bank = &found.record;
        let days = bank.created.map(|created| self.today.days_since(created));
        let is_stale = days.is_none_or(|days| days > policy::standard::BANK_DAYS.value);
        let marks = [(Mark::Draft, bank.name.as_deref() == Some(policy::DRAFT)), (Mark::Stale, is_stale)];
        marks.into_iter().filter_map(|(mark, holds)| holds.then_some(mark)).collect()
    }

    /// What must stand before every value that was read from the evaluation.
    pub(crate) fn evaluation_marks(&self) -> Vec<Mark> {
        let Some(found) = &self.evaluation else { return Vec::new() };
        let evaluation = &found.record;
        let is_of_the_bank = |bank: &Bank| bank.sha256.to_string() == evaluation.bank_sha256;
        let bank = self.bank.as_ref().map(|found| &found.record);
        let of_draft = bank.is_some_and(|bank| is_of_the_bank(bank) && bank.name.as_deref() == Some(policy::DRAFT));
        let newest = self.lexicons.iter().filter_map(Lexicon::created).max();
        let is_stale = evaluation.lexicons != self.lexicon_names() || newest.is_some_and(|newest| newest > evaluation.evaluated);
        let of_another_model = evaluation.model.as_ref().is_some_and(|model| model.sha256 != self.model.identity.sha256);
        let contradicts = of_another_model || bank.is_some_and(|bank| !is_of_the_bank(bank));
        let is_draft = of_draft || evaluation.bank.as_deref() == Some(policy::DRAFT);
        let marks = [(Mark::Draft, is_draft), (Mark::Stale, is_stale), (Mark::Contradicted, contradicts)];
        marks.into_iter().filter_map(|(mark, holds)| holds.then_some(mark)).collect()
    }
}

/// The subject file, as documents call it.
const SUBJECT: &str = "主体信息文件";

/// What the configuration says.
pub(crate) fn configured(text: impl Into<String>) -> Content {
    Content::filled(text, "程序配置")
}

/// Who vouches for a lexicon.
pub(crate) fn signer(lexicon: &Lexicon) -> String {
    match lexicon.origin() {
        Origin::Builtin => "内置".to_owned(),
        Origin::Signed(key) => key.to_string(),
        _ => "未签名".to_owned(),
    }
}

pub(crate) fn file_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Milliseconds from the zero meridian to Beijing time, UTC+8.
const EIGHT_HOURS: u64 = 8 * 3_600_000;

/// `2026-12-01 10:29:31（北京时间）`.
pub(crate) fn beijing_time(time: Timestamp) -> String {
    let local = Timestamp(time.0.saturating_add(EIGHT_HOURS)).to_rfc3339();
    format!("{}（北京时间）", local.get(..19).unwrap_or_default().replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::beijing_time;
    use spec::Timestamp;

    #[test]
    fn the_day_begins_in_beijing() {
        assert_eq!(beijing_time(Timestamp(16 * 3_600_000)), "1970-01-02 00:00:00（北京时间）");
    }
}
