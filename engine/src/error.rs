use spec::Code;
use std::path::PathBuf;

/// What can go wrong between a model folder and a picture. Texts are English and Chinese.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation was given shapes that do not fit: a config that contradicts its weights, or a defect.
    #[error("{operation}: {detail} / {operation}：张量形状不符：{detail}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// The shapes, and what was expected.
        detail: String,
    },
    /// A weight that the architecture needs is not in the files.
    #[error("tensor {name:?} is missing from {place} / {place} 中缺少张量 {name:?}")]
    MissingTensor {
        /// Full tensor name.
        name: String,
        /// File or folder.
        place: String,
    },
    /// The files hold tensors that the architecture does not know.
    #[error("{place} holds tensors that this architecture does not have: {names} / {place} 含有该架构没有的张量：{names}")]
    ExtraTensors {
        /// The first few names.
        names: String,
        /// File or folder.
        place: String,
    },
    /// A weight has another shape than the config says.
    #[error("tensor {name:?} has shape {found:?}, the config needs {expected:?} / 张量 {name:?} 的形状是 {found:?}，配置要求 {expected:?}")]
    TensorShape {
        /// Full tensor name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the config implies.
        expected: Vec<usize>,
    },
    /// A weight holds infinite values or NaN, or a component made them.
    #[error("{name}: values that are not finite, in {place} / {name}：{place} 中有无穷大或非数")]
    NotFinite {
        /// The first tensor that holds them, or where in a run they came up.
        name: String,
        /// File or folder of the component.
        place: String,
    },
    /// A file of the model is damaged or not what its name says.
    #[error("{path}: {detail} / 文件无效 {path}：{detail}")]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file could not be read.
    #[error("cannot read {path}: {source} / 无法读取 {path}：{source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The model or the request asks for something this build does not do.
    #[error("not supported: {0} / 暂不支持：{0}")]
    Unsupported(String),
    /// The request cannot be run on this model.
    #[error("{0}")]
    InvalidRequest(String),
    /// No model at this place.
    #[error("no model at {0}: a model is a folder with model_index.json / 找不到模型 {0}：模型应为含 model_index.json 的文件夹")]
    ModelNotFound(String),
    /// Stopped by the caller between two steps.
    #[error("interrupted / 已中断")]
    Interrupted,
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::Shape { .. }
            | Self::MissingTensor { .. }
            | Self::ExtraTensors { .. }
            | Self::TensorShape { .. }
            | Self::NotFinite { .. }
            | Self::InvalidFile { .. } => Code::ModelInvalid,
            Self::Io { .. } => Code::StorageFailed,
            Self::Unsupported(_) => Code::Unsupported,
            Self::InvalidRequest(_) => Code::InvalidRequest,
            Self::ModelNotFound(_) => Code::ModelNotFound,
            Self::Interrupted => Code::Interrupted,
        }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
