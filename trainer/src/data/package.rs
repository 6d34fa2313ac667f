use super::Error;
use super::recipe::Package;
use base64::Engine as _;
use sha2::{Digest as _, Sha512};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file taken from a package; the annotations have about 1 MB, a picture less than 100 kB.
const MAXIMUM_FILE_BYTES: u64 = 64 << 20;
/// Largest package, packed or unpacked; the annotations in all languages unpack to about 50 MB.
const MAXIMUM_PACKAGE_BYTES: u64 = 1 << 28;

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
    let bytes = match std::fs::File::open(&path).and_then(read_limited) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Error::Package { path, detail: format!("larger than {MAXIMUM_PACKAGE_BYTES} bytes") }),
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

/// The whole file, or nothing when it is larger than any package.
fn read_limited(file: std::fs::File) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = file.take(MAXIMUM_PACKAGE_BYTES + 1).read_to_end(&mut bytes)? as u64;
    Ok((read <= MAXIMUM_PACKAGE_BYTES).then_some(bytes))
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    // The limit holds for everything that is unpacked: headers, long names and skipped entries too.
    let unpacked = Limited { inner: flate2::read::GzDecoder::new(bytes), left: MAXIMUM_PACKAGE_BYTES };
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(|error| error.to_string())?.to_string_lossy().into_owned();
        let size = entry.size();
        if size > MAXIMUM_FILE_BYTES {
            return Err(format!("{name}: larger than any file that a recipe needs"));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        if content.len() as u64 != size {
            return Err(format!("{name}: cut off after {} of {size} bytes", content.len()));
        }
        files.insert(name.strip_prefix("package/").unwrap_or(&name).to_owned(), content);
    }
    Ok(files)
}

/// A reader that fails, rather than ends, where its limit is reached.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other(format!("unpacks to more than {MAXIMUM_PACKAGE_BYTES} bytes")));
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..wanted])?;
        self.left -= read as u64;
        Ok(read)
    }
}
