//! SM3withSM2 (GB/T 32918.2, GM/T 0009): keys and signatures in the encodings seen in labels.

use ::sm2::dsa::signature::{Signer as _, Verifier as _};
use ::sm2::dsa::{Signature, SigningKey, VerifyingKey};
use ::sm2::elliptic_curve::sec1::ToEncodedPoint as _;
use ::sm2::{PublicKey, SecretKey};

/// Default signer id of GM/T 0009.
const SIGNER_ID: &str = "1234567812345678";
/// What precedes the point in a SubjectPublicKeyInfo of this curve (DER; id-ecPublicKey, sm2p256v1).
const KEY_INFO_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82,
    0x2d, 0x03, 0x42, 0x00,
];

#[derive(Clone)]
pub(super) struct Secret(SigningKey);

impl Secret {
    pub(super) fn new(seed: &[u8; 32]) -> Option<Self> {
        let key = SecretKey::from_slice(seed).ok()?;
        SigningKey::new(SIGNER_ID, &key).ok().map(Self)
    }

    /// 04 ‖ x ‖ y.
    pub(super) fn public(&self) -> Vec<u8> {
        self.0.verifying_key().as_affine().to_encoded_point(false).as_bytes().to_vec()
    }

    /// DER, as producers write it.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        let bytes = signature.to_bytes();
        let (r, s) = bytes.split_at(32);
        let body = [integer(r), integer(s)].concat();
        // Two integers of at most 35 bytes each: a length of one byte holds them.
        [&[0x30, body.len() as u8], body.as_slice()].concat()
    }
}

/// The point 04 ‖ x ‖ y of a key given so, without the 04, compressed, or as SubjectPublicKeyInfo.
pub(super) fn point(bytes: &[u8]) -> Option<Vec<u8>> {
    let bytes = bytes.strip_prefix(&KEY_INFO_PREFIX).unwrap_or(bytes);
    let key = match bytes.len() {
        64 => PublicKey::from_sec1_bytes(&[&[4], bytes].concat()),
        _ => PublicKey::from_sec1_bytes(bytes),
    };
    Some(key.ok()?.to_encoded_point(false).as_bytes().to_vec())
}

/// Whether `signature`, DER or r ‖ s, is the key's over `message`.
pub(super) fn verifies(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKey::from_sec1_bytes(point).ok().and_then(|key| VerifyingKey::new(SIGNER_ID, key).ok());
    let bytes = if signature.len() == 64 { signature.try_into().ok() } else { from_der(signature) };
    let signature = bytes.and_then(|bytes: [u8; 64]| Signature::from_slice(&bytes).ok());
    key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
}

/// A DER INTEGER of a positive big-endian number.
fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len().saturating_sub(1));
    let digits = number.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    [&[2, (sign.len() + digits.len()) as u8], sign, digits].concat()
}

fn from_der(der: &[u8]) -> Option<[u8; 64]> {
    let (&[0x30, length], body) = der.split_first_chunk::<2>()? else { return None };
    if usize::from(length) != body.len() {
        return None;
    }
    let (r, rest) = take_integer(body)?;
    let (s, rest) = take_integer(rest)?;
    let mut both = [0; 64];
    both.get_mut(..32)?.copy_from_slice(&r);
    both.get_mut(32..)?.copy_from_slice(&s);
    rest.is_empty().then_some(both)
}

fn take_integer(der: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (&[2, length], rest) = der.split_first_chunk::<2>()? else { return None };
    let (digits, rest) = rest.split_at_checked(usize::from(length))?;
    let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
    let mut number = [0; 32];
    number.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some((number, rest))
}
