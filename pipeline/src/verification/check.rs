use super::manifest;
use crate::{LEDGER_FILE, MOST_FILE_BYTES, Result, read_user_file};
use credentials::Anchors;
use ledger::{Entry, Ledger, Revealed, VaultSettings};
use provenance::{LabelPublicKey, LabelReport, Security, read_labels, read_watermark};
use spec::{ProduceId, Sha256Digest, SystemClock};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::SqliteLog;

/// What the ledger knows of a file.
pub enum Known {
    /// It was not asked.
    NotAsked,
    /// No ledger was found.
    NoLedger(PathBuf),
    /// No entry has this file's digest or ProduceID.
    Unknown,
    /// An entry has its ProduceID, but other content: the file was changed.
    Changed(Box<Revealed>),
    /// An entry has its digest.
    Recorded(Box<Revealed>),
}

/// What the invisible watermark says.
pub enum Mark {
    /// The configuration names no key to look with.
    NoKey,
    /// It was not asked for: looking takes far longer than everything else.
    NotLookedFor,
    /// None was found: the picture never had one, or lost it.
    NotFound,
    /// One was found.
    Found(FoundMark),
}

/// An identifier in the pixels.
pub struct FoundMark {
    /// Its 48 bits.
    pub mark: u64,
    /// The entry that it belongs to, if the ledger knows it.
    pub entry: Option<Box<Entry>>,
    /// The mark of the implicit label's ProduceID, where that can be read: the label is of these pixels if they agree.
    pub labels: Option<u64>,
}

/// Whether the producer's signature counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerTrust {
    /// There is no valid signature.
    NoSignature,
    /// It is valid, and no keys are pinned to tell whose it is.
    NotPinned,
    /// Its key is pinned.
    Trusted,
    /// Keys are pinned, and it is by none of them.
    Stranger,
}

/// All that was found out about a file.
pub struct Checked {
    /// The file.
    pub file: PathBuf,
    /// What its implicit label says.
    pub report: LabelReport,
    /// Whose signature the label has.
    pub trust: SignerTrust,
    /// What the ledger knows.
    pub known: Known,
    /// What the pixels say.
    pub mark: Mark,
    /// What its C2PA manifest says.
    pub manifest: credentials::Report,
}

/// Whether the invisible watermark is looked for.
#[derive(Clone, Copy)]
pub enum WatermarkSearch {
    /// With this key.
    With([u8; 32]),
    /// There is no key.
    NoKey,
    /// Nobody asked for it.
    No,
}

/// Whom to believe, and where to look.
#[derive(Clone)]
pub struct Settings {
    /// Whether any ledger is asked.
    pub question: super::Question,
    /// The ledger; the one beside each file where it is not set.
    pub ledger: Option<PathBuf>,
    /// How the personal fields of the ledger in a file are opened. Where its key cannot be read, all but those fields is checked.
    pub vault: Arc<dyn Fn(&Path) -> VaultSettings + Send + Sync>,
    /// Whose signatures under labels are trusted.
    pub trusted_label_keys: Vec<LabelPublicKey>,
    /// Certificates that vouch for the signers of manifests.
    pub anchors: Anchors,
    /// Whether the watermark is looked for.
    pub watermark: WatermarkSearch,
}

/// Reads files, and opens each folder's ledger once. It makes no key and writes into no ledger.
pub struct Checker<'a> {
    settings: &'a Settings,
    ledgers: HashMap<PathBuf, Option<Ledger>>,
}

impl<'a> Checker<'a> {
    /// A checker by these settings.
    pub fn new(settings: &'a Settings) -> Self {
        Self { settings, ledgers: HashMap::new() }
    }

    /// Looks at a file. An error where it, or the ledger, cannot be read.
    pub fn check(&mut self, file: &Path) -> Result<Checked> {
        let settings = self.settings;
        let bytes = read_user_file(file, MOST_FILE_BYTES)?;
        let report = read_labels(&bytes);
        let path = settings.ledger.clone().unwrap_or_else(|| file.parent().unwrap_or(Path::new("")).join(LEDGER_FILE));
        let ledger = match settings.question {
            super::Question::Record => self.ledger(&path)?,
            super::Question::Marks => None,
        };
        let mark = match settings.watermark {
            WatermarkSearch::NoKey => Mark::NoKey,
            WatermarkSearch::No => Mark::NotLookedFor,
            WatermarkSearch::With(key) => match read_watermark(&bytes, key) {
                None => Mark::NotFound,
                Some(mark) => {
                    let entry = ledger.map(|ledger| ledger.find_by_mark(mark)).transpose()?.flatten();
                    let id = report.values.as_ref().and_then(|values| values.produce_id.parse::<ProduceId>().ok());
                    Mark::Found(FoundMark { mark, entry: entry.map(Box::new), labels: id.map(|id| id.mark()) })
                }
            },
        };
        let known = match (ledger, settings.question) {
            (Some(ledger), _) => look_up(ledger, &bytes, &report)?,
            (None, super::Question::Marks) => Known::NotAsked,
            (None, super::Question::Record) => Known::NoLedger(path),
        };
        let keys = &settings.trusted_label_keys;
        let trust = match &report.producer_security {
            Security::Valid { .. } if keys.is_empty() => SignerTrust::NotPinned,
            Security::Valid { key } if keys.contains(key) => SignerTrust::Trusted,
            Security::Valid { .. } => SignerTrust::Stranger,
            _ => SignerTrust::NoSignature,
        };
        let manifest = manifest::check(file, &bytes, &settings.anchors)?;
        Ok(Checked { file: file.to_owned(), report, trust, known, mark, manifest })
    }

    fn ledger(&mut self, path: &Path) -> Result<Option<&Ledger>> {
        if !self.ledgers.contains_key(path) {
            let ledger = if path.exists() { Some(open(path, &(self.settings.vault)(path))?) } else { None };
            self.ledgers.insert(path.to_owned(), ledger);
        }
        Ok(self.ledgers.get(path).and_then(Option::as_ref))
    }
}

/// The ledger, its sealed fields readable where its record key is at hand. That the key is another ledger's, or for other eyes, is no reason
/// not to verify.
fn open(path: &Path, vault: &VaultSettings) -> Result<Ledger> {
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    Ok(ledger.with_vault_if_readable(vault).0)
}

fn look_up(ledger: &Ledger, bytes: &[u8], report: &LabelReport) -> Result<Known> {
    // By content first: a converted file has the ProduceID of its source.
    if let Some(entry) = ledger.find_by_content(Sha256Digest::of(bytes))? {
        return Ok(Known::Recorded(Box::new(ledger.reveal(&entry)?)));
    }
    let ids = report.values.iter().flat_map(|values| [&values.produce_id, &values.propagate_id]);
    for id in ids.filter_map(|id| id.parse::<ProduceId>().ok()) {
        if let Some(entry) = ledger.find(id)? {
            return Ok(Known::Changed(Box::new(ledger.reveal(&entry)?)));
        }
    }
    Ok(Known::Unknown)
}
