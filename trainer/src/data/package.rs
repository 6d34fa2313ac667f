use super::Error;
use super::recipe::Package;
use base64::Engine as _;
use sha2::{Digest as _, Sha512};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Largest file taken from a package; the annotations have about 1 MB, a picture less than 100 kB.
const MAXIMUM_FILE_BYTES: u64 = 64 << 20;
/// Largest sum of files taken from a package.
const MAXIMUM_PACKAGE_BYTES: u64 = 1 << 30;

/// A package's files by path, without the leading `package/`.
pub struct Files {
    path: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Files {
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    pub fn required(&self, name: &str) -> Result<&[u8], Error> {
        self.get(name).ok_or_else(|| Error::Package { path: self.path.clone(), detail: format!("{name} is not in the package") })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Reads and verifies one package from `folder`, where it lies as `npm pack` names it.
pub fn read(package: &Package, folder: &Path) -> Result<Files, Error> {
    let file_name = format!("{}-{}.tgz", package.name.trim_start_matches('@').replace('/', "-"), package.version);
    let path = folder.join(file_name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::PackageMissing { path, name: package.name.clone(), version: package.version.clone() });
        }
        Err(source) => return Err(Error::Io { path, source }),
    };
    let found = format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&bytes)));
    if found != package.integrity {
        return Err(Error::Integrity { path, found, expected: package.integrity.clone() });
    }
    let files = unpack(&bytes).map_err(|detail| Error::Package { path: path.clone(), detail })?;
    Ok(Files { path, files })
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    let mut total = 0;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(|error| error.to_string())?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        let read = entry.by_ref().take(MAXIMUM_FILE_BYTES + 1).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        total += read as u64;
        if read as u64 > MAXIMUM_FILE_BYTES || total > MAXIMUM_PACKAGE_BYTES {
            return Err(format!("{name}: larger than any file that a recipe needs"));
        }
        files.insert(name.strip_prefix("package/").unwrap_or(&name).to_owned(), content);
    }
    Ok(files)
}
