//! What the configuration says of C2PA: who signs, what is permitted, whom to believe.
use crate::configuration::Configuration;
use crate::failure::Failure;
use credentials::Anchors;
use pipeline::{Certificate, CredentialsOptions};
use spec::Code;

impl Configuration {
    /// Who signs pictures.
    pub fn credentials(&self) -> Result<CredentialsOptions<'_>, Failure> {
        let certificate = match (self.c2pa.unwrap_or(true), &self.c2pa_certificate, &self.c2pa_key) {
            (false, ..) => Certificate::None,
            (true, None, None) => Certificate::Test,
            (true, Some(certificate), Some(key)) => Certificate::Own { certificate, key },
            (true, ..) => {
                let message =
                    "c2pa_certificate and c2pa_key belong together: set both or neither / c2pa_certificate 与 c2pa_key 须同时设置";
                return Err(Failure::new(Code::ConfigurationInvalid, message));
            }
        };
        Ok(CredentialsOptions { certificate, training_use: self.c2pa_training_mining })
    }

    /// Certificates that vouch for signers: those in `c2pa_trust`.
    pub fn credentials_anchors(&self) -> Result<Anchors, Failure> {
        self.c2pa_trust.iter().try_fold(Anchors::default(), |anchors, path| {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("cannot read {0}: {error} / 无法读取 {0}", path.display());
                Failure::io(Code::ConfigurationInvalid, message, &error)
            })?;
            Ok(anchors.with(Anchors::from_pem(&text)?))
        })
    }
}
