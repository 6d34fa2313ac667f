use spec::Code;
use std::path::PathBuf;

/// What can go wrong between packages and samples. Texts are English and Chinese.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data recipe does not say what it must.
    #[error("{path}: {detail} / 数据配方有误 {path}：{detail}")]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The registry of sources does not say what it must.
    #[error("{path}: {detail} / 数据来源登记有误 {path}：{detail}")]
    Registry {
        /// The registry.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The registry does not allow the recipe's sources to be trained on.
    #[error("{path} does not admit this data; see `danqing data check` / 登记不允许使用这些数据：\n  {}", refusals.join("\n  "))]
    NotAdmitted {
        /// The registry.
        path: PathBuf,
        /// Each source and why, in English and Chinese.
        refusals: Vec<String>,
    },
    /// There is no registry.
    #[error(
        "{path} is missing: training needs a record of each source's licence; make one with `danqing data register {path} --recipe RECIPE` / 缺少数据来源登记 {path}：训练须有每个来源的许可记录，可用 danqing data register 生成"
    )]
    RegistryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A package is not in the folder.
    #[error("{path} is missing: run `npm pack {name}@{version}` in that folder / 缺少 {path}：请在该文件夹运行 npm pack {name}@{version}")]
    PackageMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// Package.
        name: String,
        /// Version.
        version: String,
    },
    /// A package's bytes are not those that the recipe pins.
    #[error("{path} has integrity {found}, the recipe pins {expected} / {path} 的完整性校验值与配方不符：{found}，应为 {expected}")]
    Integrity {
        /// The package file.
        path: PathBuf,
        /// Of the file.
        found: String,
        /// Of the recipe.
        expected: String,
    },
    /// A package or a file in it is damaged.
    #[error("{path}: {detail} / 数据包损坏 {path}：{detail}")]
    Package {
        /// Package file, or the file inside.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The recipe lists something that the packages cannot draw.
    #[error(
        "the recipe lists {id}, which has no picture with a Chinese and an English annotation; correct or remove it / 配方列出的 {id} 没有同时具备图片和中英文标注，请更正或删除"
    )]
    UnknownConcept {
        /// Code points.
        id: String,
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
    /// Nothing is left to draw.
    #[error("no picture passes the recipe's filters / 没有图片通过配方的筛选条件")]
    Empty,
}

impl Error {
    /// The code that decides exit status and user text.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::StorageFailed,
            _ => Code::DataInvalid,
        }
    }
}
