use crate::document::{Content, Row};
use crate::{Evaluation, FIELDS, ManifestSummary, Subject};
use engine::model_folder::Inspection;
use ledger::Statistics;
use policy::{Bank, Date, Lexicon, Origin};
use provenance::ProviderCode;
use spec::ModelIdentity;
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
    /// Width, height and steps by default.
    pub defaults: (u32, u32, u32),
    /// The model card's text.
    pub card: Option<Located<String>>,
}

/// Everything that documents are drawn from. What is `None` was not there.
#[derive(Debug)]
pub struct Records {
    /// The day of the documents.
    pub today: Date,
    /// What only the operator knows.
    pub subject: Subject,
    /// Version of the program.
    pub program: String,
    /// The configuration file, for naming it.
    pub configuration: PathBuf,
    /// The provider code of the configuration.
    pub provider_code: Option<ProviderCode>,
    /// Text of the explicit label.
    pub explicit_label: String,
    /// Whether pictures get an invisible watermark.
    pub watermark: bool,
    /// Names of the classifiers that look at pictures; none where nobody does.
    pub classifiers: Vec<String>,
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

    /// The same under another clause or item.
    pub(crate) fn answer(&self, key: &str) -> Content {
        match self.subject.value(key) {
            Some(value) => Content::filled(value, format!("{} 的 {key}", file_name(self.subject.path()))),
            None => Content::gap(format!("filing.toml 的 {key}")),
        }
    }

    /// Lines for all fields of a section.
    pub(crate) fn section(&self, section: &str) -> Vec<Row> {
        let of_section = |key: &str| key.split_once('.').is_some_and(|(of, _)| of == section);
        FIELDS.iter().filter(|field| of_section(field.key)).map(|field| self.field(field.key)).collect()
    }

    /// What the program itself does, which its documentation and tests record.
    pub(crate) fn program(&self, text: impl Into<String>) -> Content {
        Content::filled(text, format!("程序 danqing {}（docs/compliance/README.md）", self.program))
    }

    pub(crate) fn configured(&self, text: impl Into<String>) -> Content {
        Content::filled(text, format!("配置 {}", file_name(&self.configuration)))
    }

    pub(crate) fn of_model(&self, text: impl Into<String>) -> Content {
        Content::filled(text, format!("模型 {} 的文件", self.model.identity.name))
    }

    pub(crate) fn of_lexicons(&self, text: impl Into<String>) -> Content {
        let names: Vec<String> = self.lexicons.iter().map(ToString::to_string).collect();
        Content::filled(text, format!("词库 {}", names.join("、")))
    }

    pub(crate) fn of_ledger(&self, text: impl FnOnce(&Statistics) -> String) -> Content {
        match &self.ledger {
            Some(found) => Content::filled(text(&found.record), format!("账本 {}", file_name(&found.path))),
            None => Content::gap("danqing generate 产生账本，或在 [records] 中指明 ledger"),
        }
    }

    pub(crate) fn of_evaluation(&self, text: impl FnOnce(&Evaluation) -> Option<String>) -> Content {
        let found = self.evaluation.as_ref().and_then(|found| Some((text(&found.record)?, &found.path)));
        match found {
            Some((text, path)) => Content::filled(text, format!("评测结果 {}", file_name(path))),
            None => Content::gap("danqing policy evaluate BANK --model MODEL --json，结果写入 [records] evaluation"),
        }
    }

    pub(crate) fn of_bank(&self, text: impl FnOnce(&Bank) -> String) -> Content {
        match &self.bank {
            Some(found) => Content::filled(text(&found.record), format!("题库 {}", file_name(&found.path))),
            None => Content::gap("在 [records] 中指明 bank"),
        }
    }

    pub(crate) fn of_registry(&self, text: impl FnOnce(&Registry) -> Option<String>) -> Content {
        let found = self.registry.as_ref().and_then(|found| Some((text(&found.record)?, &found.path)));
        match found {
            Some((text, path)) => Content::filled(text, format!("数据来源登记 {}", file_name(path))),
            None => Content::gap("danqing data register，并在 [records] 中指明 data_registry"),
        }
    }

    pub(crate) fn of_manifest(&self, text: impl FnOnce(&ManifestSummary) -> String) -> Content {
        match &self.manifest {
            Some(found) => Content::filled(text(&found.record), format!("数据清单 {}", file_name(&found.path))),
            None => Content::gap("danqing data manifest，并在 [records] 中指明 data_manifest"),
        }
    }

    /// The provider code, or a gap.
    pub(crate) fn provider_code(&self) -> Content {
        match &self.provider_code {
            Some(code) => self.configured(code.as_str()),
            None => Content::gap("danqing.toml 的 provider_code"),
        }
    }

    pub(crate) fn appeal_contact(&self) -> Content {
        match &self.appeal_contact {
            Some(contact) => self.configured(contact),
            None => Content::gap("danqing.toml 的 appeal_contact"),
        }
    }

    /// Terms of all lexicons.
    pub(crate) fn terms(&self) -> usize {
        policy::terms_by_class(&self.lexicons).iter().map(|(_, count)| count).sum()
    }
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
