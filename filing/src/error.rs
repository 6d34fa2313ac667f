use spec::Code;
use std::path::PathBuf;

/// What can go wrong. Texts are English and Chinese.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The subject file does not say what it must.
    #[error("{path}: {english} / {path}：{chinese}")]
    SubjectInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, in English.
        english: String,
        /// The same in Chinese.
        chinese: String,
    },
    /// A record is not what it should be.
    #[error("{path}: {detail} / 记录无法读取 {path}：{detail}")]
    RecordInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file could not be read or written.
    #[error("cannot read or write {path}: {source} / 无法读写 {path}：{source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// There is no stop to report on.
    #[error("generation was never stopped / 生成服务从未停用")]
    NeverStopped,
    /// The folder is there already.
    #[error("{path} is there already; name a new folder / {path} 已存在，请另选文件夹")]
    OutputExists {
        /// The folder.
        path: PathBuf,
    },
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::SubjectInvalid { .. } => Code::ConfigurationInvalid,
            Self::RecordInvalid { .. } => Code::DataInvalid,
            Self::Io { .. } => Code::StorageFailed,
            Self::Ledger(error) => error.code(),
            Self::OutputExists { .. } | Self::NeverStopped => Code::InvalidRequest,
        }
    }
}
