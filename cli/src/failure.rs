use spec::Code;
use std::fmt::Display;
use std::io::{Error as IoError, ErrorKind};
use std::path::Path;

/// Why a command ended without its result: a code, and a text that says what was wrong, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
    /// What to do about what the system said, in English and Chinese: its own words are in one language and give no advice.
    advice: Option<&'static str>,
}

impl Failure {
    pub fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string(), advice: None }
    }

    /// `path` cannot be read.
    pub fn reading(path: &Path, error: &IoError) -> Self {
        Self::io(Code::StorageFailed, format!("cannot read {0}: {error} / 无法读取 {0}", path.display()), error)
    }

    /// `path` cannot be written.
    pub fn writing(path: &Path, error: &IoError) -> Self {
        Self::io(Code::StorageFailed, format!("cannot write {0}: {error} / 无法写入 {0}", path.display()), error)
    }

    /// A message that quotes the system's error.
    pub fn io(code: Code, message: impl Display, error: &IoError) -> Self {
        Self { advice: advice(error.kind()), ..Self::new(code, message) }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    /// The same for programs: name of the code, message, and advice where there is some.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({"error": self.code.name(), "message": self.message, "advice": self.advice})
    }

    pub fn print(&self) {
        eprintln!("error[{}]: {} / {}\n  {}", self.code.name(), self.code.english(), self.code.chinese(), self.message);
        if let Some(advice) = self.advice {
            eprintln!("  {advice}");
        }
    }
}

fn advice(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "there is no such file or folder: check the path / 没有该文件或文件夹，请检查路径",
        ErrorKind::PermissionDenied => "no permission: ask its owner, or choose another place / 没有权限，请联系其所有者或换一个位置",
        ErrorKind::AlreadyExists => "it exists already: choose another name, or move it away / 同名文件已存在，请换一个名称或先将其移走",
        ErrorKind::IsADirectory => "it is a folder: name a file / 这是文件夹，请指定文件",
        ErrorKind::NotADirectory => "a part of the path is a file, not a folder / 路径中有一段是文件，不是文件夹",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another folder / 文件系统为只读，请换一个文件夹",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: free some space / 磁盘已满，请先清理空间",
        ErrorKind::InvalidFilename => "the name is too long or not allowed here / 文件名过长或含有不允许的字符",
        ErrorKind::InvalidData => "it is not text in UTF-8 / 不是 UTF-8 文本",
        _ => return None,
    })
}

macro_rules! from_crate_errors {
    ($($error:ty),* $(,)?) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let advice = quoted(&error).and_then(|error| advice(error.kind()));
                Self { advice, ..Self::new(error.code(), with_sources(&error)) }
            }
        }
    )* };
}

from_crate_errors!(
    credentials::Error,
    engine::Error,
    filing::Error,
    installation::Error,
    ledger::Error,
    pipeline::Error,
    policy::Error,
    provenance::Error,
    store::Error,
    trainer::Error,
    trainer::data::Error
);

/// The system's error, where `error` only quotes it and does not explain it.
fn quoted<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a IoError> {
    let text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref::<IoError>() {
            return text.contains(&found.to_string()).then_some(found);
        }
        source = cause.source();
    }
    None
}

/// The error and what caused it, each cause once: many errors already quote theirs.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
