use crate::{Error, Result};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// Digits of a key in its file.
const DIGITS: usize = 64;

/// The watermark's key in `path`, 64 hexadecimal digits; a random one is written there, readable by its owner alone, where there is no file.
pub fn watermark_key(path: &Path) -> Result<[u8; 32]> {
    match create(path) {
        Ok(()) => {}
        // It was there, or another process was faster.
        Err(Error::WatermarkKeyIo { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    read_watermark_key(path)
}

/// The watermark's key in `path`; an error where there is none.
pub fn read_watermark_key(path: &Path) -> Result<[u8; 32]> {
    let text = fs::read_to_string(path).map_err(|source| Error::WatermarkKeyIo { path: path.to_owned(), source })?;
    parse(text.trim()).ok_or_else(|| Error::WatermarkKeyInvalid(path.to_owned()))
}

fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

fn create(path: &Path) -> Result<()> {
    let failed = |source| Error::WatermarkKeyIo { path: path.to_owned(), source };
    if path.exists() {
        return Ok(());
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| Error::Random(error.to_string()))?;
    let digits = spec::Sha256Digest(random).to_string();
    // Written aside and linked into place: nobody reads half a key.
    let aside = path.with_extension(format!("{}.partial", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&aside).and_then(|mut file| {
        writeln!(file, "{digits}")?;
        file.sync_all()?;
        match fs::hard_link(&aside, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&aside, path), // No links on this file system.
            linked => linked,
        }
    });
    let _ = fs::remove_file(&aside);
    written.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::watermark_key;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("danqing-watermark.key");
        let first = watermark_key(&path).unwrap();
        assert_eq!(watermark_key(&path).unwrap(), first);
        assert_ne!(watermark_key(&folder.path().join("other.key")).unwrap(), first);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left aside");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for damaged in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            std::fs::write(&path, damaged).unwrap();
            assert!(watermark_key(&path).is_err(), "{damaged:?}");
        }
    }
}
