use spec::Code;
use std::path::{Path, PathBuf};

/// Why an installation cannot give a part: its configuration, a key, a certificate, a classifier or a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The order of the parts.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    /// Lexicons or thresholds.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// A model.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// What the label is made with.
    #[error(transparent)]
    Provenance(#[from] provenance::Error),
    /// The ledger's file.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A C2PA certificate or its key.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// A value of the configuration, in both languages.
    #[error("{0}")]
    Configuration(String),
    /// A file that the configuration is, or that it names, cannot be read.
    #[error("cannot read {path}: {source} / 无法读取 {path}")]
    ConfigurationFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A ledger that is named is not there.
    #[error("there is no ledger {0}: check --ledger / 没有账本 {0}，请检查 --ledger")]
    LedgerMissing(PathBuf),
    /// A picture that a user brings cannot be used.
    #[error("{0}")]
    Picture(String),
    /// A key's file cannot be read or written.
    #[error("cannot read or write the key {path}: {source} / 无法读写密钥 {path}：{source}")]
    KeyIo {
        /// Its file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The watermark's key is not one.
    #[error("{0} is not a watermark key: 64 hexadecimal digits are expected / {0} 不是水印密钥：应为 64 位十六进制数字")]
    WatermarkKeyInvalid(PathBuf),
    /// The label's key is not one, or of another algorithm than the configuration says.
    #[error("{path}: {source} / {path} 有误")]
    LabelKeyInvalid {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: provenance::Error,
    },
    /// A picture classifier's settings are wrong.
    #[error("image_classifier {classifier:?}: {detail}")]
    ClassifierInvalid {
        /// How the configuration calls it.
        classifier: String,
        /// What is wrong, in both languages.
        detail: String,
    },
    /// The machine has no random numbers.
    #[error("the system gives no random numbers: {0} / 系统无法提供随机数：{0}")]
    Random(String),
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::Pipeline(error) => error.code(),
            Self::Policy(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Provenance(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Credentials(error) => error.code(),
            Self::Picture(_) => Code::InvalidRequest,
            Self::KeyIo { .. } | Self::LedgerMissing(_) => Code::StorageFailed,
            Self::Configuration(_)
            | Self::ConfigurationFile { .. }
            | Self::WatermarkKeyInvalid(_)
            | Self::LabelKeyInvalid { .. }
            | Self::ClassifierInvalid { .. } => Code::ConfigurationInvalid,
            Self::Random(_) => Code::Internal,
        }
    }

    /// The configuration says something else than it may.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::Configuration(message.into())
    }

    /// A file of the configuration cannot be read.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::ConfigurationFile { path: path.to_owned(), source }
    }
}

/// So that a part may be built in the middle of the order.
impl From<Error> for pipeline::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Pipeline(error) => error,
            error => Self::Part { code: error.code(), source: Box::new(error) },
        }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
