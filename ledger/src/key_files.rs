use crate::{Checkpoint, Error, Result, SecretKey, SignedCheckpoint, Snapshot, VerifierKey};
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where a ledger's keys lie.
///
/// ```text
/// danqing-ledger.key              the secret; mode 0600; may be configured to lie elsewhere
/// danqing-ledger.key.checkpoint   the last checkpoint that it signed, always beside it
/// danqing-ledger.vkey             the verifier key; always beside the ledger
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    key: PathBuf,
    verifier: PathBuf,
}

/// What a user should be told about the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyNotice {
    /// It was made just now.
    Made {
        /// The secret.
        key: PathBuf,
        /// The verifier key's file.
        verifier: PathBuf,
    },
    /// Others than its owner may read it.
    Exposed(PathBuf),
}

/// A checkpoint signed by a ledger's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The key that checks it.
    pub verifier: VerifierKey,
    /// What the user should be told.
    pub notices: Vec<KeyNotice>,
}

impl KeyFiles {
    /// The keys of the ledger in the file `ledger`; the secret beside it unless `key` says where.
    pub fn of(ledger: &Path, key: Option<&Path>) -> Self {
        Self { key: key.map_or_else(|| ledger.with_extension("key"), Path::to_owned), verifier: ledger.with_extension("vkey") }
    }

    /// The verifier key that lies beside the ledger.
    pub fn verifier(&self) -> Result<VerifierKey> {
        read(&self.verifier)?.parse().map_err(|_| Error::KeyInvalid { path: self.verifier.clone() })
    }

    /// Signs the snapshot's checkpoint; makes the key if this ledger never had one. Refuses where the snapshot does not
    /// continue what the key signed last, so that no two signed checkpoints contradict each other.
    pub fn sign(&self, snapshot: &Snapshot<'_>) -> Result<Signed> {
        let made = self.make_if_first()?;
        // Held until the end: the last checkpoint must not go back when two processes sign.
        let file = File::open(&self.key).map_err(Error::file(&self.key))?;
        file.lock().map_err(Error::file(&self.key))?;
        let key: SecretKey = read(&self.key)?.parse().map_err(|_| Error::KeyInvalid { path: self.key.clone() })?;
        let verifier = key.verifier().clone();
        if self.verifier.exists() && self.verifier()? != verifier {
            return Err(Error::KeyOfAnother { key: self.key.clone(), verifier: self.verifier.clone() });
        }
        let last = self.last()?.map(|text| SignedCheckpoint::open(&text, &verifier)).transpose()?;
        if let Some(last) = &last {
            snapshot.check_continues(last.checkpoint())?;
        }
        if !self.verifier.exists() {
            write_new(&self.verifier, &format!("{verifier}\n"), Readers::Everybody)?;
        }
        let checkpoint = key.sign(snapshot.checkpoint());
        if last.as_ref() != Some(&checkpoint) {
            replace(&self.last_path(), checkpoint.text())?;
        }
        let mut notices = Vec::new();
        if made {
            notices.push(KeyNotice::Made { key: self.key.clone(), verifier: self.verifier.clone() });
        }
        if is_exposed(&file) {
            notices.push(KeyNotice::Exposed(self.key.clone()));
        }
        Ok(Signed { checkpoint, verifier, notices })
    }

    /// The checkpoint that the key signed last, by the verifier key beside the ledger; `None` where it never signed one.
    pub fn last_signed(&self) -> Result<Option<Checkpoint>> {
        let Some(text) = self.last()? else { return Ok(None) };
        if !self.verifier.exists() {
            return Err(Error::VerifierMissing { verifier: self.verifier.clone(), checkpoint: self.last_path() });
        }
        SignedCheckpoint::open(&text, &self.verifier()?).map(|signed| Some(signed.checkpoint()))
    }

    fn make_if_first(&self) -> Result<bool> {
        if self.key.exists() {
            return Ok(false);
        }
        // A key that is gone must not be replaced unseen: whoever checks with the old one would find every new checkpoint forged.
        if self.verifier.exists() || self.last_path().exists() {
            return Err(Error::KeyMissing { key: self.key.clone(), verifier: self.verifier.clone() });
        }
        write_new(&self.key, &(SecretKey::generate()?.to_secret_text() + "\n"), Readers::Owner)
    }

    fn last_path(&self) -> PathBuf {
        let mut path = OsString::from(&self.key);
        path.push(".checkpoint");
        path.into()
    }

    fn last(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.last_path()) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&self.last_path())(error)),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Readers {
    Owner,
    Everybody,
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::file(path))
}

/// A whole file beside `path` that only its owner may read until told otherwise.
fn beside(path: &Path, text: &str, readers: Readers) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    if readers == Readers::Everybody {
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// Writes a file that must not exist; `false` if another process was first.
pub fn write_new(path: &Path, text: &str, readers: Readers) -> Result<bool> {
    let file = beside(path, text, readers).map_err(Error::file(path))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(Error::file(path)(refused.error)),
    }
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let file = beside(path, text, Readers::Everybody).map_err(Error::file(path))?;
    file.persist(path).map_err(|refused| Error::file(path)(refused.error)).map(drop)
}

#[cfg(unix)]
fn is_exposed(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_file: &File) -> bool {
    false
}

impl fmt::Display for KeyNotice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made { key, verifier } => {
                let (key, verifier) = (key.display(), verifier.display());
                write!(
                    formatter,
                    "made the ledger's signing key {key}: keep a copy in a safe place, and give {verifier} to whoever checks / "
                )?;
                write!(formatter, "已生成账本签名密钥 {key}：请妥善备份，并将 {verifier} 交给核验方")
            }
            Self::Exposed(key) => {
                let key = key.display();
                write!(
                    formatter,
                    "others may read the signing key {key}; run: chmod 600 {key} / 其他用户可读取签名密钥 {key}，请执行 chmod 600"
                )
            }
        }
    }
}
