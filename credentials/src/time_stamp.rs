//! The signature of a time stamp (RFC 3161): CMS `SignedData` (RFC 5652) by RSA (PKCS #1 v1.5) or ECDSA on P-256, up to a pinned certificate.
//! Its imprint and its time are read by the room `ledger`.

use crate::Anchors;
use crate::certificate::{self, ECDSA_WITH_SHA256};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::elliptic_curve::bigint::U4096;
use p256::elliptic_curve::bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{DateTime, Decode as _, Encode as _};
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
const KEY_IDENTIFIER: u8 = 0x80;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");

/// Certificates above the signer's that are looked at.
const MAXIMUM_DEPTH: usize = 8;
/// Bytes of an RSA modulus that are accepted: 2048 to 4096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// What the signature of a time stamp is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeStampSignature {
    /// It holds, and its certificate is pinned, or issued under one that is.
    Pinned {
        /// The certificate's subject.
        signer: String,
    },
    /// It holds, by a certificate that nothing pinned vouches for.
    UnknownSigner {
        /// The certificate's subject.
        signer: String,
    },
    /// It, or one in the chain above it, is of an algorithm that is not checked here.
    Unsupported,
    /// It does not hold, or its certificate may not sign time stamps, or not at that time.
    Invalid,
}

/// Judges the signature of a `TimeStampResp` in DER. It covers the imprint and the time that the response names; that these are about
/// the right thing is for the caller to say. No certificate is asked for its revocation.
pub fn verify_time_stamp(response: &[u8], anchors: &Anchors) -> TimeStampSignature {
    judge(response, anchors).unwrap_or(TimeStampSignature::Invalid)
}

/// `None` for everything that is malformed or does not hold.
fn judge(response: &[u8], anchors: &Anchors) -> Option<TimeStampSignature> {
    let token = Token::read(response)?;
    let pinned: Vec<Certificate> = anchors.ders().iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let known: Vec<&Certificate> = token.certificates.iter().chain(&pinned).collect();
    let signer = *known.iter().find(|certificate| token.is_by(certificate))?;
    let Some(hash) = Hash::of(&token.digest_algorithm) else { return Some(TimeStampSignature::Unsupported) };
    let attribute = |kind: ObjectIdentifier| token.attribute(kind);
    let (content_type, []) = take(OBJECT_IDENTIFIER, attribute(CONTENT_TYPE)?)? else { return None };
    let (digest, []) = take(OCTET_STRING, attribute(MESSAGE_DIGEST)?)? else { return None };
    if content_type != TST_INFO.as_bytes() || digest != hash.digest(token.content) || !token.names(signer) {
        return None;
    }
    let time = token.time()?;
    if !may_stamp(signer) || !was_valid(signer, time) {
        return None;
    }
    // Signed as a SET, though stored under a tag of its own (RFC 5652 §5.4).
    let mut attributes = token.signed_attributes.to_vec();
    *attributes.first_mut()? = SET;
    let key = &signer.tbs_certificate.subject_public_key_info;
    match verifies(&token.signature_algorithm, Some(hash), key, &attributes, token.signature) {
        Verified::Yes => {}
        Verified::No => return None,
        Verified::Unsupported => return Some(TimeStampSignature::Unsupported),
    }
    let name = signer.tbs_certificate.subject.to_string();
    let (mut top, mut unsupported) = (signer, false);
    for _ in 0..MAXIMUM_DEPTH {
        if pinned.contains(top) {
            return Some(TimeStampSignature::Pinned { signer: name });
        }
        let above = known.iter().find(|issuer| match issued(top, issuer) {
            Verified::Yes => was_valid(issuer, time) && **issuer != top,
            Verified::No => false,
            Verified::Unsupported => {
                unsupported = true;
                false
            }
        });
        match above {
            Some(above) => top = above,
            None => break,
        }
    }
    Some(if unsupported { TimeStampSignature::Unsupported } else { TimeStampSignature::UnknownSigner { signer: name } })
}

/// The parts of a time-stamp token.
struct Token<'a> {
    /// The `TSTInfo`.
    content: &'a [u8],
    certificates: Vec<Certificate>,
    /// Issuer and serial number, or key identifier: tag and contents.
    signer: (u8, &'a [u8]),
    digest_algorithm: ObjectIdentifier,
    signed_attributes: &'a [u8],
    signature_algorithm: ObjectIdentifier,
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    fn read(response: &'a [u8]) -> Option<Self> {
        let (response, []) = take(SEQUENCE, response)? else { return None };
        let (_status, token) = take(SEQUENCE, response)?;
        let (token, []) = take(SEQUENCE, token)? else { return None };
        let (kind, rest) = take(OBJECT_IDENTIFIER, token)?;
        let (wrapped, []) = take(CONTEXT_0, rest)? else { return None };
        let (signed, []) = take(SEQUENCE, wrapped)? else { return None };
        let (_version, rest) = take(INTEGER, signed)?;
        let (_algorithms, rest) = take(SET, rest)?;
        let (content, rest) = take(SEQUENCE, rest)?;
        let (content_kind, content) = take(OBJECT_IDENTIFIER, content)?;
        let (content, []) = take(CONTEXT_0, content)? else { return None };
        let (content, []) = take(OCTET_STRING, content)? else { return None };
        if kind != SIGNED_DATA.as_bytes() || content_kind != TST_INFO.as_bytes() {
            return None;
        }
        let (mut certificates, mut rest) = (Vec::new(), rest);
        if let Some((mut ders, after)) = take(CONTEXT_0, rest) {
            rest = after;
            while !ders.is_empty() {
                let (der, after) = whole(SEQUENCE, ders)?;
                certificates.extend(Certificate::from_der(der).ok());
                ders = after;
            }
        }
        if let Some((_revocations, after)) = take(CONTEXT_1, rest) {
            rest = after;
        }
        let (signers, []) = take(SET, rest)? else { return None };
        // One, as RFC 3161 §2.4.2 has it.
        let (signer, []) = take(SEQUENCE, signers)? else { return None };
        let (_version, rest) = take(INTEGER, signer)?;
        let (by, rest) = match take(SEQUENCE, rest) {
            Some((issuer_and_serial, rest)) => ((SEQUENCE, issuer_and_serial), rest),
            None => take(KEY_IDENTIFIER, rest).map(|(identifier, rest)| ((KEY_IDENTIFIER, identifier), rest))?,
        };
        let (digest_algorithm, rest) = algorithm(rest)?;
        let (signed_attributes, rest) = whole(CONTEXT_0, rest)?;
        let (signature_algorithm, rest) = algorithm(rest)?;
        let (signature, _unsigned) = take(OCTET_STRING, rest)?;
        Some(Self { content, certificates, signer: by, digest_algorithm, signed_attributes, signature_algorithm, signature })
    }

    /// Whether the signer's identifier is that of this certificate.
    fn is_by(&self, certificate: &Certificate) -> bool {
        let body = &certificate.tbs_certificate;
        match self.signer {
            (SEQUENCE, issuer_and_serial) => {
                let both = body.issuer.to_der().and_then(|issuer| Ok([issuer, body.serial_number.to_der()?].concat()));
                both.is_ok_and(|both| both == issuer_and_serial)
            }
            (_, identifier) => {
                let own = body.get::<SubjectKeyIdentifier>().ok().flatten();
                own.is_some_and(|(_, own)| own.0.as_bytes() == identifier)
            }
        }
    }

    /// The one value of a signed attribute that is there once.
    fn attribute(&self, kind: ObjectIdentifier) -> Option<&'a [u8]> {
        let (mut attributes, _) = take(CONTEXT_0, self.signed_attributes)?;
        let mut found = None;
        while !attributes.is_empty() {
            let (attribute, rest) = take(SEQUENCE, attributes)?;
            let (of, values) = take(OBJECT_IDENTIFIER, attribute)?;
            if of == kind.as_bytes() {
                let (values, []) = take(SET, values)? else { return None };
                if found.replace(values).is_some() {
                    return None;
                }
            }
            attributes = rest;
        }
        found
    }

    /// Whether the certificate that the attributes name by digest (RFC 5816) is this one; the older attribute with SHA-1 is not read.
    fn names(&self, certificate: &Certificate) -> bool {
        let Some(value) = self.attribute(SIGNING_CERTIFICATE_V2) else { return true };
        let matches = || -> Option<bool> {
            let (list, _) = take(SEQUENCE, value)?;
            let (ids, _policies) = take(SEQUENCE, list)?;
            let (id, _more) = take(SEQUENCE, ids)?;
            // SHA-256 where none is named.
            let (hash, rest) = match algorithm(id) {
                Some((named, rest)) => (Hash::of(&named)?, rest),
                None => (Hash::Sha256, id),
            };
            let (digest, _issuer) = take(OCTET_STRING, rest)?;
            Some(digest == hash.digest(&certificate.to_der().ok()?))
        };
        matches().unwrap_or(false)
    }

    /// `genTime`, in seconds since 1970.
    fn time(&self) -> Option<u64> {
        let (info, []) = take(SEQUENCE, self.content)? else { return None };
        let (_version, rest) = take(INTEGER, info)?;
        let (_policy, rest) = take(OBJECT_IDENTIFIER, rest)?;
        let (_imprint, rest) = take(SEQUENCE, rest)?;
        let (_serial, rest) = take(INTEGER, rest)?;
        let (time, _) = take(GENERALIZED_TIME, rest)?;
        let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
        let year = text.get(..4)?.parse().ok()?;
        let time = DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?).ok()?;
        Some(time.unix_duration().as_secs())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(algorithm: &ObjectIdentifier) -> Option<Self> {
        // NIST's arc of hash functions.
        match algorithm.to_string().as_str() {
            "2.16.840.1.101.3.4.2.1" => Some(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// The DER of `DigestInfo` before the digest (RFC 8017 §9.2).
    fn prefix(self) -> [u8; 19] {
        let (last, length) = match self {
            Self::Sha256 => (1, 32),
            Self::Sha384 => (2, 48),
            Self::Sha512 => (3, 64),
        };
        [0x30, 17 + length, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last, 5, 0, 4, length]
    }
}

enum Verified {
    Yes,
    No,
    Unsupported,
}

impl From<Option<bool>> for Verified {
    fn from(holds: Option<bool>) -> Self {
        if holds == Some(true) { Self::Yes } else { Self::No }
    }
}

/// `named` is the digest algorithm that stands beside an RSA signature without one of its own.
fn verifies(
    algorithm: &ObjectIdentifier,
    named: Option<Hash>,
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &[u8],
) -> Verified {
    let (is_rsa, hash) = match (*algorithm, named) {
        (RSA, Some(hash)) => (true, hash),
        (RSA_SHA256, _) => (true, Hash::Sha256),
        (RSA_SHA384, _) => (true, Hash::Sha384),
        (RSA_SHA512, _) => (true, Hash::Sha512),
        (ECDSA_WITH_SHA256, _) => (false, Hash::Sha256),
        (ECDSA_SHA384, _) => (false, Hash::Sha384),
        (ECDSA_SHA512, _) => (false, Hash::Sha512),
        _ => return Verified::Unsupported,
    };
    if is_rsa {
        return if key.algorithm.oid == RSA { rsa_holds(key, hash, &hash.digest(message), signature).into() } else { Verified::No };
    }
    match certificate::PublicKey::of(key) {
        Some(certificate::PublicKey::P256(key)) => {
            let signature = p256::ecdsa::Signature::from_der(signature);
            signature.ok().map(|signature| key.verify_prehash(&hash.digest(message), &signature).is_ok()).into()
        }
        _ => Verified::Unsupported,
    }
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2): the whole encoded message is compared, so that nothing can hide in its padding.
fn rsa_holds(key: &SubjectPublicKeyInfoOwned, hash: Hash, digest: &[u8], signature: &[u8]) -> Option<bool> {
    let (numbers, []) = take(SEQUENCE, key.subject_public_key.as_bytes()?)? else { return None };
    let (modulus, rest) = take(INTEGER, numbers)?;
    let (exponent, []) = take(INTEGER, rest)? else { return None };
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let exponent = exponent.iter().fold((exponent.len() <= 5).then_some(0_u64)?, |value, &byte| value << 8 | u64::from(byte));
    let size = modulus.len();
    if !MODULUS.contains(&size) || modulus.last()? % 2 == 0 || signature.len() != size || exponent < 3 || exponent % 2 == 0 {
        return None;
    }
    let number = |bytes: &[u8]| {
        let mut padded = [0; 512];
        padded.get_mut(512 - bytes.len()..)?.copy_from_slice(bytes);
        Some(U4096::from_be_slice(&padded))
    };
    let (modulus, base) = (number(modulus)?, number(signature)?);
    if base >= modulus {
        return None;
    }
    let power = DynResidue::new(&base, DynResidueParams::new(&modulus)).pow_bounded_exp(&U4096::from_u64(exponent), 40).retrieve();
    let tail = [&hash.prefix()[..], digest].concat();
    let padding = size.checked_sub(tail.len() + 3).filter(|padding| *padding >= 8)?;
    let encoded = [&[0, 1][..], &vec![0xff; padding], &[0], &tail].concat();
    Some(power == number(&encoded)?)
}

fn issued(certificate: &Certificate, issuer: &Certificate) -> Verified {
    if certificate.tbs_certificate.issuer != issuer.tbs_certificate.subject || !certificate::may_issue(issuer) {
        return Verified::No;
    }
    let (Ok(message), Some(signature)) = (certificate.tbs_certificate.to_der(), certificate.signature.as_bytes()) else {
        return Verified::No;
    };
    verifies(&certificate.signature_algorithm.oid, None, &issuer.tbs_certificate.subject_public_key_info, &message, signature)
}

/// For time stamps alone, and so that nobody can overlook it (RFC 3161 §2.3).
fn may_stamp(certificate: &Certificate) -> bool {
    let body = &certificate.tbs_certificate;
    let mut critical = body.extensions.iter().flatten().filter(|extension| extension.critical);
    let purposes = body.get::<ExtendedKeyUsage>().ok().flatten();
    critical.any(|extension| extension.extn_id == ExtendedKeyUsage::OID) && purposes.is_some_and(|(_, found)| found.0 == [TIME_STAMPING])
}

fn was_valid(certificate: &Certificate, time: u64) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    (validity.not_before.to_unix_duration().as_secs()..=validity.not_after.to_unix_duration().as_secs()).contains(&time)
}

/// `AlgorithmIdentifier` without parameters, but for those of RSASSA-PSS, which is not supported all the same.
fn algorithm(bytes: &[u8]) -> Option<(ObjectIdentifier, &[u8])> {
    let (algorithm, rest) = take(SEQUENCE, bytes)?;
    let (identifier, parameters) = take(OBJECT_IDENTIFIER, algorithm)?;
    let identifier = ObjectIdentifier::from_bytes(identifier).ok()?;
    (matches!(parameters, [] | [0x05, 0]) || identifier == RSA_PSS).then_some((identifier, rest))
}

/// The contents of the first element, which must have this tag, and what follows it.
fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first) - 0x80)?;
            (length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

/// The same with tag and length.
fn whole(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = take(tag, bytes)?;
    bytes.split_at_checked(bytes.len() - rest.len())
}
