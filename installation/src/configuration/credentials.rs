//! What the configuration says of C2PA: who signs, and whom to believe.
use super::Configuration;
use crate::certificate::{self, Certificate, TEST_CERTIFICATE_FILE};
use crate::keys::file::create_folder;
use crate::{Error, Result};
use credentials::{Anchors, Signer};
use spec::{Clock as _, SystemClock};
use std::path::{Path, PathBuf};

impl Configuration {
    /// The test certificate for files in `folder`, where none is configured: the one that lies there, in older installations; or the one in the
    /// folder of keys.
    pub fn test_certificate(&self, folder: &Path) -> Option<PathBuf> {
        if self.c2pa == Some(false) || self.c2pa_certificate.is_some() || self.c2pa_key.is_some() {
            return None;
        }
        let beside = folder.join(TEST_CERTIFICATE_FILE);
        Some(match self.key_folder() {
            Some(keys) if !beside.exists() => keys.join(TEST_CERTIFICATE_FILE),
            _ => beside,
        })
    }

    /// Who signs files in `folder`; a test certificate is made where none is configured.
    pub fn signer(&self, folder: &Path) -> Result<Option<Signer>> {
        let test = self.test_certificate(folder);
        let certificate = match (&test, self.c2pa.unwrap_or(true), &self.c2pa_certificate, &self.c2pa_key) {
            (Some(path), ..) => Certificate::Test(path),
            (_, false, ..) => Certificate::None,
            (_, _, Some(certificate), Some(key)) => Certificate::Own { certificate, key },
            _ => {
                let message =
                    "c2pa_certificate and c2pa_key belong together: set both or neither / c2pa_certificate 与 c2pa_key 须同时设置";
                return Err(Error::configuration(message));
            }
        };
        if let Certificate::Test(path) = certificate {
            create_folder(path.parent().unwrap_or(Path::new("")))?;
        }
        certificate::signer(certificate, SystemClock.now())
    }

    /// Certificates that vouch for signers: those in `c2pa_trust`.
    pub fn credentials_anchors(&self) -> Result<Anchors> {
        self.c2pa_trust.iter().try_fold(Anchors::default(), |anchors, path| {
            let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
            Ok(anchors.with(Anchors::from_pem(&text)?))
        })
    }
}
