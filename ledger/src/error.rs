use spec::{Code, PortError, ProduceId};
use std::io;
use std::path::{Path, PathBuf};

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
        /// It, in Chinese.
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
    /// The ledger has fewer leaves than a signed checkpoint covers.
    #[error(
        "the signed checkpoint covers {old} leaves, the ledger has {new}: the last ones were removed, or this is another ledger / 签名检查点覆盖 {old} 叶，账本只有 {new} 叶：末尾的叶被删除，或这不是同一账本"
    )]
    Shortened {
        /// Leaves that the checkpoint covers.
        old: u64,
        /// Leaves of the ledger.
        new: u64,
    },
    /// The ledger's first leaves are not those that a signed checkpoint covers.
    #[error(
        "the first {old} leaves are not those of the signed checkpoint: the ledger was rewritten, or this is another ledger / 前 {old} 叶与签名检查点不符：账本被改写，或这不是同一账本"
    )]
    Rewritten {
        /// Leaves that the checkpoint covers.
        old: u64,
    },
    /// A note is not a checkpoint signed by the key.
    #[error("the checkpoint is not signed by {key}, or was changed / 检查点不是由 {key} 签名，或已被改动")]
    CheckpointRejected {
        /// The verifier key.
        key: String,
    },
    /// A proof does not show what it says.
    #[error("the proof does not hold: {english} / 证明不成立：{chinese}")]
    ProofRejected {
        /// What is wrong.
        english: &'static str,
        /// It, in Chinese.
        chinese: &'static str,
    },
    /// The ledger has been signed, but the key is gone.
    #[error("the signing key {} is missing, though this ledger has been signed: put it back from its copy (in danqing.toml, `ledger_key` says where it lies). Earlier checkpoints and proofs still verify; new ones need the key. To go on with a new key for good, move {} and {}.checkpoint to an archive and tell whoever checks / 签名密钥 {} 缺失，而此账本曾经签名：请从备份恢复（位置由 danqing.toml 的 ledger_key 指定）。已有的检查点与证明仍可核验，新的检查点需要密钥。如确需启用新密钥，请将 {} 与 {}.checkpoint 移入存档，并告知核验方", .key.display(), .verifier.display(), .key.display(), .key.display(), .verifier.display(), .key.display())]
    KeyMissing {
        /// The secret key's file.
        key: PathBuf,
        /// The verifier key's file.
        verifier: PathBuf,
    },
    /// The ledger has been signed, but the key that checks it is gone.
    #[error("the verifier key {} is missing, though {} says that this ledger was signed: put it back from its copy / 验证公钥 {} 缺失，而 {} 表明此账本曾经签名：请从副本恢复", .verifier.display(), .checkpoint.display(), .verifier.display(), .checkpoint.display())]
    VerifierMissing {
        /// The verifier key's file.
        verifier: PathBuf,
        /// The last checkpoint's file.
        checkpoint: PathBuf,
    },
    /// A file does not hold a key.
    #[error("{} does not hold an Ed25519 key in signed-note format / {} 不是 signed-note 格式的 Ed25519 密钥", .path.display(), .path.display())]
    KeyInvalid {
        /// The file.
        path: PathBuf,
    },
    /// The secret key does not belong to the verifier key beside the ledger.
    #[error("{} is not the key of {}: each ledger has its own / 密钥 {} 与 {} 不对应：每个账本有各自的密钥", .key.display(), .verifier.display(), .key.display(), .verifier.display())]
    KeyOfAnother {
        /// The secret key's file.
        key: PathBuf,
        /// The verifier key's file.
        verifier: PathBuf,
    },
    /// An officer stopped generation.
    #[error(
        "{officer} stopped generation at {since}: {reason}; `danqing policy resume` ends it / {officer} 已于 {since} 停用生成服务：{reason}；恢复请用 `danqing policy resume`"
    )]
    Stopped {
        /// RFC 3339.
        since: String,
        /// Who.
        officer: String,
        /// Why.
        reason: String,
    },
    /// Generation is not stopped.
    #[error("generation is not stopped / 生成服务并未停用")]
    NotStopped,
    /// The account is not suspended.
    #[error("account {0} is not suspended / 账户 {0} 并未被暂停")]
    NotSuspended(String),
    /// Records must be kept longer.
    #[error(
        "retention_days must be at least {minimum} (six months), not {days} / retention_days 不得少于 {minimum} 天（六个月），现为 {days}"
    )]
    RetentionTooShort {
        /// As configured.
        days: u32,
        /// The least.
        minimum: u32,
    },
    /// Records of before the given moment are inside their term.
    #[error(
        "records before {before} are to be kept until {until}: nothing was shredded / {before} 之前的记录须保存至 {until}：未销毁任何内容"
    )]
    InsideTerm {
        /// RFC 3339.
        before: String,
        /// RFC 3339.
        until: String,
    },
    /// Not a way to keep prompts.
    #[error("prompt_storage is plain, hashed or encrypted, not {0:?} / prompt_storage 应为 plain、hashed 或 encrypted，而不是 {0:?}")]
    PromptStorageUnknown(String),
    /// The ledger has sealed records, but the key is gone.
    #[error("the record key {} is missing, and the personal fields of this ledger are sealed with it: put it back from its copy (in danqing.toml, `record_key` says where it lies) / 记录密钥 {} 缺失，而账本的个人信息字段由它加密：请从备份恢复（位置由 danqing.toml 的 record_key 指定）", .key.display(), .key.display())]
    RecordKeyMissing {
        /// Its file.
        key: PathBuf,
    },
    /// A file does not hold a record key.
    #[error("{} is not a record key: 64 hexadecimal digits are expected / {} 不是记录密钥：应为 64 位十六进制数字", .key.display(), .key.display())]
    RecordKeyInvalid {
        /// The file.
        key: PathBuf,
    },
    /// The key belongs to another ledger.
    #[error("{} is not the record key of this ledger / {} 不是此账本的记录密钥", .key.display(), .key.display())]
    RecordKeyOfAnother {
        /// The file.
        key: PathBuf,
    },
    /// What was asked for needs the personal fields, and the ledger was opened without a vault.
    #[error("the ledger was opened without its record key / 账本未以记录密钥打开")]
    NoVault,
    /// An account's name is empty, or would look like something else where it is printed.
    #[error("an account needs a name, without control characters / 账户须有名称，且不含控制字符")]
    AccountInvalid,
    /// A copy without explicit label is not granted.
    #[error("no unlabelled copy: {english} / 不能提供不含显式标识的副本：{chinese}")]
    NotGranted {
        /// Which condition of article 9 is not met.
        english: String,
        /// It, in Chinese.
        chinese: String,
    },
    /// A key or checkpoint file cannot be read or written.
    #[error("cannot use {}: {source} / 无法读写 {}：{source}", .path.display(), .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The system gave no random numbers for a key.
    #[error("the system gave no random numbers: {0} / 系统未能提供随机数：{0}")]
    Random(String),
}

impl Error {
    /// The code that maps this error to exit codes and interface texts.
    pub fn code(&self) -> Code {
        match self {
            Self::Storage(_) | Self::Contended | Self::File { .. } => Code::StorageFailed,
            Self::Broken { .. } | Self::Shortened { .. } | Self::Rewritten { .. } => Code::LedgerBroken,
            Self::CheckpointRejected { .. } | Self::ProofRejected { .. } => Code::CheckFailed,
            Self::Stopped { .. } => Code::Stopped,
            Self::Unrecordable(_)
            | Self::NotStopped
            | Self::NotSuspended(_)
            | Self::InsideTerm { .. }
            | Self::NotGranted { .. }
            | Self::AccountInvalid => Code::InvalidRequest,
            Self::KeyMissing { .. }
            | Self::VerifierMissing { .. }
            | Self::KeyInvalid { .. }
            | Self::KeyOfAnother { .. }
            | Self::RetentionTooShort { .. }
            | Self::PromptStorageUnknown(_)
            | Self::RecordKeyMissing { .. }
            | Self::RecordKeyInvalid { .. }
            | Self::RecordKeyOfAnother { .. }
            | Self::NoVault => Code::ConfigurationInvalid,
            Self::AlreadyRecorded(_) | Self::VerdictMismatch | Self::Random(_) => Code::Internal,
        }
    }

    pub(crate) fn not_granted(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self::NotGranted { english: english.into(), chinese: chinese.into() }
    }

    pub(crate) fn broken(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self::Broken { english: english.into(), chinese: chinese.into() }
    }

    pub(crate) fn rejected(english: &'static str, chinese: &'static str) -> Self {
        Self::ProofRejected { english, chinese }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
