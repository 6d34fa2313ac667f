//! The hidden file between `put` and `release`.

use spec::ProduceId;
use spec::stage::{self, Labelled};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

const PREFIX: &str = ".danqing-";
const SUFFIX: &str = ".part";
/// What lies beside a file is called as the file, and this.
pub const SIDECAR: &str = ".c2pa";

/// How often a part file is made again because another process's recovery removed it in the instant between its making
/// and its locking. Once is rare; this many means that something else deletes our files.
const CREATION_ATTEMPTS: u32 = 8;

pub fn part_name(produce_id: ProduceId) -> String {
    format!("{PREFIX}{produce_id}{SUFFIX}")
}

/// The id in a part file's name; `None` for any other file.
pub fn produce_id_of(file_name: &str) -> Option<ProduceId> {
    file_name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// The name of what lies beside `path`.
pub fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR);
    name.into()
}

/// A part file of this process: open, locked, and removed on drop until it is kept.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    kept: AtomicBool,
    // Holds the lock that tells other processes' recovery to leave the file alone.
    file: File,
}

impl Part {
    /// Makes the file, fills it by `fill` and flushes it to disk. On failure nothing is left.
    pub fn create(path: PathBuf, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Self> {
        let file = create_locked(&path)?;
        let mut part = Self { path, kept: AtomicBool::new(false), file };
        fill(&mut part.file)?;
        part.file.sync_all()?;
        Ok(part)
    }

    /// Puts `bytes` beside it, flushed to disk; they share its fate.
    pub fn put_beside(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(sidecar(&self.path))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            // Nothing better can be done in a destructor; the next recovery removes what stays.
            // What lies beside it goes first: nothing is to lie beside nothing.
            let _ = fs::remove_file(sidecar(&self.path));
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn create_locked(path: &Path) -> io::Result<File> {
    for _ in 0..CREATION_ATTEMPTS {
        let file = File::options().write(true).create_new(true).open(path)?;
        // Some network file systems have no locks; recovery then removes nothing there.
        if file.lock().is_err() || path.exists() {
            return Ok(file);
        }
    }
    Err(io::Error::other("the file disappears as soon as it is made"))
}

/// Who holds a part file that was found on disk.
pub enum Holder {
    /// Nobody: its process is gone. The lock is ours while the file is open.
    Nobody { _lock: File },
    /// A living process.
    Process,
    /// The file system has no locks, so nobody can tell.
    Unknown,
    /// It was released or removed meanwhile.
    Gone,
}

pub fn holder(path: &Path) -> io::Result<Holder> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Gone),
        Err(error) => return Err(error),
    };
    Ok(match file.try_lock() {
        Ok(()) => Holder::Nobody { _lock: file },
        Err(TryLockError::WouldBlock) => Holder::Process,
        Err(TryLockError::Error(_)) => Holder::Unknown,
    })
}

/// A labelled file that is on disk under a name that nobody sees yet. Only [`crate::Outbox::put`] makes it.
pub struct Stored {
    pub(crate) part: Part,
    pub(crate) labelled: Box<dyn Labelled>,
    pub(crate) release_name: String,
}

impl stage::Stored for Stored {
    fn produce_id(&self) -> ProduceId {
        self.labelled.id()
    }

    fn labelled(&self) -> &dyn Labelled {
        self.labelled.as_ref()
    }

    fn release_name(&self) -> &str {
        &self.release_name
    }

    fn keep(&self) {
        self.part.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, part_name, produce_id_of};
    use spec::{ProduceId, Timestamp};
    use std::io::{self, Write as _};

    #[test]
    fn the_name_carries_the_id() {
        let id = ProduceId::new(Timestamp(1), [7; 10]);
        assert_eq!(produce_id_of(&part_name(id)), Some(id));
        for other in ["cat.png", ".danqing-.part", ".danqing-probe-x", &format!("{}~", part_name(id))] {
            assert_eq!(produce_id_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_write_that_fails_halfway_leaves_nothing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.part");
        let full = Part::create(path.clone(), |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.map_err(|error| error.kind()).err(), Some(io::ErrorKind::StorageFull));
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
        Ok(())
    }
}
