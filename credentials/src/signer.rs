use crate::cose::Algorithm;
use crate::{Error, certificate, pem};
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use p256::ecdsa::signature::Signer as _;
use spec::Timestamp;
use std::fmt;

/// A private key with the certificates that vouch for it.
#[derive(Clone)]
pub struct Signer {
    key: PrivateKey,
    /// DER, the signer's first, without the root.
    chain: Vec<Vec<u8>>,
    subject: String,
    is_test: bool,
}

#[derive(Clone)]
enum PrivateKey {
    P256(p256::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Signer {
    /// From PEM: the signer's certificate first, then those of the CAs above it (a root may be there, it is not written into
    /// files); and its P-256 or Ed25519 key. Refuses what readers of C2PA would: see the certificate profile of the specification.
    pub fn from_pem(certificates: &str, key: &str, now: Timestamp) -> Result<Self, Error> {
        let unusable = |english, chinese| Error::CertificateUnusable { english, chinese };
        let ders = pem::certificates(certificates).unwrap_or_default();
        let parsed = certificate::read_chain(&ders)
            .ok_or_else(|| unusable("there is no readable certificate in PEM, or more than eight", "没有可读取的 PEM 证书，或多于八张"))?;
        let Some(leaf) = parsed.first() else {
            return Err(unusable("there is no certificate", "没有证书"));
        };
        if let Some((english, chinese)) = certificate::profile_fault(leaf) {
            return Err(unusable(english, chinese));
        }
        if !certificate::is_valid_at(leaf, now) {
            return Err(unusable("it has expired or is not valid yet", "证书已过期或尚未生效"));
        }
        if parsed.windows(2).any(|pair| matches!(pair, [child, issuer] if certificate::is_issued_by(child, issuer) == Some(false))) {
            return Err(unusable("each certificate must be issued by the one after it", "每张证书须由其后一张签发"));
        }
        let key = PrivateKey::from_pem(key).ok_or(Error::KeyInvalid)?;
        let public = certificate::PublicKey::of(&leaf.tbs_certificate.subject_public_key_info);
        let probe = b"does this key belong to this certificate";
        if !public.is_some_and(|public| public.verifies(probe, &key.sign(probe))) {
            return Err(unusable("the private key belongs to another certificate", "私钥与证书不匹配"));
        }
        let chain = ders.iter().zip(&parsed).filter(|(_, parsed)| !certificate::is_self_issued(parsed)).map(|(der, _)| der.clone());
        Ok(Self { key, chain: chain.collect(), subject: leaf.tbs_certificate.subject.to_string(), is_test: certificate::is_test(leaf) })
    }

    /// Whether its certificate is one that [`crate::make_test_certificate`] made, which nobody trusts.
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.key {
            PrivateKey::P256(_) => Algorithm::Es256,
            PrivateKey::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// 64 bytes; the same for the same message (RFC 6979, RFC 8032).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message)
    }
}

impl PrivateKey {
    fn from_pem(text: &str) -> Option<Self> {
        for block in pem::blocks(text, "PRIVATE KEY") {
            if let Ok(key) = p256::SecretKey::from_pkcs8_pem(block) {
                return Some(Self::P256(key.into()));
            }
            if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(block) {
                return Some(Self::Ed25519(Box::new(key)));
            }
        }
        let block = pem::blocks(text, "EC PRIVATE KEY").into_iter().next()?;
        p256::SecretKey::from_sec1_pem(block).ok().map(|key| Self::P256(key.into()))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }
}
