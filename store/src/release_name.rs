//! What a file may be called: the one place that says so, for every command that writes one.

use crate::part::SIDECAR;
use crate::{Error, Result};
use spec::{FileFormat, ProduceId};
use std::fmt;
use std::path::{Component, Path};

/// Bytes of the longest file name that common file systems take (ext4, XFS, APFS and NTFS in UTF-8 at its worst).
const LONGEST: usize = 255;
/// What a release may add to a name: `.` and a ProduceID of 36 characters where the name was taken meanwhile, and the ending of a
/// C2PA manifest that lies beside the file.
const SUFFIXES: usize = 1 + 36 + SIDECAR.len();

/// Names of an installation's own files, whole.
const OWN_NAMES: [&str; 3] = ["danqing.toml", "danqing-stopped.json", "danqing-c2pa-test.pem"];
/// Beginnings of the names of its own files: the ledger, its keys, and what lies beside them.
const OWN_BEGINNINGS: [&str; 2] = ["danqing-ledger.", ".danqing-"];
/// Endings of databases, of what SQLite keeps beside them, of keys, and of files that wait for their release.
const OWN_ENDINGS: [&str; 10] = [".sqlite", "-wal", "-shm", "-journal", ".key", ".record-key", ".vkey", ".checkpoint", ".part", SIDECAR];

/// The name under which a file is released: one visible component with room for every suffix, which ends as its format does and is
/// not the name of a ledger, a key, or another file that an installation lives by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseName(String);

impl ReleaseName {
    /// Checks `name` for a file of `format`.
    pub fn new(name: &str, format: FileFormat) -> Result<Self> {
        check_plain(name)?;
        let ending = name.rsplit_once('.').and_then(|(_, ending)| FileFormat::from_extension(ending));
        if ending != Some(format) {
            return Err(Error::NameOfAnotherFormat { name: name.to_owned(), format });
        }
        if name.len() + SUFFIXES > LONGEST {
            return Err(Error::NameTooLong { bytes: name.len(), limit: LONGEST - SUFFIXES });
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An error unless `name` is one visible component, and not the name of an installation's own file. Records keep names from before
/// there was more to check.
pub fn check_plain(name: &str) -> Result<()> {
    let mut components = Path::new(name).components();
    let plain = matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name);
    if is_reserved(name) {
        return Err(Error::NameReserved { name: name.to_owned() });
    }
    if !plain || name.starts_with('.') || name.contains(char::is_control) {
        return Err(Error::NameInvalid { name: name.to_owned() });
    }
    Ok(())
}

/// Whether an installation's own files are called so. File systems that do not tell capitals apart would take one for the other.
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    OWN_NAMES.contains(&name.as_str())
        || OWN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || OWN_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The name that a release takes where another file has its own.
pub fn spare_name(name: &str, produce_id: ProduceId) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{produce_id}.{extension}"),
        None => format!("{name}.{produce_id}"),
    }
}

/// The name that always fits: a ProduceID, and the recorded name's ending if it is a short one.
pub fn shortest_name(name: &str, produce_id: ProduceId) -> String {
    match name.rsplit_once('.') {
        // No ending of a format that is written is longer.
        Some((_, extension)) if extension.len() <= 5 && extension.chars().all(|letter| letter.is_ascii_alphanumeric()) => {
            format!("{produce_id}.{extension}")
        }
        _ => produce_id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ReleaseName, shortest_name, spare_name};
    use crate::part::SIDECAR;
    use crate::{Error, Result};
    use spec::{FileFormat, ProduceId, Timestamp};

    #[test]
    fn the_longest_name_has_room_for_every_suffix() -> Result<()> {
        let id = ProduceId::new(Timestamp(1_795_392_000_000), [7; 10]);
        let longest = format!("{}.png", "a".repeat(209));
        assert_eq!(spare_name(ReleaseName::new(&longest, FileFormat::Png)?.as_str(), id).len() + SIDECAR.len(), 255);
        for name in [format!("a{longest}"), format!("{}.png", "丹".repeat(90))] {
            assert!(matches!(ReleaseName::new(&name, FileFormat::Png), Err(Error::NameTooLong { limit: 213, .. })), "{name}");
        }
        assert_eq!(shortest_name(&longest, id), format!("{id}.png"));
        assert_eq!(shortest_name("a.b c", id), id.to_string());
        Ok(())
    }

    #[test]
    fn no_name_of_an_installations_own_file_is_one_of_a_release() {
        for name in [
            "danqing-ledger.sqlite",
            "Danqing-Ledger.SQLITE",
            "danqing-ledger.sqlite-wal",
            "danqing-ledger.record-key",
            "danqing-ledger.png",
            "other.sqlite",
            "x.key",
            "x.key.checkpoint",
            "danqing.toml",
            "danqing-stopped.json",
            "danqing-c2pa-test.pem",
            "x.png.part",
            "x.png.c2pa",
        ] {
            assert!(matches!(ReleaseName::new(name, FileFormat::Png), Err(Error::NameReserved { .. })), "{name}");
        }
    }

    #[test]
    fn the_ending_is_that_of_the_format() {
        for (name, format) in [
            ("猫.png", FileFormat::Png),
            ("a.JPG", FileFormat::Jpeg),
            ("a.jpeg", FileFormat::Jpeg),
            ("a.mov", FileFormat::Mp4),
            ("a.avif", FileFormat::Heif),
            ("a.b.glb", FileFormat::Glb),
        ] {
            assert!(ReleaseName::new(name, format).is_ok(), "{name}");
        }
        for (name, format) in [
            ("a.jpg", FileFormat::Png),
            ("a", FileFormat::Png),
            ("png", FileFormat::Png),
            ("a.gif", FileFormat::Webp),
            ("a.txt", FileFormat::Png),
        ] {
            assert!(matches!(ReleaseName::new(name, format), Err(Error::NameOfAnotherFormat { .. })), "{name}");
        }
        for name in ["", ".", "..", ".a.png", "a/b.png", "/a.png", "a\n.png", "a\0.png", "a.png/"] {
            assert!(matches!(ReleaseName::new(name, FileFormat::Png), Err(Error::NameInvalid { .. })), "{name:?}");
        }
    }
}
