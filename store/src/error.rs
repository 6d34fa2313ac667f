use spec::job::JobId;
use spec::{Code, FileFormat, PortError};
use std::io;
use std::path::PathBuf;

/// What the store's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in the store. Each text says what, where, and what to do, in English and Chinese.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The output folder cannot be made, listed or written to.
    #[error("cannot use folder {}: {} / 无法使用文件夹 {}：{}", .path.display(), english(.source), .path.display(), chinese(.source))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file cannot be written, renamed or removed.
    #[error("cannot write {}: {} / 无法写入 {}：{}", .path.display(), english(.source), .path.display(), chinese(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A release name is not a plain, visible file name.
    #[error(
        "{name:?} is not a usable file name: give one without folders and without a leading dot / 文件名 {name:?} 不可用：不能含文件夹，也不能以点开头"
    )]
    NameInvalid {
        /// The name as given.
        name: String,
    },
    /// A release name with the suffixes that it may get would be longer than file systems take.
    #[error(
        "the file name has {bytes} bytes and may have {limit} (a Chinese character has three): choose a shorter one / 文件名有 {bytes} 字节，最多 {limit} 字节（一个汉字占三字节）：请换一个较短的名称"
    )]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// A ledger, a key, or another file that an installation lives by is called so.
    #[error(
        "{name:?} is a name of Danqing's own files (ledger, keys, switches, unfinished files): choose another / {name:?} 是丹青自身文件（账本、密钥、停用开关、未完成文件）的名称：请换一个"
    )]
    NameReserved {
        /// The name as given.
        name: String,
    },
    /// A release name ends as files of another format do.
    #[error(
        "{name:?} does not end as a {format} file does: change the name or the format / {name:?} 的扩展名与 {format} 格式不符：请更改名称或格式"
    )]
    NameOfAnotherFormat {
        /// The name as given.
        name: String,
        /// The file's format.
        format: FileFormat,
    },
    /// A file of that name exists and the outbox was told to refuse.
    #[error("{} exists already: choose another name, or ask to replace it / 文件 {} 已存在：请换一个名称，或指定替换", .path.display(), .path.display())]
    NameTaken {
        /// The existing file.
        path: PathBuf,
    },
    /// The file that was put is no longer there, so it cannot be released.
    #[error("{} is gone: something else moved or deleted it / 文件 {} 已不存在：可能被其他程序移动或删除", .path.display(), .path.display())]
    PartMissing {
        /// The hidden file.
        path: PathBuf,
    },
    /// Recovery could not ask the ledger about a left-over file.
    #[error("cannot look up the left-over file {} in the ledger / 无法在账本中查询遗留文件 {}", .path.display(), .path.display())]
    Lookup {
        /// The hidden file.
        path: PathBuf,
        /// What the ledger said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// SQLite reported an error on the ledger's database.
    #[error("cannot {what} ledger database {}: {} / 账本数据库 {} 操作失败：{}", .path.display(), database_english(.source), .path.display(), database_chinese(.source))]
    Database {
        /// The database.
        path: PathBuf,
        /// What was attempted: `open`, `read` or `append to`.
        what: &'static str,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file is an SQLite database of something else, or empty.
    #[error("{} is empty or not a Danqing ledger / {} 为空，或不是丹青账本", .path.display(), .path.display())]
    NotALedger {
        /// The database.
        path: PathBuf,
    },
    /// The database was written by a newer release.
    #[error("ledger database {} has schema {found}, this release knows {known}: use a newer Danqing / 账本数据库 {} 的版本为 {found}，本程序只支持到 {known}：请升级丹青", .path.display(), .path.display())]
    SchemaTooNew {
        /// The database.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
    /// A leaf was offered at an index that is not the next one.
    #[error("leaf {index} was offered, but the log's next index is {length} / 提交的叶序号为 {index}，而日志的下一个序号是 {length}")]
    OutOfTurn {
        /// The index offered.
        index: u64,
        /// The log's length.
        length: u64,
    },
    /// A leaf was offered with a key that another leaf has.
    #[error("the log already has a leaf with key {key} / 日志中已有键为 {key} 的叶")]
    KeyTaken {
        /// The key.
        key: String,
    },
    /// A leaf was offered beside a secret whose id another secret has.
    #[error("the log already has a secret with that id; nothing was written / 日志中已有该编号的密钥，未写入任何内容")]
    SecretTaken,
    /// SQLite reported an error on a queue's file.
    #[error("cannot {what} the queue {}: {} / 任务队列 {} 操作失败：{}", .path.display(), database_english(.source), .path.display(), database_chinese(.source))]
    Queue {
        /// The file.
        path: PathBuf,
        /// What was attempted: `open`, `read` or `write to`.
        what: &'static str,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file is an SQLite database of something else.
    #[error("{} is not a Danqing queue: give another name / {} 不是丹青任务队列，请换一个文件名", .path.display(), .path.display())]
    NotAQueue {
        /// The file.
        path: PathBuf,
    },
    /// The queue was written by a newer release.
    #[error("the queue {} has schema {found}, this release knows {known}: use a newer Danqing / 任务队列 {} 的版本为 {found}，本程序只支持到 {known}：请升级丹青", .path.display(), .path.display())]
    QueueTooNew {
        /// The file.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
    /// A job was put whose id another job has.
    #[error("another job has the id {id}: nothing was put / 任务编号 {id} 已被另一任务使用，未加入队列")]
    JobTaken {
        /// The id.
        id: JobId,
    },
    /// A job was put that has no items, or allows no attempt.
    #[error("job {id} has no items or allows no attempt: nothing was put / 任务 {id} 没有任务项或不允许任何尝试，未加入队列")]
    JobEmpty {
        /// The id.
        id: JobId,
    },
}

impl Error {
    /// The code that maps this error to exit codes and interface texts.
    pub fn code(&self) -> Code {
        match self {
            Self::NameInvalid { .. }
            | Self::NameTooLong { .. }
            | Self::NameReserved { .. }
            | Self::NameOfAnotherFormat { .. }
            | Self::NameTaken { .. } => Code::InvalidRequest,
            Self::OutOfTurn { .. } | Self::KeyTaken { .. } | Self::SecretTaken | Self::JobTaken { .. } | Self::JobEmpty { .. } => {
                Code::Internal
            }
            _ => Code::StorageFailed,
        }
    }

    pub(crate) fn folder(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { path, source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}

impl From<Error> for PortError {
    fn from(error: Error) -> Self {
        Self { what: error.to_string(), source: Some(Box::new(error)) }
    }
}

fn english(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full; free some space".into(),
        io::ErrorKind::PermissionDenied => "no permission to write there; choose another folder".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another folder".into(),
        io::ErrorKind::NotFound => "the folder above it does not exist; create it first".into(),
        io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder".into(),
        io::ErrorKind::AlreadyExists => "a file is in the way".into(),
        io::ErrorKind::InvalidFilename => "the file name is too long or not allowed here".into(),
        _ => error.to_string(),
    }
}

fn chinese(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "磁盘已满，请先清理空间".into(),
        io::ErrorKind::PermissionDenied => "没有写入权限，请换一个文件夹".into(),
        io::ErrorKind::ReadOnlyFilesystem => "文件系统为只读，请换一个文件夹".into(),
        io::ErrorKind::NotFound => "上级文件夹不存在，请先创建".into(),
        io::ErrorKind::NotADirectory => "路径中有一段是文件，不是文件夹".into(),
        io::ErrorKind::AlreadyExists => "同名文件已存在".into(),
        io::ErrorKind::InvalidFilename => "文件名过长或含有不允许的字符".into(),
        _ => error.to_string(),
    }
}

fn database_english(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, ReadOnly};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => "the file is damaged; restore it from a copy".into(),
        Some(DiskFull) => "the disk is full; free some space".into(),
        Some(ReadOnly) => "the file or its folder is read-only".into(),
        Some(CannotOpen) => "the file cannot be opened; does its folder exist, and may you write there?".into(),
        Some(DatabaseBusy | DatabaseLocked) => "another process holds it; try again".into(),
        _ => error.to_string(),
    }
}

fn database_chinese(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, ReadOnly};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => "文件已损坏，请从备份恢复".into(),
        Some(DiskFull) => "磁盘已满，请先清理空间".into(),
        Some(ReadOnly) => "文件或所在文件夹为只读".into(),
        Some(CannotOpen) => "无法打开文件，请确认文件夹存在且可写".into(),
        Some(DatabaseBusy | DatabaseLocked) => "另一进程正在使用，请稍后重试".into(),
        _ => error.to_string(),
    }
}
