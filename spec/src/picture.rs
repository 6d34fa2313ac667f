use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A picture file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG (JFIF).
    Jpeg,
    /// WebP, lossless.
    Webp,
}

impl ImageFormat {
    /// File name ending, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// The format that a file name ending stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::Webp),
            _ => None,
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        })
    }
}

/// Not a format that Danqing writes.
#[derive(Debug, thiserror::Error)]
#[error("unknown picture format {0:?}: use png, jpeg or webp / 未知图片格式 {0:?}：请用 png、jpeg 或 webp")]
pub struct UnknownImageFormat(pub String);

impl FromStr for ImageFormat {
    type Err = UnknownImageFormat;

    fn from_str(text: &str) -> Result<Self, UnknownImageFormat> {
        Self::from_extension(text).ok_or_else(|| UnknownImageFormat(text.to_owned()))
    }
}

/// An 8-bit sRGB picture, `[height, width, 3]`, row major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// The pixel buffer does not have `width * height * 3` bytes, or a side is zero.
#[derive(Debug, thiserror::Error)]
#[error("a {width}×{height} picture needs width × height × 3 bytes, got {length} / {width}×{height} 的图片像素数据长度不符：{length}")]
pub struct PictureError {
    width: u32,
    height: u32,
    length: usize,
}

impl Picture {
    /// Wraps `pixels`, `[height, width, 3]`.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, PictureError> {
        let expected = (width as usize).checked_mul(height as usize).and_then(|area| area.checked_mul(3));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            return Err(PictureError { width, height, length: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `[height, width, 3]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// `[height, width, 3]`.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }
}
