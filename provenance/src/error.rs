use crate::decode::PictureFault;
use crate::{Finding, LabelVerdict};
use spec::{Code, FileFormat};

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
    /// The format holds no picture that can be encoded here.
    #[error("{0} is not a format that pictures are written in: use png, jpeg or webp / {0} 不是可写入图片的格式：请用 png、jpeg 或 webp")]
    NotAPictureFormat(FileFormat),
    /// The format is none that artifacts of this kind of work are written in.
    #[error("a design is not written as {0}: use png or stl / 设计不写为 {0} 格式：请用 png 或 stl")]
    NotADesignFormat(FileFormat),
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
    /// A label key is none.
    #[error("not a label key: {english} / 不是标识签名密钥：{chinese}")]
    LabelKeyInvalid {
        /// What a key looks like.
        english: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// The build lacks the national algorithms.
    #[error("SM2 needs a build with the feature gm (cargo build --features gm) / SM2 需要以 gm 特性构建（cargo build --features gm）")]
    GmNotBuiltIn,
    /// The codec refused the picture.
    #[error("the picture could not be encoded / 图片编码失败：{0}")]
    EncodingFailed(#[from] image::ImageError),
    /// The implicit label could not be put into the encoded file.
    #[error("the implicit label could not be written into the file / 隐式标识写入文件失败")]
    EmbeddingFailed,
    /// The file's label, or whether it has one, is not clear enough to add to it.
    #[error(
        "the file's implicit label cannot be kept as it is, so nothing was added to it ({}); danqing verify says more / 无法原样保留文件中的隐式标识，未作添加（{}）；详情请用 danqing verify 查看",
        join(.findings, Finding::english), join(.findings, Finding::chinese)
    )]
    LabelUnclear {
        /// What was found.
        findings: Vec<Finding>,
    },
    /// The file has no label, and nobody says why it should.
    #[error(
        "the file has no implicit label: say --declared if its user declares it generated, or --suspected if an explicit label or traces were found (标识办法 article 6) / 文件没有隐式标识：用户声明为生成合成内容请用 --declared，检测到显式标识或生成痕迹请用 --suspected（标识办法第六条）"
    )]
    GroundMissing,
    /// A conversion needs a label to keep.
    #[error(
        "the file has no implicit label to keep: label it first, see danqing label --help / 文件没有可保留的隐式标识：请先添加标识，见 danqing label --help"
    )]
    LabelMissing,
    /// Another propagator's fields are filled.
    #[error(
        "{0:?} has already passed this file on; --replace-propagator puts your fields in place of theirs / 该文件已由 {0:?} 传播；用 --replace-propagator 可替换传播字段"
    )]
    AlreadyPropagated(String),
    /// The file cannot take a label.
    #[error("the label cannot be written into this file: {english} / 标识无法写入该文件：{chinese}")]
    FileUnfit {
        /// Why.
        english: &'static str,
        /// The same in Chinese.
        chinese: &'static str,
    },
    /// The file's pixels cannot be used.
    #[error("the picture cannot be read: {english} / 无法读取图片：{chinese}", english = .0.english(), chinese = .0.chinese())]
    PictureUnreadable(PictureFault),
    /// The C2PA manifest could not be made.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// A grant of article 9 came with another picture than the one that it is for; the picture was withheld.
    #[error("the picture is not the one that may go without an explicit label / 该图片不是获准不加显式标识的那一张，未放行")]
    GrantOfAnother,
    /// A copy's manifest would name another file than the one that the copy was made from.
    #[error("the manifest would name another file as the source; the copy was withheld / 清单所指来源并非原文件，副本未放行")]
    SourceOfAnother,
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

fn join(findings: &[Finding], words: impl Fn(Finding) -> &'static str) -> String {
    let words: Vec<&str> = findings.iter().copied().map(words).collect();
    words.join("; ")
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::ProviderCodeInvalid { .. }
            | Self::ExplicitTextIncomplete(_)
            | Self::GlyphMissing { .. }
            | Self::LabelKeyInvalid { .. }
            | Self::GmNotBuiltIn => Code::ConfigurationInvalid,
            Self::PictureTooSmall { .. }
            | Self::NotAPictureFormat(_)
            | Self::FileUnfit { .. }
            | Self::PictureUnreadable(_)
            | Self::LabelUnclear { .. }
            | Self::GroundMissing
            | Self::LabelMissing
            | Self::AlreadyPropagated(_) => Code::InvalidRequest,
            Self::Credentials(error) => error.code(),
            Self::FontInvalid => Code::Internal,
            Self::NotADesignFormat(_) => Code::Unsupported,
            Self::EncodingFailed(_)
            | Self::EmbeddingFailed
            | Self::GrantOfAnother
            | Self::SourceOfAnother
            | Self::ReadBackDiffers { .. } => Code::LabelFailed,
        }
    }
}
