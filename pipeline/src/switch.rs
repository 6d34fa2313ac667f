use crate::{Error, Result};
use ledger::{Decision, Ledger};
use serde::{Deserialize, Serialize};
use spec::{SystemClock, Timestamp};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::SqliteLog;

/// The stop switch of one ledger and one installation. Any process may look at it at any time.
///
/// Generation is stopped while the ledger's last word on it is a stop, or the stop file is there: the first binds all who write to that
/// ledger, wherever they run; the second all who run with the same configuration, whatever their ledger.
pub struct Switch {
    ledger: PathBuf,
    stop_file: PathBuf,
    /// Opened at the first look: what comes later is read as it is appended.
    opened: Mutex<Option<Ledger>>,
}

/// What a stop file says. That it is there is what stops; a file that says something else stops too.
#[derive(Debug, Serialize, Deserialize)]
struct Notice {
    since: Timestamp,
    officer: String,
    reason: String,
}

impl Switch {
    /// Of the ledger and the stop file at these paths; neither need be there.
    pub fn of(ledger: &Path, stop_file: &Path) -> Self {
        Self { ledger: ledger.to_owned(), stop_file: stop_file.to_owned(), opened: Mutex::default() }
    }

    /// An error while generation is stopped, and where nobody can tell.
    pub fn check(&self) -> Result<()> {
        check_file(&self.stop_file)?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            // None yet, or one that another thread is just making.
            if std::fs::metadata(&self.ledger).map_or(0, |metadata| metadata.len()) == 0 {
                return Ok(());
            }
            *opened = Some(Ledger::open(Box::new(SqliteLog::open_existing(&self.ledger)?), Arc::new(SystemClock))?);
        }
        match opened.as_ref().map(Ledger::halt).transpose()?.flatten() {
            Some(halt) => Err(ledger::Error::from(halt).into()),
            None => Ok(()),
        }
    }

    /// Writes the stop file, and its folder where that is missing.
    pub fn close(&self, since: Timestamp, decision: &Decision) -> Result<()> {
        let notice = Notice { since, officer: decision.officer.clone(), reason: decision.reason.clone() };
        let write = || {
            let folder = self.stop_file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(&notice)?)?;
            file.as_file().sync_all()?;
            file.persist(&self.stop_file).map_err(|refused| refused.error)
        };
        write().map(drop).map_err(|source| Error::StopFile { path: self.stop_file.clone(), source })
    }

    /// Removes the stop file; `false` if there was none.
    pub fn open(&self) -> Result<bool> {
        match std::fs::remove_file(&self.stop_file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::StopFile { path: self.stop_file.clone(), source }),
        }
    }
}

/// An error where there is a stop file, and where nobody can tell.
pub fn check_file(path: &Path) -> Result<()> {
    let stopped = |since: String, officer: String, reason: String| Err(ledger::Error::Stopped { since, officer, reason }.into());
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::StopFile { path: path.to_owned(), source }),
        Ok(bytes) => match serde_json::from_slice::<Notice>(&bytes) {
            Ok(notice) => stopped(notice.since.to_rfc3339(), notice.officer, notice.reason),
            Err(_) => stopped("?".into(), path.display().to_string(), "?".into()),
        },
    }
}
