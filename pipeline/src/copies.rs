use crate::studio::{LEDGER_FILE, check_running, new_id, open_outbox};
use crate::{LabelSigning, RecordOptions, Result, strikes, switch};
use ledger::Ledger;
use provenance::{Conversion, EarlierPropagator, Ground, Propagator, ProviderCode, Relabelled};
use serde::Serialize;
use spec::stage::{RecordedCopy as _, Relabelled as _};
use spec::{Clock, Relabelling, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Existing, Outbox, SqliteLog};

/// The short sentence of files that are there already: relabel → store → log → release.
pub struct Copies {
    outbox: Outbox,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    stop_file: PathBuf,
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
    /// Opens ledger and outbox of a folder, and settles what a crash left there. An error while generation is stopped, which ends
    /// transmission too, and for a suspended account.
    pub fn open(folder: &Path, existing: Existing, record: RecordOptions) -> Result<Self> {
        let RecordOptions { account, vault, stop_file } = record;
        switch::check_file(&stop_file)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        store::prepare_folder(folder)?;
        let log = SqliteLog::open(&folder.join(LEDGER_FILE))?;
        let ledger = Ledger::open(Box::new(log), Arc::clone(&clock))?.with_vault(&vault)?.on_behalf_of(&account)?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        check_running(&ledger, &stop_file)?;
        strikes::check(&ledger, &account)?;
        let outbox = open_outbox(folder, existing, &ledger)?;
        Ok(Self { outbox, ledger, clock, stop_file })
    }

    /// Adds the propagator's fields to a file and releases it under that name.
    pub fn pass_on(&mut self, bytes: &[u8], passing: PassingOn<'_>, name: &str) -> Result<ReleasedCopy> {
        self.outbox.check_name(name)?;
        let key = passing.label_signing.map(crate::label_key::label_key).transpose()?;
        let propagator = Propagator::new(passing.propagator_code, key)?;
        let copy = propagator.pass_on(bytes, passing.ground, passing.earlier, new_id(self.clock.as_ref())?)?;
        self.take_out(&copy, name)
    }

    /// Converts a picture and releases it under that name.
    pub fn convert(&mut self, bytes: &[u8], conversion: &Conversion, name: &str) -> Result<ReleasedCopy> {
        self.outbox.check_name(name)?;
        let copy = conversion.convert(bytes, new_id(self.clock.as_ref())?)?;
        self.take_out(&copy, name)
    }

    fn take_out(&mut self, copy: &Relabelled, name: &str) -> Result<ReleasedCopy> {
        let stored = self.outbox.put_copy(copy, name)?;
        let recorded = self.ledger.append_copy(stored)?;
        // A stop that came just now keeps the file hidden; the first start after its end releases it.
        check_running(&self.ledger, &self.stop_file)?;
        let path = self.outbox.release_copy(&recorded)?;
        Ok(ReleasedCopy { path, ledger_index: recorded.leaf_index(), relabelling: copy.relabelling().clone() })
    }
}
