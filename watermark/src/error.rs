use spec::Code;

/// What can go wrong. That a picture carries no mark is an answer of [`crate::detect`], not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The buffer is not `width × height` RGB pixels.
    #[error("{length} bytes are not a {width}×{height} RGB picture / {length} 字节不是 {width}×{height} 的 RGB 图片")]
    BufferMismatch {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Bytes given.
        length: usize,
    },
    /// Larger than [`crate::MOST_PIXELS`].
    #[error("a {width}×{height} picture is too large for the watermark / {width}×{height} 的图片过大，无法处理水印")]
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A side is shorter than [`crate::LEAST_SIDE`].
    #[error(
        "a {width}×{height} picture is too small for the watermark: each side needs {least} pixels / {width}×{height} 的图片放不下水印：每边至少 {least} 像素"
    )]
    TooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pixels.
        least: u32,
    },
    /// The mark did not read back at the permitted distortion, as happens to busy pictures that are small. The pixels are untouched.
    #[error(
        "this picture cannot carry the watermark at the permitted distortion: make it larger / 在允许的失真内无法写入水印：请增大图片尺寸"
    )]
    Unmarkable,
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::BufferMismatch { .. } => Code::Internal,
            Self::TooLarge { .. } | Self::TooSmall { .. } => Code::InvalidRequest,
            Self::Unmarkable => Code::LabelFailed,
        }
    }
}
