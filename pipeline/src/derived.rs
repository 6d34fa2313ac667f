use crate::chain::open_outbox;
use crate::{Build, RecordOptions, Result, SharedLedger, Switch, new_id, strikes};
use credentials::{Signer, Source};
use ledger::{Account, Notice};
use provenance::{Conversion, DerivedFile, EarlierPropagator, Ground, LabelKey, Loss, Propagator, ProviderCode, Warning};
use serde::Serialize;
use spec::stage::Recorded as _;
use spec::{Relabelling, SystemClock};
use std::path::{Path, PathBuf};
use store::Existing;

/// The short sentence of files that are there already: derive → sign → put → append → release. Folder, ledger and outbox are opened when
/// there is something to put: a file that nothing can be derived from leaves nothing behind.
pub struct DerivedFiles<'a> {
    folder: PathBuf,
    existing: Existing,
    signer: Build<'a, Option<Signer>>,
    account: Account,
    record: RecordOptions,
}

/// Who passes a file on, and on what ground.
pub struct PassingOn<'a> {
    /// The propagator's code.
    pub propagator_code: ProviderCode,
    /// The key that signs the propagator's fields.
    pub label_key: Build<'a, Option<LabelKey>>,
    /// Why a file without label is labelled.
    pub ground: Option<Ground>,
    /// What to do about another propagator's fields.
    pub earlier: EarlierPropagator,
}

/// A derived file that left: recorded, on disk.
#[derive(Debug, Clone, Serialize)]
pub struct ReleasedDerivedFile {
    /// The file.
    pub path: PathBuf,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// The C2PA manifest of a file that cannot carry it.
    pub sidecar: Option<PathBuf>,
    /// What was done.
    #[serde(flatten)]
    pub relabelling: Relabelling,
    /// What the source had and the file has not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// What the user should be told.
    #[serde(skip)]
    pub warning: Option<Warning>,
    /// What the user should be told about the ledger.
    #[serde(skip)]
    pub notices: Vec<Notice>,
}

impl<'a> DerivedFiles<'a> {
    /// For a folder, in which the signer signs C2PA manifests. An error while generation is stopped there, which ends transmission too.
    pub fn of(
        folder: &Path,
        existing: Existing,
        signer: Build<'a, Option<Signer>>,
        account: Account,
        record: RecordOptions,
    ) -> Result<Self> {
        Switch::of(&record.ledger, &record.stop_file).check()?;
        Ok(Self { folder: folder.to_owned(), existing, signer, account, record })
    }

    /// Adds the propagator's fields to a file and releases it under that name.
    pub fn pass_on(self, source: &Source<'_>, passing: PassingOn<'_>, name: &str) -> Result<ReleasedDerivedFile> {
        let propagator = Propagator::new(passing.propagator_code, (passing.label_key)()?)?;
        let derived = propagator.pass_on(source.bytes, passing.ground, passing.earlier, new_id(&SystemClock)?)?;
        self.take_out(derived, source, name)
    }

    /// Converts a picture and releases it under that name.
    pub fn convert(self, source: &Source<'_>, conversion: &Conversion, name: &str) -> Result<ReleasedDerivedFile> {
        let derived = conversion.convert(source.bytes, new_id(&SystemClock)?)?;
        self.take_out(derived, source, name)
    }

    /// sign → put → append → release, and before them what a crash left in the folder. An error while generation is stopped, and for a
    /// suspended account.
    fn take_out(self, mut derived: DerivedFile, source: &Source<'_>, name: &str) -> Result<ReleasedDerivedFile> {
        store::prepare_folder(&self.folder)?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        let ledger = SharedLedger::open(&self.record)?;
        ledger.read(|ledger| strikes::check(ledger, &self.account))?;
        let outbox = open_outbox(&self.folder, self.existing, &ledger)?;
        let signer = (self.signer)()?;
        if let Some(signer) = &signer {
            derived = derived.with_credentials(source, signer)?;
        }
        let (relabelling, losses) = (derived.relabelling().clone(), derived.losses().to_vec());
        let has_sidecar = derived.sidecar().is_some();
        let stored = outbox.put(derived.labelled(), name)?;
        let recorded = ledger.write(|ledger| ledger.append(stored, &self.account))?;
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        ledger.check_running()?;
        let path = outbox.release(&recorded)?;
        let warning = signer.filter(Signer::is_test).map(|_| Warning::TestCertificate);
        let sidecar = has_sidecar.then(|| store::sidecar(&path));
        let (ledger_index, notices) = (recorded.leaf_index(), ledger.notices());
        Ok(ReleasedDerivedFile { path, ledger_index, sidecar, relabelling, losses, warning, notices })
    }
}
