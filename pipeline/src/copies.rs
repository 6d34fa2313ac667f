use crate::studio::{LEDGER_FILE, check_running, new_id, open_outbox};
use crate::{LabelSigning, RecordOptions, Result, Switch, strikes};
use ledger::Ledger;
use provenance::{Conversion, EarlierPropagator, Ground, Propagator, ProviderCode, Relabelled};
use serde::Serialize;
use spec::stage::{RecordedCopy as _, Relabelled as _};
use spec::{Clock, Relabelling, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Existing, SqliteLog};

/// The short sentence of files that are there already: relabel → store → log → release. Folder, ledger and outbox are opened when there
/// is something to store: a file that cannot be copied leaves nothing behind.
pub struct Copies {
    folder: PathBuf,
    existing: Existing,
    record: RecordOptions,
    clock: Arc<dyn Clock>,
}

/// Who passes a file on, and on what ground.
pub struct PassingOn<'a> {
    /// The propagator's code.
    pub propagator_code: ProviderCode,
    /// The key that signs the propagator's fields.
    pub label_signing: Option<LabelSigning<'a>>,
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
    /// What was done.
    #[serde(flatten)]
    pub relabelling: Relabelling,
}

impl Copies {
    /// For the folder of the copies. An error while generation is stopped there, which ends transmission too.
    pub fn of(folder: &Path, existing: Existing, record: RecordOptions) -> Result<Self> {
        Switch::of(&folder.join(LEDGER_FILE), &record.stop_file).check()?;
        Ok(Self { folder: folder.to_owned(), existing, record, clock: Arc::new(SystemClock) })
    }

    /// Adds the propagator's fields to a file and releases it under that name.
    pub fn pass_on(self, bytes: &[u8], passing: PassingOn<'_>, name: &str) -> Result<ReleasedCopy> {
        let key = passing.label_signing.map(crate::label_key::label_key).transpose()?;
        let propagator = Propagator::new(passing.propagator_code, key)?;
        let copy = propagator.pass_on(bytes, passing.ground, passing.earlier, new_id(self.clock.as_ref())?)?;
        self.take_out(&copy, name)
    }

    /// Converts a picture and releases it under that name.
    pub fn convert(self, bytes: &[u8], conversion: &Conversion, name: &str) -> Result<ReleasedCopy> {
        let copy = conversion.convert(bytes, new_id(self.clock.as_ref())?)?;
        self.take_out(&copy, name)
    }

    /// store → log → release, and before them what a crash left in the folder. An error while generation is stopped, and for a suspended
    /// account.
    fn take_out(self, copy: &Relabelled, name: &str) -> Result<ReleasedCopy> {
        let RecordOptions { account, vault, stop_file } = self.record;
        store::prepare_folder(&self.folder)?;
        let log = SqliteLog::open(&self.folder.join(LEDGER_FILE))?;
        let mut ledger = Ledger::open(Box::new(log), self.clock)?.with_vault(&vault)?.on_behalf_of(&account)?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        check_running(&ledger, &stop_file)?;
        strikes::check(&ledger, &account)?;
        let outbox = open_outbox(&self.folder, self.existing, &ledger)?;
        outbox.check_name(name)?;
        let stored = outbox.put_copy(copy, name)?;
        let recorded = ledger.append_copy(stored)?;
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        check_running(&ledger, &stop_file)?;
        let path = outbox.release_copy(&recorded)?;
        Ok(ReleasedCopy { path, ledger_index: recorded.leaf_index(), relabelling: copy.relabelling().clone() })
    }
}
