use crate::Error;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use spec::hexadecimal;
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
        hexadecimal::to_text(&self.0.to_bytes())
    }

    pub(crate) fn sign(&self, message: &str) -> String {
        hexadecimal::to_text(&self.0.sign(format!("{DOMAIN}{message}").as_bytes()).to_bytes())
    }
}

impl PublicKey {
    pub(crate) fn verifies(&self, message: &str, signature: &str) -> bool {
        let Some(signature) = hexadecimal::to_bytes::<64>(signature) else { return false };
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(format!("{DOMAIN}{message}").as_bytes(), &Signature::from_bytes(&signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hexadecimal::to_text(&self.0))
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
        let key = hexadecimal::to_bytes::<32>(text.trim()).ok_or(Error::KeyInvalid)?;
        VerifyingKey::from_bytes(&key).map_err(|_| Error::KeyInvalid)?;
        Ok(Self(key))
    }
}

impl FromStr for SecretKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self(SigningKey::from_bytes(&hexadecimal::to_bytes(text.trim()).ok_or(Error::KeyInvalid)?)))
    }
}
