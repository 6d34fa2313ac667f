use crate::{Finding, LabelVerdict};
use spec::Code;

/// What can go wrong while labelling. What is wrong with somebody else's file is a [`Finding`], not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no provider code.
    #[error("the provider code {code:?} is not valid: {english} / 服务提供者编码 {code:?} 无效：{chinese}")]
    ProviderCodeInvalid {
        /// As given.
        code: String,
        /// What is wrong.
        english: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// The explicit label's text does not say what GB 45438-2025 §5.2 asks for.
    #[error(
        "the explicit label {0:?} must contain 人工智能 or AI, and 生成 or 合成 / 显式标识 {0:?} 须含“人工智能”或“AI”，且含“生成”或“合成”"
    )]
    ExplicitTextIncomplete(String),
    /// The label font lacks a character.
    #[error(
        "the label font has no {character:?}, used in {text:?}: see provenance/fonts/README.md / 标识字体中没有 {text:?} 的字符 {character:?}"
    )]
    GlyphMissing {
        /// The explicit label.
        text: String,
        /// The first character without a glyph.
        character: char,
    },
    /// The label font is damaged; a defect of the build.
    #[error("the label font cannot be read / 标识字体无法读取")]
    FontInvalid,
    /// The label does not fit into the picture at its least legal height.
    #[error(
        "a {width}×{height} picture is too small for the label {text:?}, which needs {needed_width}×{needed_height}: make it larger / {width}×{height} 的图片放不下标识 {text:?}（需要 {needed_width}×{needed_height}）：请增大尺寸"
    )]
    PictureTooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// The explicit label.
        text: String,
        /// Pixels, margins included.
        needed_width: u32,
        /// Pixels, margins included.
        needed_height: u32,
    },
    /// The codec refused the picture.
    #[error("the picture could not be encoded / 图片编码失败：{0}")]
    EncodingFailed(#[from] image::ImageError),
    /// The implicit label could not be put into the encoded file.
    #[error("the implicit label could not be written into the file / 隐式标识写入文件失败")]
    EmbeddingFailed,
    /// The bytes do not say what was written into them; they were withheld.
    #[error(
        "the label did not read back as written ({verdict:?}, {findings:?}); the picture was withheld / 标识回读与写入不一致，图片未放行"
    )]
    ReadBackDiffers {
        /// What the reader made of the bytes.
        verdict: LabelVerdict,
        /// Its findings.
        findings: Vec<Finding>,
    },
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::ProviderCodeInvalid { .. } | Self::ExplicitTextIncomplete(_) | Self::GlyphMissing { .. } => Code::ConfigurationInvalid,
            Self::PictureTooSmall { .. } => Code::InvalidRequest,
            Self::FontInvalid => Code::Internal,
            Self::EncodingFailed(_) | Self::EmbeddingFailed | Self::ReadBackDiffers { .. } => Code::LabelFailed,
        }
    }
}
