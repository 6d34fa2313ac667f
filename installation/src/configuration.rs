mod credentials;

use crate::{ClassifierSettings, Error, ImageSafety, LabelSigning, Result, ScreeningSettings, label_key, watermark_key};
use ::credentials::TrainingUse;
use engine::weights::PackedFolder;
use ledger::{Agreement, Ledger, MINIMUM_RETENTION_DAYS, VaultSettings};
use pipeline::Build;
use policy::{ImageGate, LiveSettings, OnReview, PublicKey, Trust};
use provenance::{Algorithm, LabelKey, LabelPublicKey, Labeller, ProviderCode};
use serde::Deserialize;
use spec::{Sha256Digest, SystemClock};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File that is read from the current folder when no `--config` is given.
const DEFAULT_FILE: &str = "danqing.toml";
/// In the current folder, as the configuration is.
const DEFAULT_STOP_FILE: &str = "danqing-stopped.json";

/// GiB of packed weights that are kept: the largest supported model in two precisions.
const PACKED_WEIGHTS_LIMIT: u64 = 48;

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
    /// The key that seals accounts, recipients and, if so configured, prompts; unset, it lies beside the ledger.
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

    /// The provider code, checked.
    pub fn provider_code(&self) -> Result<Option<ProviderCode>> {
        Ok(self.provider_code.as_deref().map(str::parse::<ProviderCode>).transpose()?)
    }

    /// The propagator's code, checked.
    pub fn propagator_code(&self) -> Result<Option<ProviderCode>> {
        Ok(self.propagator_code.as_deref().map(str::parse::<ProviderCode>).transpose()?)
    }

    /// Where the key that signs labels lies.
    fn label_signing(&self) -> Result<Option<LabelSigning<'_>>> {
        let algorithm = self.label_algorithm.as_deref().map(str::parse::<Algorithm>).transpose()?;
        Ok(self.label_key.as_deref().map(|key| LabelSigning { key, algorithm }))
    }

    /// Whose signatures under labels are trusted.
    pub fn trusted_label_keys(&self) -> Result<Vec<LabelPublicKey>> {
        let key = |text: &String| match std::fs::read_to_string(text) {
            Ok(contents) => contents.parse(),
            Err(_) => text.parse(),
        };
        Ok(self.trusted_label_keys.iter().map(key).collect::<Result<_, provenance::Error>>()?)
    }

    /// What the gate reads, and how it answers.
    pub fn policy(&self) -> Result<LiveSettings> {
        Ok(LiveSettings {
            paths: self.lexicons.clone(),
            trust: trust(&self.trusted_keys)?,
            appeal_contact: self.appeal_contact.clone(),
            on_review: match self.on_review.as_deref() {
                None | Some("refuse") => OnReview::Refuse,
                Some("clear") => OnReview::Clear,
                Some(other) => {
                    let message = format!("on_review is refuse or clear, not {other:?} / on_review 应为 refuse 或 clear，而不是 {other:?}");
                    return Err(Error::configuration(message));
                }
            },
        })
    }

    /// Builds what looks at pictures.
    pub fn image_gate(&self) -> Build<'static, ImageGate> {
        let settings = self.screening();
        Box::new(move || Ok(settings.gate()?))
    }

    /// How pictures are looked at.
    pub fn screening(&self) -> ScreeningSettings {
        ScreeningSettings {
            safety: self.image_safety.clone(),
            classifiers: self.image_classifier.clone(),
            appeal_contact: self.appeal_contact.clone(),
        }
    }

    /// What labels pictures in `folder`, its keys and test certificate made where there are none.
    pub fn labeller(&self, folder: &Path) -> Result<Labeller> {
        store::prepare_folder(folder)?;
        let mut labeller = Labeller::new(self.provider_code()?)?.with_threads(engine::threads());
        if let Some(text) = &self.explicit_label {
            labeller = labeller.with_explicit_text(text)?;
        }
        if let Some(path) = &self.watermark_key {
            labeller = labeller.with_watermark(watermark_key(path)?);
        }
        if let Some(signer) = self.signer(folder)? {
            labeller = labeller.with_credentials(signer, self.c2pa_training_mining);
        }
        if let Some(key) = self.label_key()? {
            labeller = labeller.with_key(key);
        }
        Ok(labeller)
    }

    /// The key that signs labels, made where there is none; none where none is configured.
    pub fn label_key(&self) -> Result<Option<LabelKey>> {
        self.label_signing()?.map(label_key).transpose()
    }

    /// Where packed weights are kept, if anywhere.
    pub fn packed_folder(&self) -> Option<PackedFolder> {
        let folder = match &self.packed_weights {
            Some(folder) if folder.as_os_str() == "off" => return None,
            Some(folder) => folder.clone(),
            None => cache_folder()?.join("danqing").join("packed"),
        };
        let limit = self.packed_weights_limit.unwrap_or(PACKED_WEIGHTS_LIMIT);
        Some(PackedFolder::new(folder, limit.saturating_mul(1 << 30)))
    }

    /// How the personal fields of the ledger in the file `ledger` are sealed.
    pub fn vault(&self, ledger: &Path) -> Result<VaultSettings> {
        Ok(VaultSettings {
            key: self.record_key.clone().unwrap_or_else(|| ledger.with_extension("record-key")),
            prompts: self.prompt_storage.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
            retention_days: self.retention_days.unwrap_or(MINIMUM_RETENTION_DAYS),
        })
    }

    /// The ledger in the file `ledger`, which must be there, with its personal fields readable.
    pub fn ledger(&self, ledger: &Path) -> Result<Ledger> {
        let log = store::SqliteLog::open_existing(ledger)?;
        Ok(Ledger::open(Box::new(log), Arc::new(SystemClock))?.with_vault(&self.vault(ledger)?)?)
    }

    /// Where the stop file lies.
    pub fn stop_file(&self) -> &Path {
        self.stop_file.as_deref().unwrap_or(Path::new(DEFAULT_STOP_FILE))
    }

    /// The agreement in force for copies without explicit label.
    pub fn agreement(&self) -> Result<Agreement> {
        let Some(AgreementFile { version, file }) = &self.article9_agreement else {
            let message = "danqing.toml has no article9_agreement: without an agreement there is no unlabelled copy / danqing.toml 未设置 article9_agreement：没有用户协议，不能提供不含显式标识的副本";
            return Err(Error::configuration(message));
        };
        let text = std::fs::read(file).map_err(|error| Error::file(file, error))?;
        Ok(Agreement { version: version.clone(), sha256: Sha256Digest::of(&text) })
    }

    /// Reads `file`, or `danqing.toml` of the current folder if it exists, or takes the defaults.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { file: path.to_owned(), ..Self::default() });
            }
            Err(error) => return Err(Error::file(path, error)),
        };
        let read: Result<Self, _> = toml::from_str(&text);
        read.map(|configuration| Self { file: path.to_owned(), ..configuration })
            .map_err(|error| Error::configuration(format!("{0} is not valid / 配置文件 {0} 有误：\n{error}", path.display())))
    }
}

/// The user's cache folder: `XDG_CACHE_HOME`, which must be absolute to count, or `.cache` at home.
fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))
}

/// Whose lexicons are accepted: those signed by one of `keys`, hexadecimal or in a file; everybody's if there are none.
pub fn trust<'a>(keys: impl IntoIterator<Item = &'a String>) -> Result<Trust> {
    let key = |text: &String| {
        let read = match std::fs::read_to_string(text) {
            Ok(contents) => contents.parse::<PublicKey>(),
            Err(_) => text.parse(),
        };
        let neither =
            |error| Error::configuration(format!("{text}: not a key, nor a file that holds one / 既不是公钥，也不是含公钥的文件: {error}"));
        read.map_err(neither)
    };
    let keys = keys.into_iter().map(key).collect::<Result<Vec<_>>>()?;
    Ok(if keys.is_empty() { Trust::Anyone } else { Trust::Keys(keys) })
}
