use spec::Code;
use std::path::{Path, PathBuf};

/// What can go wrong in training. Texts are English and Chinese.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The recipe cannot be read or contradicts itself.
    #[error("{path}: {detail} / 配方无效 {path}：{detail}")]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A checkpoint or cache does not belong to this recipe.
    #[error("{path}: {detail} / 检查点无效 {path}：{detail}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file could not be read or written.
    #[error("cannot read or write {path}: {source} / 无法读写 {path}：{source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The data are not what the data recipe says.
    #[error(transparent)]
    Data(#[from] crate::data::Error),
    /// Stopped by the caller, after a checkpoint was written.
    #[error("interrupted; the checkpoint was written / 已中断，检查点已保存")]
    Interrupted,
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::Recipe { .. } | Self::Checkpoint { .. } => Code::DataInvalid,
            Self::Io { .. } => Code::StorageFailed,
            Self::Engine(error) => error.code(),
            Self::Data(error) => error.code(),
            Self::Interrupted => Code::Interrupted,
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn recipe(path: &Path, detail: impl Into<String>) -> Self {
        Self::Recipe { path: path.to_owned(), detail: detail.into() }
    }

    pub(crate) fn checkpoint(path: &Path, detail: impl Into<String>) -> Self {
        Self::Checkpoint { path: path.to_owned(), detail: detail.into() }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
