#[cfg(feature = "gm")]
use super::sm2;
use super::{bytes, hexadecimal};
use crate::Error;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How labels are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    #[default]
    Ed25519,
    /// SM3withSM2 (GB/T 32918, GB/T 32905) with the default signer id. Only builds with the feature `gm` can use it.
    Sm2,
}

impl Algorithm {
    /// Object identifier, as it stands in the security data.
    pub fn oid(self) -> &'static str {
        match self {
            Self::Ed25519 => "1.3.101.112",
            Self::Sm2 => "1.2.156.10197.1.501",
        }
    }

    pub(super) fn of_oid(oid: &str) -> Option<Self> {
        [Self::Ed25519, Self::Sm2].into_iter().find(|algorithm| algorithm.oid() == oid)
    }

    /// Whether this build can sign and check with it.
    pub fn is_built_in(self) -> bool {
        self == Self::Ed25519 || cfg!(feature = "gm")
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = [Self::Ed25519, Self::Sm2].into_iter().find(|algorithm| algorithm.name() == text);
        let algorithm = found
            .ok_or_else(|| Error::LabelKeyInvalid {
                english: "the algorithms are ed25519 and sm2", chinese: "算法应为 ed25519 或 sm2"
            })?;
        if algorithm.is_built_in() { Ok(algorithm) } else { Err(Error::GmNotBuiltIn) }
    }
}

/// The secret that signs labels. Its text is `ed25519:` or `sm2:` and 64 hexadecimal digits; `Debug` shows only the public half.
#[derive(Clone)]
pub struct LabelKey {
    secret: Secret,
    public: LabelPublicKey,
}

#[derive(Clone)]
enum Secret {
    Ed25519(Box<SigningKey>),
    #[cfg(feature = "gm")]
    Sm2(Box<sm2::Secret>),
}

impl LabelKey {
    /// The key whose secret is `seed`, which must be random; an error where the build lacks the algorithm, or in the case (one in 2³²)
    /// that the bits are no SM2 key.
    pub fn from_seed(algorithm: Algorithm, seed: [u8; 32]) -> Result<Self, Error> {
        match algorithm {
            Algorithm::Ed25519 => {
                let key = SigningKey::from_bytes(&seed);
                let public = LabelPublicKey { algorithm, bytes: key.verifying_key().to_bytes().to_vec() };
                Ok(Self { secret: Secret::Ed25519(Box::new(key)), public })
            }
            #[cfg(feature = "gm")]
            Algorithm::Sm2 => {
                let key = sm2::Secret::new(&seed).ok_or(WRONG_KEY)?;
                let public = LabelPublicKey { algorithm, bytes: key.public() };
                Ok(Self { secret: Secret::Sm2(Box::new(key)), public })
            }
            #[cfg(not(feature = "gm"))]
            Algorithm::Sm2 => Err(Error::GmNotBuiltIn),
        }
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm
    }

    /// The half that others check with.
    pub fn public(&self) -> &LabelPublicKey {
        &self.public
    }

    /// The same message gets the same signature each time.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            #[cfg(feature = "gm")]
            Secret::Sm2(key) => key.sign(message),
        }
    }
}

const WRONG_KEY: Error = Error::LabelKeyInvalid {
    english: "a key is ed25519: or sm2: and hexadecimal digits, 64 of a secret",
    chinese: "密钥应为 ed25519: 或 sm2: 加十六进制数字，私钥为 64 位",
};

impl FromStr for LabelKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (algorithm, bytes) = parse(text)?;
        Self::from_seed(algorithm, bytes.try_into().map_err(|_| WRONG_KEY)?)
    }
}

/// The key that checks labels. Its text is `ed25519:` and 64 hexadecimal digits, or `sm2:` and 130, of the point 04 ‖ x ‖ y.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelPublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl LabelPublicKey {
    /// A key in any of the encodings seen in labels; nothing where it is none, or of an algorithm that this build lacks.
    pub(super) fn new(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let bytes = match algorithm {
            Algorithm::Ed25519 => {
                let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
                (!key.is_weak()).then(|| key.to_bytes().to_vec())?
            }
            #[cfg(feature = "gm")]
            Algorithm::Sm2 => sm2::point(bytes)?,
            #[cfg(not(feature = "gm"))]
            Algorithm::Sm2 => return None,
        };
        Some(Self { algorithm, bytes })
    }

    /// The algorithm that it checks with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key in its one canonical encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => {
                let key = self.bytes.as_slice().try_into().ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
                let signature = Signature::from_slice(signature).ok();
                key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
            }
            #[cfg(feature = "gm")]
            Algorithm::Sm2 => sm2::verifies(&self.bytes, message, signature),
            #[cfg(not(feature = "gm"))]
            Algorithm::Sm2 => false,
        }
    }
}

impl FromStr for LabelPublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (algorithm, bytes) = parse(text)?;
        Self::new(algorithm, &bytes).ok_or(WRONG_KEY)
    }
}

impl fmt::Display for LabelPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm, hexadecimal(&self.bytes))
    }
}

impl Serialize for LabelPublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for LabelKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LabelKey(of {})", self.public)
    }
}

fn parse(text: &str) -> Result<(Algorithm, Vec<u8>), Error> {
    let (name, digits) = text.trim().split_once(':').ok_or(WRONG_KEY)?;
    Ok((name.parse()?, bytes(digits).ok_or(WRONG_KEY)?))
}
