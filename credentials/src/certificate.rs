//! X.509 certificates (RFC 5280) under C2PA's certificate profile, as far as P-256 and Ed25519 go.
use crate::cose::Algorithm;
use p256::ecdsa::signature::Verifier as _;
use spec::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// What the subject of a test certificate says, in its organisation.
pub(crate) const TEST_MARK: &str = "Danqing test certificate - NOT TRUSTED";

pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const P256_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Purposes of which C2PA wants one: signing claims, mail protection, signing documents.
pub(crate) const CLAIM_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.62558.2.1");
pub(crate) const EMAIL_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
const DOCUMENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Certificates of one chain that are looked at.
const MAXIMUM_CHAIN: usize = 8;

/// A public key that signatures are checked with.
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Nothing for other kinds of keys, and for damaged ones.
    pub(crate) fn of(information: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let bits = information.subject_public_key.as_bytes()?;
        match information.algorithm.oid {
            EC_PUBLIC_KEY => {
                let curve = information.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
                (curve == P256_CURVE).then(|| p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok().map(Self::P256))?
            }
            ED25519 => ed25519_dalek::VerifyingKey::from_bytes(bits.try_into().ok()?).ok().map(Self::Ed25519),
            _ => None,
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// `signature` as COSE has it: 64 bytes for both kinds.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(key) => {
                ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
        }
    }

    /// `signature` as X.509 has it: ECDSA's is DER.
    fn verifies_certificate(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Ed25519(_) => self.verifies(message, signature),
        }
    }
}

/// Reads a chain of DER certificates; nothing if one is damaged, or if there are none or too many.
pub(crate) fn read_chain(chain: &[Vec<u8>]) -> Option<Vec<Certificate>> {
    if chain.is_empty() || chain.len() > MAXIMUM_CHAIN {
        return None;
    }
    chain.iter().map(|der| Certificate::from_der(der).ok()).collect()
}

pub(crate) fn is_valid_at(certificate: &Certificate, now: Timestamp) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let now = u128::from(now.0);
    validity.not_before.to_unix_duration().as_millis() <= now && now <= validity.not_after.to_unix_duration().as_millis()
}

/// Whether the subject says that this is a test certificate. Anybody can make one, so it is never trusted.
pub(crate) fn is_test(certificate: &Certificate) -> bool {
    [&certificate.tbs_certificate.subject, &certificate.tbs_certificate.issuer].iter().any(|name| name.to_string().contains(TEST_MARK))
}

pub(crate) fn is_self_issued(certificate: &Certificate) -> bool {
    certificate.tbs_certificate.subject == certificate.tbs_certificate.issuer
}

/// What keeps a signer's certificate from C2PA's profile (§14.5.1 of the specification), in English and Chinese.
pub(crate) fn profile_fault(certificate: &Certificate) -> Option<(&'static str, &'static str)> {
    let body = &certificate.tbs_certificate;
    if body.version != x509_cert::Version::V3 || body.issuer_unique_id.is_some() || body.subject_unique_id.is_some() {
        return Some(("it is not of version 3 without unique ids", "不是 v3 证书或含唯一标识符"));
    }
    if is_self_issued(certificate) {
        return Some(("it is self-signed; C2PA wants one that a CA issued", "证书为自签名，C2PA 要求由 CA 签发"));
    }
    if body.get::<BasicConstraints>().map_or(true, |found| found.is_some_and(|(_, constraints)| constraints.ca)) {
        return Some(("it belongs to a CA; the signer's own is needed first in the file", "这是 CA 证书；文件中第一张应为签名者证书"));
    }
    let signs = |usage: &KeyUsage| usage.digital_signature() && !usage.key_cert_sign();
    if !body.get::<KeyUsage>().is_ok_and(|found| found.is_some_and(|(_, usage)| signs(&usage))) {
        return Some(("its key usage is not digitalSignature", "密钥用途不是 digitalSignature"));
    }
    let allowed = |purposes: &ExtendedKeyUsage| {
        let has = |purpose| purposes.0.contains(&purpose);
        !has(ANY_PURPOSE) && (has(CLAIM_SIGNING) || has(EMAIL_PROTECTION) || has(DOCUMENT_SIGNING))
    };
    if !body.get::<ExtendedKeyUsage>().is_ok_and(|found| found.is_some_and(|(_, purposes)| allowed(&purposes))) {
        return Some((
            "its extended key usage has neither c2pa-kp-claimSigning nor emailProtection nor documentSigning",
            "扩展密钥用途缺少 c2pa-kp-claimSigning、emailProtection 或 documentSigning",
        ));
    }
    if !body.get::<AuthorityKeyIdentifier>().is_ok_and(|found| found.is_some()) {
        return Some(("it has no authority key identifier", "缺少颁发者密钥标识符"));
    }
    let known = [BasicConstraints::OID, KeyUsage::OID, ExtendedKeyUsage::OID, AuthorityKeyIdentifier::OID, SubjectKeyIdentifier::OID];
    if body.extensions.iter().flatten().any(|extension| extension.critical && !known.contains(&extension.extn_id)) {
        return Some(("it has a critical extension that is not understood", "含有无法识别的关键扩展"));
    }
    None
}

/// Whether `issuer` signed `certificate`; nothing if that cannot be said, because the algorithm is not checked here.
pub(crate) fn is_issued_by(certificate: &Certificate, issuer: &Certificate) -> Option<bool> {
    if certificate.tbs_certificate.issuer != issuer.tbs_certificate.subject || !may_issue(issuer) {
        return Some(false);
    }
    let key = PublicKey::of(&issuer.tbs_certificate.subject_public_key_info)?;
    let supported = match certificate.signature_algorithm.oid {
        ECDSA_WITH_SHA256 => Algorithm::Es256,
        ED25519 => Algorithm::Ed25519,
        _ => return None,
    };
    let (message, signature) = (certificate.tbs_certificate.to_der().ok()?, certificate.signature.as_bytes()?);
    Some(key.algorithm() == supported && key.verifies_certificate(&message, signature))
}

pub(crate) fn may_issue(certificate: &Certificate) -> bool {
    let body = &certificate.tbs_certificate;
    let is_ca = body.get::<BasicConstraints>().is_ok_and(|found| found.is_some_and(|(_, constraints)| constraints.ca));
    is_ca && body.get::<KeyUsage>().is_ok_and(|found| found.is_none_or(|(_, usage)| usage.key_cert_sign()))
}
