use crate::{Error, Result};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// Who may read a key's file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever may read files here.
    Everybody,
}

/// The text of a key's file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::KeyIo { path: path.to_owned(), source })
}

/// 32 random bytes.
pub fn random() -> Result<[u8; 32]> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| Error::Random(error.to_string()))?;
    Ok(random)
}

/// Makes the folder of keys, and those above it, where they are missing; nobody but its owner looks into it.
pub fn create_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| Error::KeyIo { path: path.to_owned(), source })
}

/// Writes the line into `path` unless there is a file, be it another process's that was faster. Nobody reads half of it.
pub fn create_if_missing(path: &Path, line: &str, readers: Readers) -> Result<()> {
    let aside = path.with_extension(format!("{}.partial", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    let written = options.open(&aside).and_then(|mut file| {
        writeln!(file, "{line}")?;
        file.sync_all()?;
        match fs::hard_link(&aside, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&aside, path), // No links on this file system.
            linked => linked,
        }
    });
    let _ = fs::remove_file(&aside);
    match written {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(Error::KeyIo { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}
