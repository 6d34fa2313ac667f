use std::fmt;
use std::path::PathBuf;

/// What a user should be told about opening a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The key that seals personal fields was made just now.
    RecordKeyMade(PathBuf),
    /// A guard of the storage was missing or changed, and was put back: this one, by its name.
    Restored(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordKeyMade(path) => {
                let path = path.display();
                write!(
                    formatter,
                    "made the record key {path}: without it nobody can read accounts and sealed prompts again, so keep a copy in a safe place / 已生成记录密钥 {path}：丢失后账户与加密的提示词无法恢复，请妥善备份"
                )
            }
            Self::Restored(name) => write!(
                formatter,
                "the ledger's guard {name} was missing or changed, and was put back: run `danqing ledger verify` / 账本的保护 {name} 缺失或被改动，已恢复：请运行 `danqing ledger verify`"
            ),
        }
    }
}
