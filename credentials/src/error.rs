use crate::StatusCode;
use spec::Code;

/// What can go wrong while signing. What is wrong with somebody else's file is a [`StatusCode`], not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificates cannot be used to sign with.
    #[error("the C2PA certificate cannot be used: {english} / C2PA 证书不可用：{chinese}")]
    CertificateUnusable {
        /// Why.
        english: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// The private key cannot be read.
    #[error(
        "the C2PA key is not a P-256 or Ed25519 private key in PEM (PKCS#8, or SEC1 for P-256) / C2PA 密钥应为 PEM 格式的 P-256 或 Ed25519 私钥"
    )]
    KeyInvalid,
    /// The file cannot carry a manifest inside.
    #[error("the file is no PNG, JPEG or WebP that a manifest can be put into: make a sidecar / 该文件无法嵌入 C2PA 清单，请使用旁挂文件")]
    CannotEmbed,
    /// The file carries a manifest already, which would be lost.
    #[error("the file carries a C2PA manifest already; name it as an ingredient instead / 文件已含 C2PA 清单，请将其作为素材引用")]
    AlreadySigned,
    /// Two ingredients bring different manifests under one name.
    #[error("two ingredients carry different manifests called {0:?} / 两个素材含有同名但不同的清单 {0:?}")]
    IngredientsConflict(String),
    /// A changed file must have one parent and nothing else.
    #[error("a changed file needs the file before as its only ingredient, a parent / 被更改的文件须以更改前的文件为唯一素材")]
    ParentMissing,
    /// The signed bytes do not verify; they were withheld.
    #[error("the C2PA manifest did not verify after it was written ({0:?}); the file was withheld / C2PA 清单回读校验未通过，文件未放行")]
    ReadBackDiffers(Vec<StatusCode>),
    /// The machine has no random numbers.
    #[error("the system gives no random numbers: {0} / 系统无法提供随机数：{0}")]
    Random(String),
    /// A test certificate could not be made; a defect of the build.
    #[error("a test certificate could not be made: {0} / 无法生成测试证书：{0}")]
    TestCertificate(String),
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::CertificateUnusable { .. } | Self::KeyInvalid => Code::ConfigurationInvalid,
            Self::CannotEmbed | Self::AlreadySigned | Self::IngredientsConflict(_) => Code::InvalidRequest,
            Self::ReadBackDiffers(_) => Code::LabelFailed,
            Self::ParentMissing | Self::Random(_) | Self::TestCertificate(_) => Code::Internal,
        }
    }
}
