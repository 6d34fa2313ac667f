use spec::{Code, PortError, ProduceId};

/// What the ledger's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage under the ledger failed; its text says what, where, and what to do.
    #[error(transparent)]
    Storage(#[from] PortError),
    /// The ledger contradicts itself. Nothing is appended to it any more.
    #[error("the ledger does not verify: {english}; run `danqing ledger verify` / 账本校验失败：{chinese}；请运行 `danqing ledger verify`")]
    Broken {
        /// What is wrong.
        english: String,
        /// The same in Chinese.
        chinese: String,
    },
    /// The ledger has an entry with this id already.
    #[error("{0} is recorded already / {0} 已有记录")]
    AlreadyRecorded(ProduceId),
    /// An entry cannot be written so that it reads back the same, for example because a number is not finite.
    #[error("the request cannot be recorded: {0} / 该请求无法写入账本：{0}")]
    Unrecordable(String),
    /// A passing verdict was given as a refusal, or a refusing one with a picture.
    #[error("the verdict does not fit the entry / 审核结论与记录类型不符")]
    VerdictMismatch,
    /// Other processes took every turn.
    #[error("other processes keep appending to the ledger; try again / 其他进程持续写入账本，请稍后重试")]
    Contended,
}

impl Error {
    /// The code that maps this error to exit codes and interface texts.
    pub fn code(&self) -> Code {
        match self {
            Self::Storage(_) | Self::Contended => Code::StorageFailed,
            Self::Broken { .. } => Code::LedgerBroken,
            Self::Unrecordable(_) => Code::InvalidRequest,
            Self::AlreadyRecorded(_) | Self::VerdictMismatch => Code::Internal,
        }
    }

    pub(crate) fn broken(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self::Broken { english: english.into(), chinese: chinese.into() }
    }
}
