use crate::Result;
use crate::keys::file::{Readers, create_if_missing, read};
use credentials::{Signer, make_test_certificate};
use spec::Timestamp;
use std::path::Path;

/// Name of the file with a key and certificates for tests, where none are configured.
pub const TEST_CERTIFICATE_FILE: &str = "danqing-c2pa-test.pem";

/// Whose certificate signs C2PA manifests.
#[derive(Debug, Clone, Copy)]
pub enum Certificate<'a> {
    /// One in this file, made on the first use; nobody trusts it.
    Test(&'a Path),
    /// The user's own.
    Own {
        /// PEM: the signer's certificate first, then those above it.
        certificate: &'a Path,
        /// PEM.
        key: &'a Path,
    },
    /// Nobody's: no manifest is written.
    None,
}

/// The signer with that certificate; one for tests is made if it is asked for and missing.
pub fn signer(certificate: Certificate<'_>, now: Timestamp) -> Result<Option<Signer>> {
    let signer = match certificate {
        Certificate::None => return Ok(None),
        Certificate::Own { certificate, key } => Signer::from_pem(&read(certificate)?, &read(key)?, now)?,
        Certificate::Test(path) => {
            if !path.exists() {
                create_if_missing(path, make_test_certificate(now)?.trim_end(), Readers::Owner)?;
            }
            let bundle = read(path)?;
            Signer::from_pem(&bundle, &bundle, now)?
        }
    };
    Ok(Some(signer))
}

#[cfg(test)]
mod tests {
    use super::{Certificate, TEST_CERTIFICATE_FILE, signer};
    use spec::Timestamp;

    /// 2026-11-23.
    const NOW: Timestamp = Timestamp(1_795_392_000_000);

    #[test]
    fn a_test_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TEST_CERTIFICATE_FILE);
        assert!(signer(Certificate::None, NOW).unwrap().is_none() && !path.exists());
        assert!(signer(Certificate::Test(&path), NOW).unwrap().unwrap().is_test());
        let made = std::fs::read(&path).unwrap();
        assert!(signer(Certificate::Test(&path), NOW).unwrap().unwrap().is_test());
        assert_eq!(std::fs::read(&path).unwrap(), made);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "damaged").unwrap();
        assert!(signer(Certificate::Test(&path), NOW).is_err());
        let missing = Certificate::Own { certificate: &folder.path().join("none.pem"), key: &path };
        assert!(signer(missing, NOW).is_err());
    }
}
