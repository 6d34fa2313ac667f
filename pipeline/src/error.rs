use spec::Code;
use std::path::PathBuf;

/// What can go wrong in the sentence: one word's own error, unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The gate or a prompt.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// The model.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The label.
    #[error(transparent)]
    Provenance(#[from] provenance::Error),
    /// The outbox or the log's file.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The queue that work waits in.
    #[error(transparent)]
    Queue(#[from] spec::PortError),
    /// What a job holds cannot be written or read.
    #[error("the order of a job cannot be read: {0} / 无法读取任务内容：{0}")]
    Order(String),
    /// Something panicked while a job was worked on: a defect in Danqing. The worker goes on.
    #[error("a defect stopped this job: {0}; please report it / 程序缺陷中断了该任务：{0}；请反馈")]
    Panicked(String),
    /// The request asks for something out of range.
    #[error("{0}")]
    InvalidRequest(String),
    /// The account is suspended.
    #[error(
        "account {account} is suspended since {since} after {english}; an officer can lift it: danqing policy account lift / 账户 {account} 因{chinese}，自 {since} 起暂停使用；可由管理人员解除：danqing policy account lift"
    )]
    Suspended {
        /// Its name.
        account: String,
        /// RFC 3339.
        since: String,
        /// Why.
        english: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// The stop file cannot be read, written or removed.
    #[error("cannot use the stop file {}: {source} / 无法读写停用标志文件 {}：{source}", .path.display(), .path.display())]
    StopFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A file that a user names cannot be read.
    #[error("cannot read {path}: {source} / 无法读取 {path}：{source}")]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A part could not be built when it was first needed.
    #[error("{source}")]
    Part {
        /// What decides exit status and user text.
        code: Code,
        /// The builder's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The machine has no random numbers.
    #[error("the system gives no random numbers: {0} / 系统无法提供随机数：{0}")]
    Random(String),
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::Policy(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Provenance(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Suspended { .. } => Code::Suspended,
            Self::InvalidRequest(_) => Code::InvalidRequest,
            Self::Part { code, .. } => *code,
            Self::StopFile { .. } | Self::FileUnreadable { .. } | Self::Queue(_) => Code::StorageFailed,
            Self::Random(_) | Self::Order(_) | Self::Panicked(_) => Code::Internal,
        }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
