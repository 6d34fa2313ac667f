//! Where files lie: paths of the configuration count from its own folder, and what it does not place has one default each.
use super::Configuration;
use ledger::{Ledger, MINIMUM_RETENTION_DAYS, VaultSettings};
use pipeline::{LEDGER_FILE, RecordOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{ClassifierSettings, Result};
use engine::weights::PackedFolder;
use spec::SystemClock;

/// The configuration's usual name.
pub const CONFIGURATION_FILE: &str = "danqing.toml";
/// Name of the key of records, wherever it lies.
pub const RECORD_KEY_FILE: &str = "danqing-ledger.record-key";
/// Beside the configuration; in the current folder where there is none.
const STOP_FILE: &str = "danqing-stopped.json";
/// Folder of ours in a user's folder for configuration, data or caches.
const OWN_FOLDER: &str = "danqing";
/// GiB of packed weights that are kept: the largest supported model in two precisions.
const PACKED_WEIGHTS_LIMIT: u64 = 48;

/// Ours in the user's configuration folder, `XDG_CONFIG_HOME` or `.config` at home.
pub fn user_configuration_folder() -> Option<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config")
}

/// Ours in the user's data folder, `XDG_DATA_HOME` or `.local/share` at home.
pub fn user_data_folder() -> Option<PathBuf> {
    user_folder("XDG_DATA_HOME", ".local/share")
}

/// The XDG base directory specification asks to ignore variables that are not absolute.
fn user_folder(variable: &str, at_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(absolute(variable).or_else(|| Some(absolute("HOME")?.join(at_home)))?.join(OWN_FOLDER))
}

/// The configured key; the one beside the ledger, where older installations have it; or the one in the folder of keys.
pub(super) fn record_key(configured: Option<&Path>, key_folder: Option<&Path>, ledger: &Path) -> PathBuf {
    let beside = ledger.with_extension("record-key");
    match (configured, key_folder) {
        (Some(configured), _) => configured.to_owned(),
        (None, Some(folder)) if !beside.exists() => folder.join(RECORD_KEY_FILE),
        _ => beside,
    }
}

impl Configuration {
    /// The ledger of files in `folder`: the configured one, or the one beside them.
    pub fn ledger_of(&self, folder: &Path) -> PathBuf {
        self.ledger.clone().unwrap_or_else(|| folder.join(LEDGER_FILE))
    }

    /// Folder of the keys that are not placed one by one; none for a user without a home.
    pub fn key_folder(&self) -> Option<PathBuf> {
        self.key_folder.clone().or_else(user_configuration_folder)
    }

    /// The key that seals personal fields of the ledger in the file `ledger`.
    pub fn record_key(&self, ledger: &Path) -> PathBuf {
        record_key(self.record_key.as_deref(), self.key_folder().as_deref(), ledger)
    }

    /// How the personal fields of the ledger in the file `ledger` are sealed.
    pub fn vault(&self, ledger: &Path) -> Result<VaultSettings> {
        Ok(VaultSettings {
            key: self.record_key(ledger),
            prompts: self.prompt_storage.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
            retention_days: self.retention_days.unwrap_or(MINIMUM_RETENTION_DAYS),
        })
    }

    /// How files are recorded in the ledger in the file `ledger`, and what stops that.
    pub fn record_options(&self, ledger: &Path) -> Result<RecordOptions> {
        Ok(RecordOptions {
            ledger: ledger.to_owned(),
            ledger_key: self.ledger_key.clone(),
            vault: self.vault(ledger)?,
            stop_file: self.stop_file().to_owned(),
        })
    }

    /// The ledger in the file `ledger`, which must be there, with its personal fields readable.
    pub fn open_ledger(&self, ledger: &Path) -> Result<Ledger> {
        let log = store::SqliteLog::open_existing(ledger)?;
        Ok(Ledger::open(Box::new(log), Arc::new(SystemClock))?.with_vault(&self.vault(ledger)?)?)
    }

    /// Where the stop file lies.
    pub fn stop_file(&self) -> &Path {
        self.stop_file.as_deref().unwrap_or(Path::new(STOP_FILE))
    }

    /// Where packed weights are kept, if anywhere.
    pub fn packed_folder(&self) -> Option<PackedFolder> {
        let folder = match &self.packed_weights {
            Some(folder) if folder.as_os_str() == "off" => return None,
            Some(folder) => folder.clone(),
            None => user_folder("XDG_CACHE_HOME", ".cache")?.join("packed"),
        };
        let limit = self.packed_weights_limit.unwrap_or(PACKED_WEIGHTS_LIMIT);
        Some(PackedFolder::new(folder, limit.saturating_mul(1 << 30)))
    }

    /// Counts relative paths from the folder of the file that names them.
    pub(super) fn place(&mut self) {
        let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_owned) else { return };
        self.stop_file.get_or_insert_with(|| STOP_FILE.into());
        let place = |path: &mut PathBuf| *path = folder.join(&path);
        let single = [
            &mut self.watermark_key,
            &mut self.label_key,
            &mut self.c2pa_certificate,
            &mut self.c2pa_key,
            &mut self.key_folder,
            &mut self.ledger,
            &mut self.ledger_key,
            &mut self.record_key,
            &mut self.stop_file,
        ];
        single.into_iter().flatten().for_each(place);
        self.packed_weights.iter_mut().filter(|path| path.as_os_str() != "off").for_each(place);
        self.lexicons.iter_mut().chain(&mut self.c2pa_trust).for_each(place);
        self.article9_agreement.iter_mut().for_each(|agreement| place(&mut agreement.file));
        for classifier in &mut self.image_classifier {
            match classifier {
                ClassifierSettings::Http { certificate_authority, .. } => certificate_authority.iter_mut().for_each(place),
                ClassifierSettings::Model { folder, .. } => place(folder),
            }
        }
        // A key's own text is no path, and is no file's name either.
        for text in self.trusted_label_keys.iter_mut().chain(&mut self.trusted_keys) {
            let path = folder.join(&*text);
            if let (true, Some(path)) = (path.is_file(), path.to_str()) {
                path.clone_into(text);
            }
        }
    }
}
