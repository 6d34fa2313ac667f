use crate::{Error, Result};
use credentials::{Signer, make_test_certificate};
use spec::Timestamp;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// The key and certificates for tests that lie beside the pictures where none are configured.
pub const TEST_CERTIFICATE_FILE: &str = "danqing-c2pa-test.pem";

/// Whose certificate signs C2PA manifests.
#[derive(Debug, Clone, Copy, Default)]
pub enum Certificate<'a> {
    /// One made on the first use, in [`TEST_CERTIFICATE_FILE`]; nobody trusts it.
    #[default]
    Test,
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

/// The signer for pictures in `folder`; a certificate for tests is made there if it is asked for and missing.
pub fn signer(certificate: Certificate<'_>, folder: &Path, now: Timestamp) -> Result<Option<Signer>> {
    let signer = match certificate {
        Certificate::None => return Ok(None),
        Certificate::Own { certificate, key } => Signer::from_pem(&read(certificate)?, &read(key)?, now)?,
        Certificate::Test => {
            let path = folder.join(TEST_CERTIFICATE_FILE);
            if !path.exists() {
                create(&path, &make_test_certificate(now)?)?;
            }
            let bundle = read(&path)?;
            Signer::from_pem(&bundle, &bundle, now)?
        }
    };
    Ok(Some(signer))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::KeyIo { path: path.to_owned(), source })
}

/// Whole, readable by its owner alone, and never over a file that another process made first.
fn create(path: &Path, text: &str) -> Result<()> {
    let failed = |source| Error::KeyIo { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(failed(refused.error)),
        _ => Ok(()),
    }
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
        assert!(signer(Certificate::None, folder.path(), NOW).unwrap().is_none() && !path.exists());
        assert!(signer(Certificate::Test, folder.path(), NOW).unwrap().unwrap().is_test());
        let made = std::fs::read(&path).unwrap();
        assert!(signer(Certificate::Test, folder.path(), NOW).unwrap().unwrap().is_test());
        assert_eq!(std::fs::read(&path).unwrap(), made);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "damaged").unwrap();
        assert!(signer(Certificate::Test, folder.path(), NOW).is_err());
        let missing = Certificate::Own { certificate: &folder.path().join("none.pem"), key: &path };
        assert!(signer(missing, folder.path(), NOW).is_err());
    }
}
