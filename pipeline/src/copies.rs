use crate::studio::{LEDGER_FILE, check_running, new_id, open_ledger, open_outbox};
use crate::{Build, RecordOptions, Result, Switch, strikes};
use credentials::{Signer, Source};
use ledger::{Account, Notice};
use provenance::{Conversion, EarlierPropagator, Ground, LabelKey, Propagator, ProviderCode, Relabelled, Warning};
use serde::Serialize;
use spec::stage::{RecordedCopy as _, Relabelled as _};
use spec::{Clock, Relabelling, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Existing;

/// The short sentence of files that are there already: relabel → sign → store → log → release. Folder, ledger and outbox are opened when there
/// is something to store: a file that cannot be copied leaves nothing behind.
pub struct Copies<'a> {
    folder: PathBuf,
    existing: Existing,
    signer: Build<'a, Option<Signer>>,
    record: RecordOptions,
    clock: Arc<dyn Clock>,
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

/// A copy that left: recorded, on disk.
#[derive(Debug, Clone, Serialize)]
pub struct ReleasedCopy {
    /// The file.
    pub path: PathBuf,
    /// Index of its leaf in the ledger.
    pub ledger_index: u64,
    /// The C2PA manifest of a file that cannot carry it.
    pub sidecar: Option<PathBuf>,
    /// What was done.
    #[serde(flatten)]
    pub relabelling: Relabelling,
    /// What the user should be told.
    #[serde(skip)]
    pub warning: Option<Warning>,
    /// What the user should be told about the ledger.
    #[serde(skip)]
    pub notices: Vec<Notice>,
}

impl<'a> Copies<'a> {
    /// For the folder of the copies, whose C2PA manifests the signer signs. An error while generation is stopped there, which ends
    /// transmission too.
    pub fn of(folder: &Path, existing: Existing, signer: Build<'a, Option<Signer>>, record: RecordOptions) -> Result<Self> {
        Switch::of(&folder.join(LEDGER_FILE), &record.stop_file).check()?;
        Ok(Self { folder: folder.to_owned(), existing, signer, record, clock: Arc::new(SystemClock) })
    }

    /// Adds the propagator's fields to a file and releases it under that name.
    pub fn pass_on(self, source: &Source<'_>, passing: PassingOn<'_>, name: &str) -> Result<ReleasedCopy> {
        let propagator = Propagator::new(passing.propagator_code, (passing.label_key)()?)?;
        let copy = propagator.pass_on(source.bytes, passing.ground, passing.earlier, new_id(self.clock.as_ref())?)?;
        self.take_out(copy, source, name)
    }

    /// Converts a picture and releases it under that name.
    pub fn convert(self, source: &Source<'_>, conversion: &Conversion, name: &str) -> Result<ReleasedCopy> {
        let copy = conversion.convert(source.bytes, new_id(self.clock.as_ref())?)?;
        self.take_out(copy, source, name)
    }

    /// sign → store → log → release, and before them what a crash left in the folder. An error while generation is stopped, and for a suspended
    /// account.
    fn take_out(self, mut copy: Relabelled, source: &Source<'_>, name: &str) -> Result<ReleasedCopy> {
        let RecordOptions { account, vault, stop_file } = self.record;
        store::prepare_folder(&self.folder)?;
        let account = Account::new(&account)?;
        let mut ledger = open_ledger(&self.folder.join(LEDGER_FILE), &vault, self.clock)?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        check_running(&ledger, &stop_file)?;
        strikes::check(&ledger, &account)?;
        let outbox = open_outbox(&self.folder, self.existing, &ledger)?;
        let signer = (self.signer)()?;
        if let Some(signer) = &signer {
            copy = copy.with_credentials(source, signer)?;
        }
        let stored = outbox.put_copy(&copy, name)?;
        let recorded = ledger.append_copy(stored, &account)?;
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        check_running(&ledger, &stop_file)?;
        let path = outbox.release_copy(&recorded)?;
        let warning = signer.filter(credentials::Signer::is_test).map(|_| Warning::TestCertificate);
        let sidecar = copy.sidecar().map(|_| store::sidecar(&path));
        Ok(ReleasedCopy {
            path,
            ledger_index: recorded.leaf_index(),
            sidecar,
            relabelling: copy.relabelling().clone(),
            warning,
            notices: ledger.notices().to_vec(),
        })
    }
}
