//! The signature of a time stamp (RFC 3161): CMS `SignedData` (RFC 5652) by RSA (PKCS #1 v1.5) or ECDSA on P-256, up to a pinned certificate.
//! Its imprint and its time are read by the room `ledger`.

use crate::Anchors;
use crate::certificate::{self, ECDSA_WITH_SHA256};
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Any, AnyRef, ObjectIdentifier, OctetString, OctetStringRef};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{DateTime, Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

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
/// Least bytes of an RSA modulus: 2048 bits. The crate itself accepts at most 4096.
const LEAST_MODULUS: usize = 256;

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
    let Some(hash) = Hash::of(&token.signer.digest_alg.oid) else { return Some(TimeStampSignature::Unsupported) };
    let content_type: ObjectIdentifier = token.attribute(CONTENT_TYPE)?.decode_as().ok()?;
    let digest: OctetString = token.attribute(MESSAGE_DIGEST)?.decode_as().ok()?;
    if content_type != TST_INFO || digest.as_bytes() != hash.digest(&token.content) || !token.names(signer) {
        return None;
    }
    let time = token.time()?;
    if !may_stamp(signer) || !was_valid(signer, time) {
        return None;
    }
    // Signed as a SET in DER, though stored under a tag of its own (RFC 5652 §5.4).
    let attributes = token.signer.signed_attrs.to_der().ok()?;
    let key = &signer.tbs_certificate.subject_public_key_info;
    match verifies(&token.signer.signature_algorithm.oid, Some(hash), key, &attributes, token.signer.signature.as_bytes()) {
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

/// What of a time-stamp token is looked at.
struct Token {
    /// The `TSTInfo`.
    content: Vec<u8>,
    certificates: Vec<Certificate>,
    signer: SignerInfo,
}

impl Token {
    fn read(response: &[u8]) -> Option<Self> {
        let parts = Vec::<AnyRef<'_>>::from_der(response).ok()?;
        let [_status, token] = parts.as_slice() else { return None };
        let token: ContentInfo = token.decode_as().ok()?;
        if token.content_type != SIGNED_DATA {
            return None;
        }
        let signed: SignedData = token.content.decode_as().ok()?;
        let content = signed.encap_content_info;
        if content.econtent_type != TST_INFO {
            return None;
        }
        let content: OctetString = content.econtent?.decode_as().ok()?;
        let certificates = signed.certificates.iter().flat_map(|set| set.0.iter()).filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
            CertificateChoices::Other(_) => None,
        });
        let certificates = certificates.collect();
        // One, as RFC 3161 §2.4.2 has it.
        let [signer] = signed.signer_infos.0.as_slice() else { return None };
        let is_plain = is_plain(&signer.digest_alg) && is_plain(&signer.signature_algorithm);
        is_plain.then(|| Self { content: content.into_bytes(), certificates, signer: signer.clone() })
    }

    /// Whether the signer's identifier is that of this certificate.
    fn is_by(&self, certificate: &Certificate) -> bool {
        let body = &certificate.tbs_certificate;
        match &self.signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => named.issuer == body.issuer && named.serial_number == body.serial_number,
            SignerIdentifier::SubjectKeyIdentifier(named) => {
                let own = body.get::<SubjectKeyIdentifier>().ok().flatten();
                own.is_some_and(|(_, own)| own == *named)
            }
        }
    }

    /// The one value of a signed attribute that is there once.
    fn attribute(&self, kind: ObjectIdentifier) -> Option<&Any> {
        let mut found = self.signer.signed_attrs.iter().flat_map(|attributes| attributes.iter()).filter(|attribute| attribute.oid == kind);
        let (Some(attribute), None) = (found.next(), found.next()) else { return None };
        let [value] = attribute.values.as_slice() else { return None };
        Some(value)
    }

    /// Whether the certificate that the attributes name by digest (RFC 5816) is this one; the older attribute with SHA-1 is not read.
    fn names(&self, certificate: &Certificate) -> bool {
        let is_named = |attribute: &x509_cert::attr::Attribute| attribute.oid == SIGNING_CERTIFICATE_V2;
        if !self.signer.signed_attrs.iter().flat_map(|attributes| attributes.iter()).any(is_named) {
            return true;
        }
        let matches = || -> Option<bool> {
            let list: Vec<AnyRef<'_>> = self.attribute(SIGNING_CERTIFICATE_V2)?.decode_as().ok()?;
            let ids: Vec<AnyRef<'_>> = list.first()?.decode_as().ok()?;
            let id: Vec<AnyRef<'_>> = ids.first()?.decode_as().ok()?;
            // SHA-256 where none is named.
            let (hash, digest) = match id.as_slice() {
                [digest, ..] if digest.tag() == Tag::OctetString => (Hash::Sha256, digest),
                [named, digest, ..] => (Hash::of(&named.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid)?, digest),
                _ => return None,
            };
            let digest: OctetStringRef<'_> = digest.decode_as().ok()?;
            Some(digest.as_bytes() == hash.digest(&certificate.to_der().ok()?))
        };
        matches().unwrap_or(false)
    }

    /// `genTime`, in whole seconds since 1970; authorities may add a fraction.
    fn time(&self) -> Option<u64> {
        let info = Vec::<AnyRef<'_>>::from_der(&self.content).ok()?;
        let [_version, _policy, _imprint, _serial, time, ..] = info.as_slice() else { return None };
        if time.tag() != Tag::GeneralizedTime {
            return None;
        }
        let text = std::str::from_utf8(time.value()).ok()?.strip_suffix('Z')?;
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
        let year = text.get(..4)?.parse().ok()?;
        let time = DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?).ok()?;
        Some(time.unix_duration().as_secs())
    }
}

/// Whether an algorithm has no parameters: those of RSASSA-PSS, for example, would say something that is not looked at.
fn is_plain(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.oid == RSA_PSS || algorithm.parameters.as_ref().is_none_or(|parameters| parameters.tag() == Tag::Null)
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

    /// The padding of RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with its own name in it.
    fn padding(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
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

fn rsa_holds(key: &SubjectPublicKeyInfoOwned, hash: Hash, digest: &[u8], signature: &[u8]) -> Option<bool> {
    let key = RsaPublicKey::from_pkcs1_der(key.subject_public_key.as_bytes()?).ok()?;
    (key.size() >= LEAST_MODULUS).then(|| key.verify(hash.padding(), digest, signature).is_ok())
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
