//! The parts that are built from the configuration.
use super::{AgreementFile, Configuration};
use crate::keys::label::{LabelSigning, label_key};
use crate::keys::watermark::{read_watermark_key, watermark_key};
use crate::{Error, Result, ScreeningSettings};
use ledger::Agreement;
use pipeline::Build;
use pipeline::verification::{Question, Settings, WatermarkSearch};
use policy::{ArtifactGate, LiveSettings, OnReview, PublicKey, Trust};
use provenance::{Algorithm, LabelKey, LabelPublicKey, Labeller, ProviderCode};
use spec::Sha256Digest;
use std::path::Path;
use std::sync::Arc;

impl Configuration {
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
    pub fn image_gate(&self) -> Build<'static, ArtifactGate> {
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

    /// What labels pictures in `folder`, its keys and test certificate made where there are none. Where it has a watermark's key, pixels depend
    /// on the ProduceID too: two pictures of one seed differ by their marks.
    pub fn labeller(&self, folder: &Path) -> Result<Labeller> {
        let mut labeller = Labeller::new(self.provider_code()?)?.with_threads(engine::threads());
        if let Some(text) = &self.explicit_label {
            labeller = labeller.with_explicit_text(text)?;
        }
        if let Some(key) = self.watermark_key()? {
            labeller = labeller.with_watermark(key);
        }
        if let Some(signer) = self.signer(folder)? {
            labeller = labeller.with_credentials(signer, self.c2pa_training_mining);
        }
        if let Some(key) = self.label_key()? {
            labeller = labeller.with_key(key);
        }
        Ok(labeller)
    }

    /// The key of the watermark, made where there is none; none where none is configured.
    pub fn watermark_key(&self) -> Result<Option<[u8; 32]>> {
        self.watermark_key.as_deref().map(watermark_key).transpose()
    }

    /// By which rules files are verified, and with which ledger where the configured one is not meant. No key is made: an error where the
    /// watermark's is missing.
    pub fn verification(&self, question: Question, ledger: Option<&Path>, looks_for_watermark: bool) -> Result<Settings> {
        if let Some(path) = ledger.filter(|path| !path.exists()) {
            return Err(Error::LedgerMissing(path.to_owned()));
        }
        let watermark = match &self.watermark_key {
            None => WatermarkSearch::NoKey,
            Some(path) if looks_for_watermark => WatermarkSearch::With(read_watermark_key(path)?),
            Some(_) => WatermarkSearch::No,
        };
        let vault = self.vault(Path::new(""))?;
        let (configured, key_folder) = (self.record_key.clone(), self.key_folder());
        Ok(Settings {
            question,
            ledger: ledger.map(Path::to_owned).or_else(|| self.ledger.clone()),
            vault: Arc::new(move |ledger| ledger::VaultSettings {
                key: super::places::record_key(configured.as_deref(), key_folder.as_deref(), ledger),
                ..vault.clone()
            }),
            trusted_label_keys: self.trusted_label_keys()?,
            anchors: self.credentials_anchors()?,
            watermark,
        })
    }

    /// The key that signs labels, made where there is none; none where none is configured.
    pub fn label_key(&self) -> Result<Option<LabelKey>> {
        self.label_signing()?.map(label_key).transpose()
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
