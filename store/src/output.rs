//! Files that commands write besides releases: exports, proofs, reports. They hold prompts and names, so that only their owner and its
//! group may read them.

use crate::release_name::is_reserved;
use crate::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Mode of files that hold what people wrote: the owner writes, the group reads.
#[cfg(unix)]
const MODE: u32 = 0o640;

/// An error if a ledger, a key, or another file that an installation lives by is called as the last component of `path`.
pub fn check_output(path: &Path) -> Result<()> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if is_reserved(name) => Err(Error::NameReserved { name: name.to_owned() }),
        _ => Ok(()),
    }
}

/// Writes a file whole, in place of one that is there, or not at all.
pub fn write_output(path: &Path, contents: &[u8]) -> Result<()> {
    check_output(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(contents)?;
        #[cfg(unix)]
        file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|refused| refused.error)
    };
    write().map_err(Error::write(path))
}

/// A new file to write into; an error if there is one of that name.
pub fn create_output(path: &Path) -> Result<File> {
    create_private(path).map_err(Error::write(path))
}

/// A new, empty file that its owner writes and its group reads.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, MODE);
    options.open(path)
}
