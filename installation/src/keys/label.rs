use super::file::{Readers, create_if_missing, random, read};
use crate::{Error, Result};
use provenance::{Algorithm, LabelKey};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the key that signs labels lies, and how it signs.
#[derive(Debug, Clone, Copy)]
pub struct LabelSigning<'a> {
    /// The secret's file, `<algorithm>:<64 hexadecimal digits>`; the public key is written beside it, with the ending `.pub`.
    pub key: &'a Path,
    /// Of a key that is made; a key of another algorithm is an error. Without it, any key is taken, and Ed25519 is made.
    pub algorithm: Option<Algorithm>,
}

/// The label's key, made where there is none.
pub fn label_key(signing: LabelSigning<'_>) -> Result<LabelKey> {
    let path = signing.key;
    let failed = |source| Error::LabelKeyInvalid { path: path.to_owned(), source };
    if !path.exists() {
        let (algorithm, seed) = (signing.algorithm.unwrap_or_default(), random()?);
        LabelKey::from_seed(algorithm, seed).map_err(failed)?;
        create_if_missing(path, &format!("{algorithm}:{}", spec::Sha256Digest(seed)), Readers::Owner)?;
    }
    let key: LabelKey = read(path)?.parse().map_err(failed)?;
    if signing.algorithm.is_some_and(|algorithm| algorithm != key.algorithm()) {
        return Err(failed(provenance::Error::LabelKeyInvalid {
            english: "it is of another algorithm than label_algorithm says",
            chinese: "与 label_algorithm 的算法不一致",
        }));
    }
    create_if_missing(&public_path(path), &key.public().to_string(), Readers::Everybody)?;
    Ok(key)
}

fn public_path(path: &Path) -> PathBuf {
    let mut public = OsString::from(path);
    public.push(".pub");
    public.into()
}

#[cfg(test)]
mod tests {
    use super::{LabelSigning, label_key, public_path};
    use provenance::{Algorithm, LabelPublicKey};

    #[test]
    fn a_key_is_made_once_and_its_public_half_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("label.key");
        let signing = LabelSigning { key: &path, algorithm: None };
        let first = label_key(signing).unwrap();
        assert_eq!(label_key(signing).unwrap().public(), first.public());
        let public: LabelPublicKey = std::fs::read_to_string(public_path(&path)).unwrap().parse().unwrap();
        assert_eq!(&public, first.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let other = LabelSigning { algorithm: Some(Algorithm::Sm2), ..signing };
        assert!(label_key(other).is_err(), "it is an Ed25519 key");
        std::fs::write(&path, "ed25519:00").unwrap();
        assert!(label_key(signing).is_err());
    }
}
