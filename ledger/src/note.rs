use crate::{Checkpoint, Error, ORIGIN, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Signature type of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;

/// Begins every signature line: an em dash and a space.
const SIGNATURE: &str = "— ";

/// Begins the text of a secret key, as Go's `sumdb/note` writes it.
const SECRET: &str = "PRIVATE+KEY+";

/// More signature lines than this are refused; C2SP signed-note asks for at least 16.
const MAXIMUM_SIGNATURES: usize = 100;

/// The key that checks a checkpoint's signature. Its text is a C2SP verifier key: `<name>+<id in hexadecimal>+<base64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

/// The key that signs checkpoints. `Debug` shows only the public half.
pub struct SecretKey {
    key: SigningKey,
    verifier: VerifierKey,
}

/// A checkpoint whose signature holds, with the signed note's exact text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    text: String,
}

impl VerifierKey {
    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key): an identifier, not a safeguard.
    fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new_with_prefix(&self.name);
        hasher.update([b'\n', ED25519]);
        hasher.update(self.key.as_bytes());
        let digest = hasher.finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// The text of a signed note; `None` unless this key signed it. Signatures by other keys are ignored, as C2SP signed-note
    /// asks, so that witnesses may add theirs.
    fn open<'note>(&self, note: &'note str) -> Option<&'note str> {
        if note.chars().any(|character| character < ' ' && character != '\n') {
            return None;
        }
        let end = note.rfind("\n\n")? + 1;
        let (text, signatures) = (note.get(..end)?, note.get(end + 1..)?);
        let lines: Vec<&str> = signatures.strip_suffix('\n')?.split('\n').collect();
        if lines.len() > MAXIMUM_SIGNATURES {
            return None;
        }
        let mut signed = false;
        for line in lines {
            let (name, encoded) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
            let bytes = STANDARD.decode(encoded).ok()?;
            let (id, signature) = bytes.split_first_chunk::<4>()?;
            if !is_name(name) || signature.is_empty() {
                return None;
            }
            if name == self.name && *id == self.id() {
                let signature = Signature::from_slice(signature).ok()?;
                self.key.verify_strict(text.as_bytes(), &signature).ok()?;
                signed = true;
            }
        }
        signed.then_some(text)
    }
}

impl SecretKey {
    /// A new key from the system's random numbers. Its name is the ledger's origin.
    pub fn generate() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::Random(error.to_string()))?;
        Ok(Self::from_seed(ORIGIN, &seed))
    }

    fn from_seed(name: &str, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey { name: name.to_owned(), key: key.verifying_key() };
        Self { key, verifier }
    }

    /// The half that others check with.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The secret, to be kept in a file that only its owner reads: `PRIVATE+KEY+<name>+<id>+<base64 of type and seed>`.
    pub fn to_secret_text(&self) -> String {
        format!("{SECRET}{}", key_text(&self.verifier, &self.key.to_bytes()))
    }

    /// Signs a checkpoint. The same checkpoint gets the same bytes each time (RFC 8032).
    pub fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let body = checkpoint.to_string();
        let signature = self.key.sign(body.as_bytes()).to_bytes();
        let line = STANDARD.encode([&self.verifier.id()[..], &signature].concat());
        SignedCheckpoint { checkpoint, text: format!("{body}\n{SIGNATURE}{} {line}\n", self.verifier.name) }
    }
}

impl SignedCheckpoint {
    /// Reads a signed note; an error unless it is a checkpoint of a Danqing ledger that `key` signed.
    pub fn open(text: &str, key: &VerifierKey) -> Result<Self> {
        let checkpoint = key.open(text).and_then(|body| body.parse().ok());
        let checkpoint = checkpoint.ok_or_else(|| Error::CheckpointRejected { key: key.to_string() })?;
        Ok(Self { checkpoint, text: text.to_owned() })
    }

    /// What was signed.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// The signed note.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&key_text(self, self.key.as_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretKey(of {})", self.verifier)
    }
}

/// The text is not a key of this kind.
#[derive(Debug, thiserror::Error)]
#[error("not an Ed25519 key in signed-note format / 不是 signed-note 格式的 Ed25519 密钥")]
pub struct ParseKeyError;

impl FromStr for VerifierKey {
    type Err = ParseKeyError;

    /// Accepts exactly what `Display` writes, white space around it aside.
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (name, bytes) = parse_key(text.trim()).ok_or(ParseKeyError)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| ParseKeyError)?;
        let verifier = Self { name: name.to_owned(), key };
        if verifier.to_string() == text.trim() && !key.is_weak() { Ok(verifier) } else { Err(ParseKeyError) }
    }
}

impl FromStr for SecretKey {
    type Err = ParseKeyError;

    /// Accepts exactly what [`SecretKey::to_secret_text`] writes, white space around it aside.
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (name, seed) = text.trim().strip_prefix(SECRET).and_then(parse_key).ok_or(ParseKeyError)?;
        let key = Self::from_seed(name, &seed);
        if key.to_secret_text() == text.trim() { Ok(key) } else { Err(ParseKeyError) }
    }
}

fn key_text(verifier: &VerifierKey, bytes: &[u8; 32]) -> String {
    let id = u32::from_be_bytes(verifier.id());
    format!("{}+{id:08x}+{}", verifier.name, STANDARD.encode([&[ED25519][..], bytes].concat()))
}

fn parse_key(text: &str) -> Option<(&str, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (name, _id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes: [u8; 33] = STANDARD.decode(encoded).ok()?.try_into().ok()?;
    let (kind, key) = bytes.split_first_chunk::<1>()?;
    (is_name(name) && *kind == [ED25519]).then_some((name, key.try_into().ok()?))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|character| character == '+' || character.is_whitespace() || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::{SecretKey, SignedCheckpoint, VerifierKey};
    use crate::{Checkpoint, Error};
    use spec::Sha256Digest;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(crate::ORIGIN, &[seed; 32])
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { size: 5, root: Sha256Digest::of(b"root") }
    }

    /// The example key pair and note of Go's `sumdb/note` documentation.
    #[test]
    fn notes_of_another_implementation_open() -> Outcome {
        let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let parsed: SecretKey = secret.parse()?;
        assert_eq!((parsed.verifier().to_string(), parsed.to_secret_text()), (public.to_owned(), secret.to_owned()));
        let verifier: VerifierKey = public.parse()?;
        assert_eq!(verifier.open(&format!("{text}\n{line}\n")), Some(text));
        let stranger = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=";
        let both = format!("{text}\n{stranger}\n{line}\n");
        assert_eq!(verifier.open(&both), Some(text), "a signature by an unknown key is ignored");
        assert_eq!(verifier.open(&format!("{text}\n{stranger}\n")), None);
        Ok(())
    }

    #[test]
    fn a_signed_checkpoint_opens_with_its_key_only_and_not_with_any_bit_changed() -> Outcome {
        let signed = key(1).sign(checkpoint());
        let verifier = key(1).verifier().clone();
        assert_eq!(SignedCheckpoint::open(signed.text(), &verifier)?, signed);
        assert_eq!(key(1).sign(checkpoint()), signed, "signing is deterministic");
        let other = SignedCheckpoint::open(signed.text(), key(2).verifier());
        assert!(matches!(other, Err(Error::CheckpointRejected { .. })));
        for place in 0..signed.text().len() {
            for bit in 0..8 {
                let mut bytes = signed.text().as_bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(SignedCheckpoint::open(&changed, &verifier).is_err(), "byte {place}, bit {bit}");
            }
            assert!(SignedCheckpoint::open(signed.text().get(..place).unwrap_or_default(), &verifier).is_err(), "cut at {place}");
        }
        Ok(())
    }

    #[test]
    fn what_is_signed_must_be_a_checkpoint() {
        use ed25519_dalek::Signer as _;
        let key = key(3);
        for body in ["something else\n", "danqing.ledger.v1\n05\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"] {
            let signature = [&key.verifier.id()[..], &key.key.sign(body.as_bytes()).to_bytes()].concat();
            let note = format!("{body}\n— {} {}\n", key.verifier.name, base64::Engine::encode(&super::STANDARD, signature));
            assert_eq!(key.verifier.open(&note), Some(body));
            assert!(SignedCheckpoint::open(&note, &key.verifier).is_err(), "{body}");
        }
    }

    #[test]
    fn keys_round_trip_and_no_other_text_is_one() -> Outcome {
        let (secret, public) = (key(4).to_secret_text(), key(4).verifier().to_string());
        assert_eq!(format!("{public}\n").parse::<VerifierKey>()?.to_string(), public);
        assert_eq!(secret.parse::<SecretKey>()?.to_secret_text(), secret);
        for place in 0..public.len() {
            let mut bytes = public.clone().into_bytes();
            bytes[place] ^= 1;
            assert!(String::from_utf8(bytes)?.parse::<VerifierKey>().is_err(), "byte {place} of {public}");
        }
        assert!(!format!("{:?}", key(4)).contains(&secret[SECRET_DATA..]));
        assert!(public.parse::<SecretKey>().is_err() && secret.parse::<VerifierKey>().is_err());
        assert_ne!(SecretKey::generate()?.to_secret_text(), SecretKey::generate()?.to_secret_text());
        Ok(())
    }

    /// Where the base64 of a secret key's text begins.
    const SECRET_DATA: usize = "PRIVATE+KEY+danqing.ledger.v1+01234567+".len();
}
