use crate::part::{self, Holder, Part, Stored, StoredCopy};
use crate::{Error, Result};
use spec::ProduceId;
use spec::stage::{Labelled, Recorded, RecordedCopy, Relabelled};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

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

    /// Whether a file could be released under that name now; worth asking before it is made.
    pub fn check_name(&self, release_name: &str) -> Result<()> {
        let target = self.target(release_name)?;
        self.check_free(target)
    }

    fn check_free(&self, target: PathBuf) -> Result<()> {
        if self.existing == Existing::Refuse && fs::symlink_metadata(&target).is_ok() {
            return Err(Error::NameTaken { path: target });
        }
        Ok(())
    }

    /// Puts the file on disk, whole and flushed, under a name that nobody sees. `release_name` is the file name that it
    /// gets when released: one component, no leading dot.
    pub fn put<L: Labelled + 'static>(&self, labelled: L, release_name: &str) -> Result<Stored> {
        let part = self.hide(labelled.label().produce_id, labelled.bytes(), release_name)?;
        Ok(Stored { part, labelled: Box::new(labelled), release_name: release_name.to_owned() })
    }

    /// As [`Self::put`], of a file made from another one; and of its sidecar, if it has one.
    pub fn put_copy(&self, copy: &impl Relabelled, release_name: &str) -> Result<StoredCopy> {
        let relabelling = copy.relabelling().clone();
        let part = self.hide(relabelling.id, copy.bytes(), release_name)?;
        if let Some(bytes) = copy.sidecar() {
            self.check_free(part::sidecar(&self.target(release_name)?))?;
            part.put_beside(bytes).map_err(Error::write(&self.folder.join(part::part_name(relabelling.id))))?;
            sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
        }
        Ok(StoredCopy { part, relabelling, release_name: release_name.to_owned() })
    }

    fn hide(&self, id: ProduceId, bytes: &[u8], release_name: &str) -> Result<Part> {
        self.check_name(release_name)?;
        let path = self.folder.join(part::part_name(id));
        let part = Part::create(path.clone(), |file| file.write_all(bytes)).map_err(Error::write(&path))?;
        // The entry in the folder must survive a power cut too, or the ledger could know a file that is gone.
        sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
        Ok(part)
    }

    /// Releases a recorded file under its final name, atomically, and returns the path.
    ///
    /// If another file took the name since [`Self::put`] and the outbox refuses to replace, the release goes to
    /// `name.<ProduceID>.ext`: a recorded picture is never withheld and nobody's file is overwritten.
    pub fn release(&self, recorded: &impl Recorded) -> Result<PathBuf> {
        let stored = recorded.stored();
        self.publish(stored.produce_id(), stored.release_name(), self.existing)
    }

    /// As [`Self::release`], of a file made from another one.
    pub fn release_copy(&self, recorded: &impl RecordedCopy) -> Result<PathBuf> {
        let stored = recorded.stored_copy();
        self.publish(stored.relabelling().id, stored.release_name(), self.existing)
    }

    fn publish(&self, produce_id: ProduceId, release_name: &str, existing: Existing) -> Result<PathBuf> {
        let part = self.folder.join(part::part_name(produce_id));
        let mut target = self.target(release_name)?;
        let mut moved = move_both(&part, &target, existing);
        if moved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            target = self.folder.join(spare_name(release_name, produce_id));
            moved = move_both(&part, &target, Existing::Refuse);
        }
        match moved {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::PartMissing { path: part }),
            moved => moved.map_err(Error::write(&target))?,
        }
        sync_folder(&self.folder).map_err(Error::folder(&self.folder))?;
        Ok(target)
    }

    fn recover<E>(&self, mut is_recorded: impl FnMut(ProduceId) -> Result<Option<String>, E>) -> Result<Recovery>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut recovery = Recovery::default();
        for (path, produce_id) in self.left_over()? {
            let holder = part::holder(&path).map_err(Error::write(&path))?;
            if matches!(holder, Holder::Process | Holder::Gone) {
                continue;
            }
            // Asked only while the lock is ours, so that no living process can record it in between.
            let found = is_recorded(produce_id).map_err(|source| Error::Lookup { path: path.clone(), source: source.into() })?;
            match found {
                Some(name) => recovery.released.extend(self.release_left_over(&path, produce_id, &name)?),
                None if matches!(holder, Holder::Nobody { .. }) => {
                    remove(&path)?;
                    recovery.removed.push(path);
                }
                None => {}
            }
        }
        Ok(recovery)
    }

    /// Where the left-over file came out; `None` if its release had been complete but for the hidden name.
    fn release_left_over(&self, part: &Path, produce_id: ProduceId, name: &str) -> Result<Option<PathBuf>> {
        let target = self.target(name)?;
        let same = matches!((fs::read(part), fs::read(&target)), (Ok(ours), Ok(theirs)) if ours == theirs);
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

    fn target(&self, release_name: &str) -> Result<PathBuf> {
        let mut components = Path::new(release_name).components();
        let plain = matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == release_name);
        if !plain || release_name.starts_with('.') || release_name.contains('\0') {
            return Err(Error::NameInvalid { name: release_name.to_owned() });
        }
        Ok(self.folder.join(release_name))
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

fn spare_name(name: &str, produce_id: ProduceId) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{produce_id}.{extension}"),
        None => format!("{name}.{produce_id}"),
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
