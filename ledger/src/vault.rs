use crate::vault_key::{self, Master};
use crate::{Account, Error, Record, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use spec::{LogStorage, Secret, SecretId, Sha256Digest, Timestamp};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Fewest days for which records are kept: six months (标识办法 article 9, and the same floor for network logs) have up to 184.
pub const MINIMUM_RETENTION_DAYS: u32 = 184;
const DAY: u64 = 86_400_000;
const NONCE: usize = 24;

/// How a record keeps the prompt, the negative prompt, and the words of them that a verdict quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptStorage {
    /// In clear text, for good.
    #[default]
    Plain,
    /// As keyed digests: whoever has the keys can tell whether a given prompt was the one, until the record is shredded.
    Hashed,
    /// Encrypted, until the record is shredded.
    Encrypted,
}

impl FromStr for PromptStorage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "plain" => Ok(Self::Plain),
            "hashed" => Ok(Self::Hashed),
            "encrypted" => Ok(Self::Encrypted),
            _ => Err(Error::PromptStorageUnknown(text.to_owned())),
        }
    }
}

/// How personal fields are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    /// The file of the key that wraps each record's own key, made where there is none.
    pub key: PathBuf,
    /// How prompts are kept.
    pub prompts: PromptStorage,
    /// Days for which no record can be shredded; at least [`MINIMUM_RETENTION_DAYS`].
    pub retention_days: u32,
}

/// Who receives an unlabelled copy, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Name of the person or organisation.
    pub name: String,
    /// What identifies them, for example a unified social credit code.
    pub identity: String,
    /// What the copy is for.
    pub purpose: String,
}

/// The personal fields of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// The account that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Of an article 9 record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// The prompts and quotes that were taken out of the record, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) texts: Vec<String>,
}

impl Personal {
    pub(crate) fn of(account: &Account) -> Self {
        Self { account: Some(account.as_str().to_owned()), ..Self::default() }
    }
}

/// What stands in a leaf for its personal fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// A pseudonym of the account: the same for the same account, and nothing without the vault's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Id of the secret with the record's own key, 32 hexadecimal digits.
    pub key: String,
    /// Base64 of nonce and ciphertext of [`Personal`].
    pub sealed: String,
    /// Keyed digests of the prompts and quotes that were taken out of the record, where only those are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<Sha256Digest>,
}

/// Seals the personal fields of records, each under a key of its own.
///
/// A record's key lies wrapped in the storage beside the log. Without it nothing of what was sealed can be read; the leaf, which
/// holds the ciphertext, stays as it is, and so do all hashes and proofs.
pub(crate) struct Vault {
    master: Master,
    prompts: PromptStorage,
    retention: u64,
}

impl Vault {
    /// Opens the vault, and says whether its key was made just now.
    pub(crate) fn open(storage: &mut dyn LogStorage, settings: &VaultSettings) -> Result<(Self, bool)> {
        if settings.retention_days < MINIMUM_RETENTION_DAYS {
            return Err(Error::RetentionTooShort { days: settings.retention_days, minimum: MINIMUM_RETENTION_DAYS });
        }
        let (master, made) = vault_key::open(storage, &settings.key)?;
        Ok((Self { master, prompts: settings.prompts, retention: u64::from(settings.retention_days) * DAY }, made))
    }

    /// Opens the vault for reading alone, with a key that must be there.
    pub(crate) fn to_read(storage: &dyn LogStorage, key: &Path) -> Result<Self> {
        let master = vault_key::read(storage, key)?;
        Ok(Self { master, prompts: PromptStorage::Plain, retention: u64::from(MINIMUM_RETENTION_DAYS) * DAY })
    }

    /// When a record of `time` may be shredded.
    pub(crate) fn keep_until(&self, time: Timestamp) -> Timestamp {
        Timestamp(time.0.saturating_add(self.retention))
    }

    /// The pseudonym of an account.
    pub(crate) fn pseudonym(&self, account: &str) -> String {
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            keyed_digest(&self.master.0, &[b"danqing.account.v1\0", account.as_bytes()]).0;
        hexadecimal(first)
    }

    /// Takes the personal fields out of a record and seals them, under the key in the secret, which belongs on disk together with the
    /// leaf.
    pub(crate) fn seal(&self, record: &mut Record, mut personal: Personal, now: Timestamp) -> Result<(Sealed, Secret)> {
        let (id, key) = (vault_key::random::<16>()?, vault_key::random::<32>()?);
        let mut digests = Vec::new();
        if self.prompts != PromptStorage::Plain {
            let texts: Vec<String> = record.texts().into_iter().map(std::mem::take).collect();
            match self.prompts {
                PromptStorage::Hashed => digests = texts.iter().map(|text| text_digest(&key, text)).collect(),
                _ => personal.texts = texts,
            }
        }
        let account = personal.account.as_deref().map(|account| self.pseudonym(account));
        let plain = serde_json::to_vec(&personal).map_err(|error| Error::Unrecordable(error.to_string()))?;
        let sealed = STANDARD.encode(encrypt(&key, &id, &plain)?);
        let content = encrypt(&self.master.0, &id, &key)?;
        let secret = Secret { id, time: now, keep_until: self.keep_until(now), content };
        Ok((Sealed { account, key: hexadecimal(id), sealed, digests }, secret))
    }

    /// The key of a record; `None` if it was shredded.
    fn key(&self, storage: &dyn LogStorage, sealed: &Sealed) -> Result<Option<(SecretId, [u8; 32])>> {
        let id = digits(&sealed.key).ok_or_else(|| unreadable(sealed))?;
        let Some(wrapped) = storage.secret(id)? else { return Ok(None) };
        let key = decrypt(&self.master.0, &id, &wrapped).and_then(|key| key.try_into().ok()).ok_or_else(|| unreadable(sealed))?;
        Ok(Some((id, key)))
    }

    /// The personal fields; `None` if the record was shredded.
    pub(crate) fn unseal(&self, storage: &dyn LogStorage, sealed: &Sealed) -> Result<Option<Personal>> {
        let Some((id, key)) = self.key(storage, sealed)? else { return Ok(None) };
        let bytes = STANDARD.decode(&sealed.sealed).ok().and_then(|bytes| decrypt(&key, &id, &bytes));
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).map(Some).ok_or_else(|| unreadable(sealed))
    }

    /// Whether `text` is one of those whose digests the record keeps; `None` if the record was shredded.
    pub(crate) fn holds(&self, storage: &dyn LogStorage, sealed: &Sealed, text: &str) -> Result<Option<bool>> {
        let Some((_, key)) = self.key(storage, sealed)? else { return Ok(None) };
        Ok(Some(sealed.digests.contains(&text_digest(&key, text))))
    }
}

fn unreadable(sealed: &Sealed) -> Error {
    let key = &sealed.key;
    Error::broken(format!("the personal fields sealed with key {key} cannot be opened"), format!("以密钥 {key} 加密的个人信息字段无法解密"))
}

fn text_digest(key: &[u8; 32], text: &str) -> Sha256Digest {
    keyed_digest(key, &[b"danqing.text.v1\0", text.as_bytes()])
}

fn keyed_digest(key: &[u8; 32], parts: &[&[u8]]) -> Sha256Digest {
    // HMAC fills a shorter key with zeros to the block's 64 bytes.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    Sha256Digest(mac.finalize().into_bytes().into())
}

/// XChaCha20-Poly1305 with a random nonce, which its 192 bits allow; nonce ‖ ciphertext ‖ tag.
pub(crate) fn encrypt(key: &[u8; 32], id: &SecretId, plain: &[u8]) -> Result<Vec<u8>> {
    let nonce = vault_key::random::<NONCE>()?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: id });
    let sealed = sealed.map_err(|_| Error::Unrecordable("too long to encrypt / 过长，无法加密".to_owned()))?;
    Ok([&nonce[..], &sealed].concat())
}

/// The plain text; `None` unless exactly these bytes were made by [`encrypt`] with this key and id.
pub(crate) fn decrypt(key: &[u8; 32], id: &SecretId, bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
    XChaCha20Poly1305::new(key.into()).decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: id }).ok()
}

fn hexadecimal(id: SecretId) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

pub(crate) fn digits(text: &str) -> Option<SecretId> {
    let value = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(value.to_be_bytes())
}
