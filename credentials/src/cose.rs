//! COSE_Sign1 (RFC 9052) with a detached payload, and the certificate chain of RFC 9360, as C2PA uses them.
use crate::cbor::{Value, text};

/// COSE_Sign1's tag.
const SIGN1: u64 = 18;
/// Header labels: algorithm; certificate chain.
const ALGORITHM: u64 = 1;
const CHAIN: u64 = 33;

/// Signature algorithms that are made and checked; C2PA allows a few more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    Ed25519,
}

impl Algorithm {
    /// The negative number of the COSE registry, as `-1 - n`.
    fn number(self) -> u64 {
        match self {
            Self::Es256 => 6,
            Self::Ed25519 => 7,
        }
    }
}

/// A signature as it was read.
pub(crate) struct Sign1 {
    protected: Vec<u8>,
    /// Nothing for an algorithm that is not checked here.
    pub(crate) algorithm: Option<Algorithm>,
    /// DER certificates, the signer's first.
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) signature: Vec<u8>,
    /// An RFC 3161 stamp is there. It is not checked.
    pub(crate) has_time_stamp: bool,
}

/// The signature box's content: `sign` gets the bytes to sign.
pub(crate) fn sign(algorithm: Algorithm, chain: &[Vec<u8>], claim: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let certificates = match chain {
        [only] => Value::Bytes(only.clone()),
        several => Value::Array(several.iter().cloned().map(Value::Bytes).collect()),
    };
    let protected =
        Value::Map(vec![(Value::Unsigned(ALGORITHM), Value::Negative(algorithm.number())), (Value::Unsigned(CHAIN), certificates)])
            .encode();
    let signature = sign(&to_be_signed(&protected, claim));
    let content = vec![Value::Bytes(protected), Value::Map(Vec::new()), Value::Null, Value::Bytes(signature)];
    Value::Tag(SIGN1, Box::new(Value::Array(content))).encode()
}

fn to_be_signed(protected: &[u8], claim: &[u8]) -> Vec<u8> {
    let parts = [text("Signature1"), Value::Bytes(protected.to_vec()), Value::Bytes(Vec::new()), Value::Bytes(claim.to_vec())];
    Value::Array(parts.to_vec()).encode()
}

impl Sign1 {
    /// Nothing for what is no COSE_Sign1 with a detached payload.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let Value::Tag(SIGN1, content) = Value::decode(bytes)? else { return None };
        let [Value::Bytes(protected), unprotected @ Value::Map(_), Value::Null, Value::Bytes(signature)] = content.items() else {
            return None;
        };
        let header = Value::decode(protected)?;
        let algorithm = match header.get_number(ALGORITHM)? {
            Value::Negative(6) => Some(Algorithm::Es256),
            Value::Negative(7) => Some(Algorithm::Ed25519),
            _ => None,
        };
        // Claims of version 1 had the chain unprotected and under a name.
        let places = [&header, unprotected];
        let chain = places.iter().find_map(|header| header.get_number(CHAIN).or_else(|| header.get("x5chain")))?;
        let chain = match chain {
            Value::Bytes(only) => vec![only.clone()],
            several => several.items().iter().map(|item| item.as_bytes().map(<[u8]>::to_vec)).collect::<Option<_>>()?,
        };
        let has_time_stamp = ["sigTst", "sigTst2"].iter().any(|name| unprotected.get(name).is_some());
        Some(Self { protected: protected.clone(), algorithm, chain, signature: signature.clone(), has_time_stamp })
    }

    pub(crate) fn signed_bytes(&self, claim: &[u8]) -> Vec<u8> {
        to_be_signed(&self.protected, claim)
    }
}
