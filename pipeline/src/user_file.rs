use crate::{Error, Result};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Longest file that is read whole: a picture of the most pixels that are decoded, uncompressed, and films that fit memory.
pub const MOST_FILE_BYTES: u64 = 1 << 30;

/// The bytes of a file that a user names, at most `most` of them.
///
/// Only plain files, or links to them: a device gives bytes for ever, and a pipe may never give any. The bound holds while reading, since a
/// file can be longer than it says, or grow.
pub fn read_user_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |source| Error::FileUnreadable { path: path.to_owned(), source };
    // Asked before opening, which would wait for a pipe's other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::InvalidRequest(format!(
            "{0} is no plain file (but a folder, device or pipe) / {0} 不是普通文件（而是目录、设备或管道）",
            path.display()
        )));
    }
    let file = File::open(path).map_err(failed)?;
    let expected = file.metadata().map_err(failed)?.len();
    let too_long = || {
        let message = format!("{0} is longer than {1} MiB, more than is read / {0} 超过 {1} MiB 的读取上限", path.display(), most >> 20);
        Err(Error::InvalidRequest(message))
    };
    if expected > most {
        return too_long();
    }
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most { too_long() } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::read_user_file;
    use std::path::Path;

    #[test]
    fn only_plain_files_are_read_and_only_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"12345").unwrap();
        assert_eq!(read_user_file(&file, 5).unwrap(), b"12345");
        assert!(read_user_file(&file, 4).unwrap_err().to_string().contains("longer"));
        assert!(read_user_file(folder.path(), 5).unwrap_err().to_string().contains("no plain file"));
        assert!(read_user_file(&folder.path().join("none"), 5).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_plain_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &str| {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(target, &path).unwrap();
            path
        };
        std::fs::write(folder.path().join("file"), b"12345").unwrap();
        assert_eq!(read_user_file(&link("plain", "file"), 5).unwrap(), b"12345");
        assert!(read_user_file(&link("zero", "/dev/zero"), 5).unwrap_err().to_string().contains("no plain file"));
        let pipe = folder.path().join("pipe");
        if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            assert!(read_user_file(&pipe, 5).unwrap_err().to_string().contains("no plain file"), "and it does not wait");
        }
        // A file of the system that says it is empty, and is not.
        if Path::new("/proc/self/maps").exists() {
            assert!(read_user_file(Path::new("/proc/self/maps"), 16).unwrap_err().to_string().contains("longer"));
        }
    }
}
