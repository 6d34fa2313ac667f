use super::file::{Readers, create_if_missing, random, read};
use crate::{Error, Result};
use std::path::Path;

/// Digits of a key in its file.
const DIGITS: usize = 64;

/// The watermark's key in `path`, 64 hexadecimal digits; a random one is written there, readable by its owner alone, where there is no file.
pub fn watermark_key(path: &Path) -> Result<[u8; 32]> {
    if !path.exists() {
        create_if_missing(path, &spec::Sha256Digest(random()?).to_string(), Readers::Owner)?;
    }
    read_watermark_key(path)
}

/// The watermark's key in `path`; an error where there is none.
pub fn read_watermark_key(path: &Path) -> Result<[u8; 32]> {
    parse(read(path)?.trim()).ok_or_else(|| Error::WatermarkKeyInvalid(path.to_owned()))
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
