use crate::Error;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Bytes that a signature is over begin with this, so that one made for another purpose never fits.
const DOMAIN: &str = "danqing-lexicon-package-v2\n";

/// Who vouches for a lexicon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It is part of this program.
    Builtin,
    /// A package whose signature by this key holds.
    Signed(PublicKey),
    /// Nobody.
    Unsigned,
}

/// Whose lexicons are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Anyone's, and unsigned ones; a signature that is there must still hold.
    #[default]
    Anyone,
    /// Only packages signed by one of these keys.
    Keys(Vec<PublicKey>),
}

impl Trust {
    pub(crate) fn check(&self, origin: &Origin, path: &Path) -> Result<(), Error> {
        let refused = |english: String, chinese: &str| Error::PackageUntrusted {
            path: path.display().to_string(),
            english,
            chinese: chinese.to_owned(),
        };
        match (self, origin) {
            (Self::Anyone, _) | (_, Origin::Builtin) => Ok(()),
            (Self::Keys(keys), Origin::Signed(key)) if keys.contains(key) => Ok(()),
            (Self::Keys(_), Origin::Signed(key)) => {
                Err(refused(format!("it is signed by {key}, which is not a trusted key"), "签名者不在受信任的公钥之列"))
            }
            (Self::Keys(_), Origin::Unsigned) => Err(refused(
                "it is not signed, and only signed packages are accepted here".to_owned(),
                "该词库未签名，而此处只接受签名词库",
            )),
        }
    }
}

/// An Ed25519 public key, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 secret key, written as 64 hexadecimal digits. Its `Debug` shows only the public half.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key from the system's random numbers.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The half that others check with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The secret, to be kept in a file that only its owner reads.
    pub fn to_hexadecimal(&self) -> String {
        hexadecimal(&self.0.to_bytes())
    }

    pub(crate) fn sign(&self, message: &str) -> String {
        hexadecimal(&self.0.sign(format!("{DOMAIN}{message}").as_bytes()).to_bytes())
    }
}

impl PublicKey {
    pub(crate) fn verifies(&self, message: &str, signature: &str) -> bool {
        let Some(signature) = bytes::<64>(signature) else { return false };
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(format!("{DOMAIN}{message}").as_bytes(), &Signature::from_bytes(&signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hexadecimal(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretKey(of {})", self.public())
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let key = bytes::<32>(text.trim()).ok_or(Error::KeyInvalid)?;
        VerifyingKey::from_bytes(&key).map_err(|_| Error::KeyInvalid)?;
        Ok(Self(key))
    }
}

impl FromStr for SecretKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self(SigningKey::from_bytes(&bytes(text.trim()).ok_or(Error::KeyInvalid)?)))
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
