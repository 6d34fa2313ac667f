use crate::{Error, Result, switch};
use ledger::{KeyFiles, Ledger, Notice, VaultSettings};
use spec::{Clock, SystemClock, Timestamp};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use store::SqliteLog;

/// The ledger that admission, chain and worker share, and what stops generation. One call at a time looks at it or writes to it.
pub struct SharedLedger {
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Clock>,
    stop_file: PathBuf,
}

/// How records are kept, and what stops generation besides them.
pub struct RecordOptions {
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The secret key that signs its checkpoints, where it does not lie beside the ledger.
    pub ledger_key: Option<PathBuf>,
    /// How account names and, if so configured, prompts are sealed.
    pub vault: VaultSettings,
    /// The file whose presence stops generation.
    pub stop_file: PathBuf,
}

impl SharedLedger {
    /// Opens the ledger, which must continue what its key signed last. An error while generation is stopped.
    pub fn open(options: &RecordOptions) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let path = &options.ledger;
        let ledger = Ledger::open(Box::new(SqliteLog::open(path)?), Arc::clone(&clock))?.with_vault(&options.vault)?;
        ledger.check_last_signed(&KeyFiles::of(path, options.ledger_key.as_deref()))?;
        let shared = Self { ledger: Mutex::new(ledger), clock, stop_file: options.stop_file.clone() };
        shared.check_running()?;
        Ok(shared)
    }

    /// An error while generation is stopped.
    pub fn check_running(&self) -> Result<()> {
        switch::check_file(&self.stop_file)?;
        match self.read(Ledger::halt)? {
            Some(halt) => Err(ledger::Error::from(halt).into()),
            None => Ok(()),
        }
    }

    /// What the user should be told about the ledger.
    pub fn notices(&self) -> Vec<Notice> {
        self.lock().notices().to_vec()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn read<T, E: Into<Error>>(&self, look: impl FnOnce(&Ledger) -> Result<T, E>) -> Result<T> {
        look(&self.lock()).map_err(Into::into)
    }

    pub(crate) fn write<T, E: Into<Error>>(&self, change: impl FnOnce(&mut Ledger) -> Result<T, E>) -> Result<T> {
        change(&mut self.lock()).map_err(Into::into)
    }

    // A panic leaves the ledger as its storage has it: the handle catches up before its next append.
    fn lock(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
