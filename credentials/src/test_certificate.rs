use crate::Error;
use crate::certificate::{CLAIM_SIGNING, EC_PUBLIC_KEY, ECDSA_WITH_SHA256, EMAIL_PROTECTION, P256_CURVE, TEST_MARK};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::EncodePrivateKey as _;
use sha2::{Digest as _, Sha256};
use spec::Timestamp;
use std::str::FromStr as _;
use std::time::Duration;
use x509_cert::der::asn1::{Any, BitString, GeneralizedTime, OctetString};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{self, Encode as _, EncodePem as _};
use x509_cert::ext::AsExtension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

/// Ten years: nobody trusts it anyway, and files signed with it should not turn invalid while they are tried out.
const LIFETIME: Duration = Duration::from_hours(3_652 * 24);
/// A clock that is behind ours must not find it not yet valid.
const HEAD_START: Duration = Duration::from_hours(24);

/// A new P-256 key, a certificate for it, and the certificate of the CA made for this one alone, whose own key is forgotten: three
/// PEM blocks. Both subjects say that they are for tests and not trusted.
pub fn make_test_certificate(now: Timestamp) -> Result<String, Error> {
    let (authority_key, signer_key) = (random_key()?, random_key()?);
    let bundle = || -> der::Result<String> {
        let authority = Name::from_str(&format!("CN=Danqing test CA,O={TEST_MARK}"))?;
        let signer = Name::from_str(&format!("CN=Danqing test signer,O={TEST_MARK}"))?;
        let validity = validity(now)?;
        let purposes = ExtendedKeyUsage(vec![CLAIM_SIGNING, EMAIL_PROTECTION]);
        let ca = Part { key: &authority_key, subject: &authority, issuer: &authority, issuer_key: &authority_key };
        let ca = ca.certificate(&validity, KeyUsages::KeyCertSign, &BasicConstraints { ca: true, path_len_constraint: Some(0) }, None)?;
        let leaf = Part { key: &signer_key, subject: &signer, issuer: &authority, issuer_key: &authority_key };
        let no_ca = BasicConstraints { ca: false, path_len_constraint: None };
        let leaf = leaf.certificate(&validity, KeyUsages::DigitalSignature, &no_ca, Some(&purposes))?;
        Ok(leaf.to_pem(LineEnding::LF)? + &ca.to_pem(LineEnding::LF)?)
    };
    let failed = |error: &dyn std::error::Error| Error::TestCertificate(error.to_string());
    let key = p256::SecretKey::from(signer_key.clone()).to_pkcs8_pem(LineEnding::LF).map_err(|error| failed(&error))?;
    Ok(bundle().map_err(|error| failed(&error))? + &key)
}

fn random_key() -> Result<SigningKey, Error> {
    loop {
        // All but one in 2^32 are below the group's order.
        if let Ok(key) = SigningKey::from_slice(&random::<32>()?) {
            return Ok(key);
        }
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

fn validity(now: Timestamp) -> der::Result<Validity> {
    let now = Duration::from_millis(now.0);
    let time = |moment: Duration| -> der::Result<Time> {
        let seconds = Duration::from_secs(moment.as_secs());
        // RFC 5280: UTCTime until 2049, GeneralizedTime from then on.
        x509_cert::der::asn1::UtcTime::from_unix_duration(seconds)
            .map(Time::UtcTime)
            .or_else(|_| GeneralizedTime::from_unix_duration(seconds).map(Time::GeneralTime))
    };
    Ok(Validity { not_before: time(now.saturating_sub(HEAD_START))?, not_after: time(now + LIFETIME)? })
}

/// Who is certified, and by whom.
struct Part<'a> {
    key: &'a SigningKey,
    subject: &'a Name,
    issuer: &'a Name,
    issuer_key: &'a SigningKey,
}

impl Part<'_> {
    fn certificate(
        &self,
        validity: &Validity,
        usage: KeyUsages,
        constraints: &BasicConstraints,
        purposes: Option<&ExtendedKeyUsage>,
    ) -> der::Result<Certificate> {
        let algorithm = AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None };
        let mut extensions = Vec::new();
        let mut add = |extension: &dyn Fn(&[_]) -> der::Result<_>| -> der::Result<()> {
            let made = extension(&extensions)?;
            extensions.push(made);
            Ok(())
        };
        add(&|others| constraints.to_extension(self.subject, others))?;
        add(&|others| KeyUsage(usage.into()).to_extension(self.subject, others))?;
        if let Some(purposes) = purposes {
            add(&|others| purposes.to_extension(self.subject, others))?;
        }
        let identifier = SubjectKeyIdentifier(OctetString::new(key_identifier(self.key))?);
        add(&|others| identifier.to_extension(self.subject, others))?;
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(key_identifier(self.issuer_key))?),
            authority_cert_issuer: None,
            authority_cert_serial_number: None,
        };
        add(&|others| authority.to_extension(self.subject, others))?;
        let tbs_certificate = TbsCertificate {
            version: Version::V3,
            serial_number: serial_number(self.key)?,
            signature: algorithm.clone(),
            issuer: self.issuer.clone(),
            validity: *validity,
            subject: self.subject.clone(),
            subject_public_key_info: SubjectPublicKeyInfoOwned {
                algorithm: AlgorithmIdentifierOwned { oid: EC_PUBLIC_KEY, parameters: Some(Any::from(P256_CURVE)) },
                subject_public_key: BitString::from_bytes(&point(self.key))?,
            },
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        };
        let signature: p256::ecdsa::Signature = self.issuer_key.sign(&tbs_certificate.to_der()?);
        Ok(Certificate {
            tbs_certificate,
            signature_algorithm: algorithm,
            signature: BitString::from_bytes(signature.to_der().as_bytes())?,
        })
    }
}

fn point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
}

/// RFC 7093 §2, method 1: the leftmost 160 bits of the SHA-256 of the public key.
fn key_identifier(key: &SigningKey) -> Vec<u8> {
    Sha256::digest(point(key)).iter().take(20).copied().collect()
}

/// Unique as the key is, which is random; positive, as RFC 5280 asks.
fn serial_number(key: &SigningKey) -> der::Result<SerialNumber> {
    let mut bytes: Vec<u8> = Sha256::digest([&point(key)[..], b"serial"].concat()).iter().take(16).copied().collect();
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    SerialNumber::new(&bytes)
}
