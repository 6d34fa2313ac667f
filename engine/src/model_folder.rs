//! A model on disk, or inside the program: a folder in the diffusers layout (`model_index.json` and one folder for each
//! component). All loading code reads through [`ModelFolder`], so the embedded checkpoint takes the path of any other.

mod config_fault;
mod index;
mod json;

pub(crate) use config_fault::{COUNTS, ConfigFault, VOCABULARIES, WIDTHS};
pub use index::{Component, ModelIndex};
pub use json::JsonFile;

use crate::error::{Error, Result};
use crate::weights::FileBytes;
use sha2::{Digest as _, Sha256};
use spec::{ModelIdentity, Sha256Digest};
use std::fs;
use std::path::{Component as PathComponent, Path, PathBuf};

/// The file that makes a folder a model.
pub const MODEL_INDEX: &str = "model_index.json";
/// How a file begins that Git LFS left in place of a large one (git-lfs's `docs/spec.md`).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Bytes hashed before their pages are released; bounds the memory that [`ModelFolder::identity`] holds.
const HASHED_AT_ONCE: usize = 16 << 20;

/// A diffusers folder. Paths inside it are relative and use `/`.
#[derive(Debug, Clone)]
pub enum ModelFolder {
    /// A folder of the file system.
    Directory(PathBuf),
    /// Path and content of each file, in the program itself.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

impl ModelFolder {
    /// A folder of the file system that has a `model_index.json`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let folder = Self::Directory(path.into());
        if folder.exists(MODEL_INDEX) { Ok(folder) } else { Err(Error::ModelNotFound(folder.place("").display().to_string())) }
    }

    /// Where a file is, for messages.
    pub fn place(&self, relative: &str) -> PathBuf {
        match self {
            Self::Directory(path) if relative.is_empty() => path.clone(),
            Self::Directory(path) => path.join(relative),
            Self::Embedded(_) => Path::new("<embedded>").join(relative),
        }
    }

    /// Whether there is such a file.
    pub fn exists(&self, relative: &str) -> bool {
        match self {
            Self::Directory(path) => is_inside(relative) && path.join(relative).is_file(),
            Self::Embedded(files) => files.iter().any(|(path, _)| *path == relative),
        }
    }

    /// The content of a file, mapped where it is a real one.
    pub fn read(&self, relative: &str) -> Result<FileBytes> {
        if !is_inside(relative) {
            return Err(Error::InvalidFile { path: self.place(""), detail: format!("{relative:?} leads out of the model's folder") });
        }
        let bytes = match self {
            Self::Directory(path) => FileBytes::map(&path.join(relative))?,
            Self::Embedded(files) => match files.iter().find(|(path, _)| *path == relative) {
                Some((_, bytes)) => FileBytes::embedded(bytes),
                None => return Err(Error::Io { path: self.place(relative), source: std::io::ErrorKind::NotFound.into() }),
            },
        };
        if bytes.starts_with(LFS_POINTER) {
            let detail = "a Git LFS pointer, not the file itself: run `git lfs pull` in the model's repository / \
                          这是 Git LFS 指针而不是文件本身，请在模型仓库中运行 git lfs pull";
            return Err(Error::InvalidFile { path: self.place(relative), detail: detail.to_owned() });
        }
        Ok(bytes)
    }

    /// The files directly inside `folder` (`""` for the model's own), sorted. Hidden files do not count.
    pub fn list(&self, folder: &str) -> Result<Vec<String>> {
        let mut names = match self {
            Self::Directory(path) => list_directory(&path.join(folder))?,
            Self::Embedded(files) => {
                let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                let inside = files.iter().filter_map(|(path, _)| path.strip_prefix(&prefix));
                inside.filter(|name| !name.contains('/')).map(str::to_owned).collect()
            }
        };
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        Ok(names)
    }

    /// Which weights these are: SHA-256 over one line for each file that takes part in a run — `model_index.json` and the
    /// files of its components, not a README — in path order: `path NUL length NUL digest LF`.
    pub fn identity(&self, name: &str) -> Result<ModelIdentity> {
        let index = ModelIndex::read(self)?;
        let mut files = vec![MODEL_INDEX.to_owned()];
        for component in &index.components {
            files.extend(self.list(&component.name)?.into_iter().map(|file| format!("{}/{file}", component.name)));
        }
        let sha256 = self.digest_of(files)?;
        Ok(ModelIdentity { name: name.to_owned(), family: index.class_name, sha256 })
    }

    /// Which weights a model is whose files all lie directly in the folder, as transformers writes one: the same digest over its
    /// configs and weights.
    pub fn flat_digest(&self) -> Result<Sha256Digest> {
        let takes_part = |name: &String| name.ends_with("config.json") || name.contains(".safetensors");
        self.digest_of(self.list("")?.into_iter().filter(takes_part).collect())
    }

    fn digest_of(&self, mut files: Vec<String>) -> Result<Sha256Digest> {
        files.sort();
        // Large models lie in many files: each core hashes its own.
        let mut lines: Vec<Result<String>> = files.iter().map(|_| Ok(String::new())).collect();
        kernels::pool::parallel_chunks_mut(&mut lines, 1, &|index, line| {
            let hashed = files.get(index).map_or(Ok(String::new()), |file| {
                let bytes = self.read(file)?;
                Ok(format!("{file}\0{}\0{}\n", bytes.len(), digest(&bytes)))
            });
            line.iter_mut().zip([hashed]).for_each(|(line, hashed)| *line = hashed);
        });
        let mut folder_hash = Sha256::new();
        for line in lines {
            folder_hash.update(line?);
        }
        Ok(Sha256Digest(folder_hash.finalize().into()))
    }
}

fn digest(bytes: &FileBytes) -> Sha256Digest {
    let mut hash = Sha256::new();
    for (index, part) in bytes.chunks(HASHED_AT_ONCE).enumerate() {
        hash.update(part);
        bytes.release(index * HASHED_AT_ONCE..index * HASHED_AT_ONCE + part.len());
    }
    Sha256Digest(hash.finalize().into())
}

fn is_inside(relative: &str) -> bool {
    !relative.is_empty() && Path::new(relative).components().all(|part| matches!(part, PathComponent::Normal(_)))
}

fn list_directory(path: &Path) -> Result<Vec<String>> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Hub caches hold symbolic links to the real files, so the link's target decides.
        if entry.path().is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
