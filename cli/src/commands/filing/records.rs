//! What documents are made from: all that the subject file and the configuration name.

use crate::failure::Failure;
use engine::ModelDefaults;
use filing::{ClassifierRecord, DefaultOutput, Evaluation, Located, ManifestSummary, ModelRecord, Records, Subject};
use installation::{ClassifierSettings, Configuration, trust};
use ledger::{Snapshot, Statistics};
use policy::{Bank, Date, Lexicon};
use spec::Code;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use store::SqliteLog;
use trainer::data::Registry;

/// The ledger's file.
const LEDGER: &str = "danqing-ledger.sqlite";
/// Where pictures and the ledger go when nobody says otherwise.
const DEFAULT_FOLDER: &str = "danqing-out";
/// The one risk that the built-in classifier knows something of.
const BUILTIN_CLASS: &str = "A1.f";

/// Reads everything that the subject file and the configuration name.
pub fn gather(subject: &Path, configuration: &Configuration) -> Result<Records, Failure> {
    if !subject.exists() {
        let path = subject.display();
        let message = format!("{path} is missing; danqing filing template > {path} makes one / 缺少 {path}，可用该命令生成");
        return Err(Failure::new(Code::ConfigurationInvalid, message));
    }
    let subject = Subject::read(subject)?;
    let trust = trust(&configuration.trusted_keys)?;
    let mut lexicons = vec![Lexicon::builtin()?];
    for path in &configuration.lexicons {
        lexicons.push(Lexicon::read_trusting(path, &trust)?);
    }
    let bank = |path: &Path| -> Result<Bank, Failure> { Ok(Bank::parse(&read_text(path)?, &path.display().to_string())?) };
    Ok(Records {
        today: today_in_beijing(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        provider_code: configuration.provider_code()?,
        explicit_label: configuration.explicit_label.clone().unwrap_or_else(|| provenance::DEFAULT_EXPLICIT_TEXT.to_owned()),
        watermark: configuration.watermark_key.is_some(),
        classifiers: classifiers(configuration),
        appeal_contact: configuration.appeal_contact.clone(),
        trusted_keys: configuration.trusted_keys.len(),
        lexicons,
        model: model(&subject)?,
        registry: located(&subject, "data_registry", |path| Ok(Registry::read(path)?))?,
        manifest: located(&subject, "data_manifest", |path| Ok(ManifestSummary::read(path)?))?,
        bank: located(&subject, "bank", bank)?,
        evaluation: located(&subject, "evaluation", |path| Ok(Evaluation::read(path)?))?,
        ledger: statistics(&subject, configuration)?,
        subject,
    })
}

fn located<T>(subject: &Subject, name: &str, read: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<Option<Located<T>>, Failure> {
    let Some(path) = subject.record_path(name) else { return Ok(None) };
    let record = read(&path)?;
    Ok(Some(Located { path, record }))
}

fn model(subject: &Subject) -> Result<ModelRecord, Failure> {
    let named = subject.value("records.model").unwrap_or(installation::DEFAULT_MODEL);
    let place = subject.record_path("model").filter(|path| path.is_dir());
    let name = place.as_ref().map_or_else(|| named.to_owned(), |path| path.display().to_string());
    let folder = installation::find_model(&name)?;
    let defaults = ModelDefaults::read(&folder)?;
    let beside = place.map(|path| path.join("MODEL_CARD.md")).filter(|path| path.exists());
    let card = match subject.record_path("model_card").or(beside) {
        Some(path) => Some(Located { record: read_text(&path)?, path }),
        None => None,
    };
    Ok(ModelRecord {
        identity: folder.identity(named)?,
        inspection: engine::inspection::inspect(&folder)?,
        defaults: DefaultOutput { width: defaults.width, height: defaults.height, num_inference_steps: defaults.num_inference_steps },
        card,
    })
}

/// The ledger that the subject file or the configuration names, or else one that lies beside the subject file or where pictures are written by default.
fn ledger_path(subject: &Subject, configuration: &Configuration) -> Option<PathBuf> {
    let folder = subject.path().parent().unwrap_or(Path::new(""));
    let beside = [folder.join(LEDGER), folder.join(DEFAULT_FOLDER).join(LEDGER), Path::new(DEFAULT_FOLDER).join(LEDGER)];
    let named = subject.record_path("ledger").or_else(|| configuration.ledger.clone());
    named.or_else(|| beside.into_iter().find(|path| path.exists()))
}

fn statistics(subject: &Subject, configuration: &Configuration) -> Result<Option<Located<Statistics>>, Failure> {
    let Some(path) = ledger_path(subject, configuration) else { return Ok(None) };
    let log = SqliteLog::open_existing(&path)?;
    let record = Statistics::read(&Snapshot::read(&log)?)?;
    Ok(Some(Located { path, record }))
}

/// The classifiers that look at pictures, with the risks that they have thresholds for; none where nobody looks.
fn classifiers(configuration: &Configuration) -> Vec<ClassifierRecord> {
    let screening = configuration.screening();
    let names = screening.names();
    let classes = |name: &str| -> Vec<String> {
        let own = screening.classifiers.iter().find_map(|settings| match settings {
            ClassifierSettings::Http { name: own, labels, .. } | ClassifierSettings::Model { name: own, labels, .. } => {
                (own == name).then(|| labels.values().map(|label| label.class.clone()).collect())
            }
        });
        own.unwrap_or_else(|| vec![BUILTIN_CLASS.to_owned()])
    };
    names.into_iter().map(|name| ClassifierRecord { name: name.to_owned(), classes: classes(name) }).collect()
}

/// The day, in Beijing.
fn today_in_beijing() -> Date {
    /// UTC+8.
    const EIGHT_HOURS: u64 = 8 * 3_600;
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Date::from_unix_seconds(i64::try_from(since_1970.as_secs() + EIGHT_HOURS).unwrap_or(i64::MAX))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::reading(path, &error))
}
