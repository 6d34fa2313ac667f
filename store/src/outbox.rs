use crate::part::{self, Holder, Part, Stored};
use crate::release_name::{ReleaseName, check_plain, shortest_name, spare_name};
use crate::{Error, Result};
use spec::stage::{Labelled, Recorded};
use spec::{FileFormat, ProduceId};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What to do with a file that already has the name of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Leave it and refuse the new one.
    #[default]
    Refuse,
    /// Replace it, atomically.
    Replace,
}

/// What [`Outbox::open`] did about files that a crash had left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Recorded files, now released.
    pub released: Vec<PathBuf>,
    /// Files that the ledger does not know, now removed.
    pub removed: Vec<PathBuf>,
    /// Files that could not be settled. They stay hidden, and the next opening tries again.
    pub left: Vec<LeftOver>,
}

/// A hidden file that recovery could neither release nor remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// The hidden file.
    pub path: PathBuf,
    /// Why, in English and Chinese.
    pub reason: String,
}

/// A folder that labelled files come out of, once recorded. See the crate's contract.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    existing: Existing,
    recovery: Recovery,
}

/// Makes `folder` and the folders above it, where they are missing: the ledger opens in it before the outbox does.
pub fn prepare_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::folder(folder))
}

impl Outbox {
    /// Opens `folder` (and makes it, though not the folders above it), checks that it can be written to, and settles what
    /// a crash left behind: `is_recorded` gives the release name of a file that the ledger knows, and `None` for others.
    pub fn open<E>(folder: &Path, existing: Existing, is_recorded: impl FnMut(ProduceId) -> Result<Option<String>, E>) -> Result<Self>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Error::folder(folder)(error)),
            _ => {}
        }
        // Found out now, and not after minutes of work on a picture.
        // Without a name, so that a crash leaves none behind.
        tempfile::tempfile_in(folder).map_err(Error::folder(folder))?;
        let mut outbox = Self { folder: folder.to_owned(), existing, recovery: Recovery::default() };
        outbox.recovery = outbox.recover(is_recorded)?;
        Ok(outbox)
    }

    /// What opening did about left-over files.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Whether a file of `format` could be released under that name now; worth asking before it is made.
    pub fn check_name(&self, release_name: &str, format: FileFormat) -> Result<ReleaseName> {
        let name = ReleaseName::new(release_name, format)?;
        // The file system itself knows best how long a name may be.
        let longest = part::sidecar(&self.folder.join(spare_name(name.as_str(), ProduceId::new(spec::Timestamp(0), [0; 10]))));
        match fs::symlink_metadata(&longest) {
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(Error::write(&longest)(error)),
            _ => {}
        }
        self.check_free(self.folder.join(name.as_str()))?;
        Ok(name)
    }

    fn check_free(&self, target: PathBuf) -> Result<()> {
        if self.existing == Existing::Refuse && fs::symlink_metadata(&target).is_ok() {
            return Err(Error::NameTaken { path: target });
        }
        Ok(())
    }

    /// Puts the file on disk, whole and flushed, under a name that nobody sees; and what lies beside it, if there is something.
    /// `release_name` is the file name that it gets when released: see [`ReleaseName`].
    pub fn put<L: Labelled + 'static>(&self, labelled: L, release_name: &str) -> Result<Stored> {
        let name = self.check_name(release_name, labelled.format())?;
        let part = self.hide(labelled.id(), labelled.bytes())?;
        if let Some(bytes) = labelled.sidecar() {
            self.check_free(part::sidecar(&self.folder.join(name.as_str())))?;
            part.put_beside(bytes).map_err(Error::write(&self.folder.join(part::part_name(labelled.id()))))?;
            sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
        }
        Ok(Stored { part, labelled: Box::new(labelled), release_name: name.as_str().to_owned() })
    }

    fn hide(&self, id: ProduceId, bytes: &[u8]) -> Result<Part> {
        let path = self.folder.join(part::part_name(id));
        let part = Part::create(path.clone(), |file| file.write_all(bytes)).map_err(Error::write(&path))?;
        // The entry in the folder must survive a power cut too, or the ledger could know a file that is gone.
        sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
        Ok(part)
    }

    /// Releases a recorded file under its final name, atomically, and returns the path.
    ///
    /// If another file took the name since [`Self::put`] and the outbox refuses to replace, the release goes to
    /// `name.<ProduceID>.ext`, and where the file system does not take that name, to `<ProduceID>.ext`: a recorded picture is never
    /// withheld and nobody's file is overwritten.
    pub fn release(&self, recorded: &impl Recorded) -> Result<PathBuf> {
        let stored = recorded.stored();
        self.publish(stored.produce_id(), stored.release_name(), self.existing)
    }

    fn publish(&self, produce_id: ProduceId, release_name: &str, existing: Existing) -> Result<PathBuf> {
        let part = self.folder.join(part::part_name(produce_id));
        // Records hold names from before they were checked so closely.
        let wished = check_plain(release_name).is_ok().then(|| (release_name.to_owned(), existing));
        let spare = wished.is_some().then(|| (spare_name(release_name, produce_id), Existing::Refuse));
        let shortest = (shortest_name(release_name, produce_id), Existing::Refuse);
        let mut last = None;
        for (name, existing) in wished.into_iter().chain(spare).chain([shortest]) {
            let target = self.folder.join(name);
            match move_both(&part, &target, existing) {
                Ok(()) => {
                    sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
                    return Ok(target);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::PartMissing { path: part }),
                // Another name may do.
                Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::InvalidFilename) => {
                    last = Some(Error::write(&target)(error));
                }
                Err(error) => return Err(Error::write(&target)(error)),
            }
        }
        Err(last.unwrap_or(Error::PartMissing { path: part }))
    }

    fn recover<E>(&self, mut is_recorded: impl FnMut(ProduceId) -> Result<Option<String>, E>) -> Result<Recovery>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut recovery = Recovery::default();
        for (path, produce_id) in self.left_over()? {
            let holder = match part::holder(&path) {
                Ok(Holder::Process | Holder::Gone) => continue,
                Ok(holder) => holder,
                // For example another user's, in a folder that both write to.
                Err(error) => {
                    recovery.leave(&path, &Error::write(&path)(error));
                    continue;
                }
            };
            // Asked only while the lock is ours, so that no living process can record it in between.
            let found = is_recorded(produce_id).map_err(|source| Error::Lookup { path: path.clone(), source: source.into() })?;
            // What cannot be settled must not keep everybody from the folder.
            match found {
                Some(name) => match self.release_left_over(&path, produce_id, &name) {
                    Ok(released) => recovery.released.extend(released),
                    Err(error) => recovery.leave(&path, &error),
                },
                None if matches!(holder, Holder::Nobody { .. }) => match remove(&path) {
                    Ok(()) => recovery.removed.push(path),
                    Err(error) => recovery.leave(&path, &error),
                },
                None => {}
            }
        }
        Ok(recovery)
    }

    /// Where the left-over file came out; `None` if its release had been complete but for the hidden name.
    fn release_left_over(&self, part: &Path, produce_id: ProduceId, name: &str) -> Result<Option<PathBuf>> {
        let target = check_plain(name).is_ok().then(|| self.folder.join(name));
        let same = target.is_some_and(|target| matches!((fs::read(part), fs::read(&target)), (Ok(ours), Ok(theirs)) if ours == theirs));
        if same {
            return remove(part).map(|()| None);
        }
        match self.publish(produce_id, name, Existing::Refuse) {
            Err(Error::PartMissing { .. }) => Ok(None),
            released => released.map(Some),
        }
    }

    fn left_over(&self) -> Result<Vec<(PathBuf, ProduceId)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(Error::folder(&self.folder))? {
            let entry = entry.map_err(Error::folder(&self.folder))?;
            if let Some(produce_id) = entry.file_name().to_str().and_then(part::produce_id_of) {
                found.push((entry.path(), produce_id));
            }
        }
        found.sort();
        Ok(found)
    }
}

impl Recovery {
    fn leave(&mut self, path: &Path, error: &Error) {
        self.left.push(LeftOver { path: path.to_owned(), reason: error.to_string() });
    }
}

/// Moves a file and, before it, what lies beside it, so that the file never appears without; on failure all is as before. What lay beside a
/// file that is replaced spoke of that file, and goes.
fn move_both(part: &Path, target: &Path, existing: Existing) -> io::Result<()> {
    let (from, to) = (part::sidecar(part), part::sidecar(target));
    let (has_sidecar, has_part) = (fs::symlink_metadata(&from).is_ok(), fs::symlink_metadata(part).is_ok());
    let rename = match existing {
        Existing::Replace => |from: &Path, to: &Path| fs::rename(from, to),
        Existing::Refuse => rename_beside,
    };
    if has_sidecar {
        rename(&from, &to)?;
    } else if existing == Existing::Replace && has_part {
        remove_if_there(&to)?;
    }
    let moved = rename(part, target);
    if moved.is_err() && has_sidecar {
        fs::rename(&to, &from)?;
    }
    moved
}

/// Renames, and fails with `AlreadyExists` rather than overwrite.
fn rename_beside(from: &Path, to: &Path) -> io::Result<()> {
    tempfile::TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|failure| {
        // The guard would delete the file; it stays for the next try or the next recovery.
        std::mem::forget(failure.path);
        failure.error
    })
}

/// A part file, and before it what lies beside it.
fn remove(path: &Path) -> Result<()> {
    let failed = Error::write(path);
    remove_if_there(&part::sidecar(path)).and_then(|()| remove_if_there(path)).map_err(failed)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Other systems do not open folders as files and write their entries through.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
