//! `danqing.toml`: what it may say, and how it is read.

mod credentials;
mod parts;
mod places;

pub use parts::trust;
pub use places::{CONFIGURATION_FILE, RECORD_KEY_FILE, user_configuration_folder, user_data_folder};

use crate::{ClassifierSettings, Error, ImageSafety, Result};
use ::credentials::TrainingUse;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What an installation sets once.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// 27-character provider code for the implicit label (GB 45438-2025); unset leaves the field empty and warns.
    pub provider_code: Option<String>,
    /// 27-character code of the service that passes files on, for `danqing label`.
    pub propagator_code: Option<String>,
    /// Text of the explicit label; it must contain 人工智能 or AI, and 生成 or 合成.
    pub explicit_label: Option<String>,
    /// Lexicons of the user's own, asked after the built-in one.
    pub lexicons: Vec<PathBuf>,
    /// File of the invisible watermark's key, made where there is none; without it pictures carry no watermark.
    pub watermark_key: Option<PathBuf>,
    /// File of the key that signs implicit labels, made where there is none; without it `ReservedCode1` stays empty.
    pub label_key: Option<PathBuf>,
    /// `ed25519` or `sm2` (in builds with the feature `gm`).
    pub label_algorithm: Option<String>,
    /// Public keys, or files with them, whose signed labels `danqing verify` calls trusted.
    pub trusted_label_keys: Vec<String>,
    /// Public keys, 64 hexadecimal digits each or a file with them: only packages that one of them signed are accepted. Any package
    /// is where there are none.
    pub trusted_keys: Vec<String>,
    /// Whom a refusal says to appeal to, for example an address.
    pub appeal_contact: Option<String>,
    /// Whether pictures get a signed C2PA manifest; they do where it is not set.
    pub c2pa: Option<bool>,
    /// PEM file with the certificate that signs manifests and those above it; a test certificate is made where it is not set.
    pub c2pa_certificate: Option<PathBuf>,
    /// PEM file with its private key.
    pub c2pa_key: Option<PathBuf>,
    /// What manifests say of training and mining.
    pub c2pa_training_mining: TrainingUse,
    /// PEM files with certificates, of CAs or signers, whose manifests `danqing verify` calls pinned.
    pub c2pa_trust: Vec<PathBuf>,
    /// The one ledger for files in all folders; unset, each folder has its own.
    pub ledger: Option<PathBuf>,
    /// Folder of the keys that are not placed one by one; unset, `danqing` in the user's configuration folder.
    pub key_folder: Option<PathBuf>,
    /// The secret key that signs the ledger's checkpoints; unset, it lies beside the ledger.
    pub ledger_key: Option<PathBuf>,
    /// Folder that packed weights are kept in, so that the next start maps them; `off` keeps none. Unset, `danqing/packed` in the
    /// user's cache folder.
    pub packed_weights: Option<PathBuf>,
    /// The most that packed weights take there, in GiB.
    pub packed_weights_limit: Option<u64>,
    /// Whether and by which thresholds pictures are screened.
    pub image_safety: ImageSafety,
    /// Picture classifiers of the user's own.
    pub image_classifier: Vec<ClassifierSettings>,
    /// The key that seals accounts, recipients and, if so configured, prompts; unset, it lies in the folder of keys, or beside a ledger that
    /// has it there.
    pub record_key: Option<PathBuf>,
    /// How records keep prompts: plain, hashed or encrypted.
    pub prompt_storage: Option<String>,
    /// Days for which no record can be shredded, at least 184.
    pub retention_days: Option<u32>,
    /// The file whose presence stops generation.
    pub stop_file: Option<PathBuf>,
    /// What the gate does with what only asks for review: refuse or clear.
    pub on_review: Option<String>,
    /// The agreement that users accept who apply for a copy without explicit label.
    pub article9_agreement: Option<AgreementFile>,
    /// The file that this was read from, or would have been.
    #[serde(skip)]
    file: PathBuf,
}

/// A version of an agreement, and its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementFile {
    /// As the operator calls it.
    pub version: String,
    /// The text.
    pub file: PathBuf,
}

impl Configuration {
    /// The file that this was read from, or would have been, for naming it.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Reads `file`; or `danqing.toml` of the current folder, or else the user's own, where there is one; or takes the defaults. Relative
    /// paths in the file count from its folder.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let usual = Path::new(CONFIGURATION_FILE);
        let users = user_configuration_folder().map(|folder| folder.join(CONFIGURATION_FILE)).filter(|path| path.exists());
        let path = match (file, users) {
            (Some(file), _) => file.to_owned(),
            (None, Some(users)) if !usual.exists() => users,
            (None, _) => usual.to_owned(),
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { file: path, ..Self::default() });
            }
            Err(error) => return Err(Error::file(&path, error)),
        };
        let read: Result<Self, _> = toml::from_str(&text);
        let mut configuration =
            read.map_err(|error| Error::configuration(format!("{0} is not valid / 配置文件 {0} 有误：\n{error}", path.display())))?;
        configuration.file = path;
        configuration.place();
        Ok(configuration)
    }
}
