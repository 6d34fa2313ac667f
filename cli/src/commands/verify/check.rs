use crate::commands::verify_c2pa;
use crate::failure::Failure;
use credentials::Anchors;
use installation::Configuration;
use ledger::{Entry, Ledger, Revealed};
use provenance::{LabelPublicKey, LabelReport, LabelVerdict, Security, read_labels, read_watermark};
use spec::{Code, ProduceId, Sha256Digest, SystemClock};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::SqliteLog;

/// Largest file that is read: a picture of 8192 × 8192 in the least compressed format is below it.
const MAXIMUM_BYTES: u64 = 1 << 30;

/// What the ledger knows of a file.
pub enum Known {
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
    /// A batch looks for it only when asked to, for it takes far longer than everything else.
    NotLookedFor,
    /// None was found: the picture never had one, or lost it.
    NotFound,
    /// One was found.
    Found(FoundMark),
}

/// An identifier in the pixels.
pub struct FoundMark {
    pub mark: u64,
    /// The entry that it belongs to, if the ledger knows it.
    pub entry: Option<Box<Entry>>,
    /// Whether the implicit label's ProduceID has it too: then the label is of these pixels.
    pub is_labels: bool,
}

/// Whether the producer's signature counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
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
    pub file: PathBuf,
    pub report: LabelReport,
    pub trust: Trust,
    pub known: Known,
    pub mark: Mark,
    pub manifest: credentials::Report,
}

impl Checked {
    /// The label can be read, the ledger has exactly these bytes, and no signature speaks against them.
    pub fn is_known_and_unchanged(&self) -> bool {
        let is_signed_well = !verify_c2pa::speaks_against(&self.manifest)
            && self.trust != Trust::Stranger
            && self.report.producer_security != Security::Invalid;
        matches!(self.known, Known::Recorded(_)) && self.report.values.is_some() && is_signed_well
    }

    /// The label keeps the rules, and nothing speaks against it.
    pub fn is_compliant(&self) -> bool {
        self.report.verdict == LabelVerdict::Compliant
            && !verify_c2pa::speaks_against(&self.manifest)
            && self.trust != Trust::Stranger
            && !matches!(self.known, Known::Changed(_))
    }
}

/// Reads files, and each folder's ledger once.
pub struct Checker<'a> {
    ledger: Option<&'a Path>,
    configuration: &'a Configuration,
    trusted: Vec<LabelPublicKey>,
    anchors: Anchors,
    watermark: Looking,
    ledgers: HashMap<PathBuf, Option<Ledger>>,
}

#[derive(Clone, Copy)]
enum Looking {
    With([u8; 32]),
    NoKey,
    No,
}

impl<'a> Checker<'a> {
    /// With the given ledger, or the one beside each file; looks for watermarks if there is a key.
    pub fn new(ledger: Option<&'a Path>, configuration: &'a Configuration, watermark_key: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = ledger.filter(|path| !path.exists()) {
            let message = format!("there is no ledger {0}: check --ledger / 没有账本 {0}，请检查 --ledger", path.display());
            return Err(Failure::new(Code::StorageFailed, message));
        }
        let watermark = match (watermark_key, &configuration.watermark_key) {
            (Some(path), _) => Looking::With(installation::read_watermark_key(path)?),
            (None, Some(_)) => Looking::No,
            (None, None) => Looking::NoKey,
        };
        Ok(Self {
            ledger,
            configuration,
            trusted: configuration.trusted_label_keys()?,
            anchors: configuration.credentials_anchors()?,
            watermark,
            ledgers: HashMap::new(),
        })
    }

    pub fn check(&mut self, file: &Path) -> Result<Checked, Failure> {
        let bytes = read(file)?;
        let report = read_labels(&bytes);
        let path = self.ledger.map_or_else(|| file.parent().unwrap_or(Path::new("")).join(pipeline::LEDGER_FILE), Path::to_owned);
        if !self.ledgers.contains_key(&path) {
            let ledger = if path.exists() { Some(open(&path, self.configuration)?) } else { None };
            self.ledgers.insert(path.clone(), ledger);
        }
        let ledger = self.ledgers.get(&path).and_then(Option::as_ref);
        let mark = match self.watermark {
            Looking::NoKey => Mark::NoKey,
            Looking::No => Mark::NotLookedFor,
            Looking::With(key) => match read_watermark(&bytes, key) {
                None => Mark::NotFound,
                Some(mark) => {
                    let entry = ledger.map(|ledger| ledger.find_by_mark(mark)).transpose()?.flatten();
                    let produce_id = report.values.as_ref().and_then(|values| values.produce_id.parse::<ProduceId>().ok());
                    let is_labels = produce_id.is_some_and(|id| id.mark() == mark);
                    Mark::Found(FoundMark { mark, entry: entry.map(Box::new), is_labels })
                }
            },
        };
        let known = match ledger {
            Some(ledger) => look_up(ledger, &bytes, &report)?,
            None => Known::NoLedger(path),
        };
        let trust = match &report.producer_security {
            Security::Valid { .. } if self.trusted.is_empty() => Trust::NotPinned,
            Security::Valid { key } if self.trusted.contains(key) => Trust::Trusted,
            Security::Valid { .. } => Trust::Stranger,
            _ => Trust::NoSignature,
        };
        let manifest = verify_c2pa::check(file, &bytes, &self.anchors)?;
        Ok(Checked { file: file.to_owned(), report, trust, known, mark, manifest })
    }
}

pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::reading(file, &error);
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > MAXIMUM_BYTES {
        let message = format!("{} is larger than any picture ({length} bytes) / 文件过大", file.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    std::fs::read(file).map_err(failed)
}

/// The ledger, its sealed fields readable where its record key is at hand. That the key is another ledger's, or for other eyes, is no reason
/// not to verify.
fn open(path: &Path, configuration: &Configuration) -> Result<Ledger, Failure> {
    let ledger = Ledger::open(Box::new(SqliteLog::open_existing(path)?), Arc::new(SystemClock))?;
    Ok(ledger.with_vault_if_readable(&configuration.vault(path)?).0)
}

fn look_up(ledger: &Ledger, bytes: &[u8], report: &LabelReport) -> Result<Known, Failure> {
    // By content first: a converted copy has the ProduceID of its source.
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
