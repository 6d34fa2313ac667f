//! What the configuration says of C2PA: who signs, and whom to believe.
use super::Configuration;
use crate::certificate::{self, Certificate};
use crate::{Error, Result};
use credentials::{Anchors, Signer};
use spec::{Clock as _, SystemClock};
use std::path::Path;

impl Configuration {
    /// Who signs pictures in `folder`; a test certificate is made there where none is configured.
    pub fn signer(&self, folder: &Path) -> Result<Option<Signer>> {
        let certificate = match (self.c2pa.unwrap_or(true), &self.c2pa_certificate, &self.c2pa_key) {
            (false, ..) => Certificate::None,
            (true, None, None) => Certificate::Test,
            (true, Some(certificate), Some(key)) => Certificate::Own { certificate, key },
            (true, ..) => {
                let message =
                    "c2pa_certificate and c2pa_key belong together: set both or neither / c2pa_certificate 与 c2pa_key 须同时设置";
                return Err(Error::configuration(message));
            }
        };
        certificate::signer(certificate, folder, SystemClock.now())
    }

    /// Certificates that vouch for signers: those in `c2pa_trust`.
    pub fn credentials_anchors(&self) -> Result<Anchors> {
        self.c2pa_trust.iter().try_fold(Anchors::default(), |anchors, path| {
            let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
            Ok(anchors.with(Anchors::from_pem(&text)?))
        })
    }
}
