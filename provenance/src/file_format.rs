use serde::Serialize;
use spec::ImageFormat;
use std::fmt;

/// A format whose implicit label can be read, and in all but [`Self::Heif`] written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// TIFF 6.0; not BigTIFF.
    Tiff,
    /// GIF 89a.
    Gif,
    /// Scalable Vector Graphics, uncompressed and in UTF-8.
    Svg,
    /// MP4 and QuickTime.
    Mp4,
    /// Binary glTF 2.0.
    Glb,
    /// HEIF, HEIC and AVIF pictures.
    Heif,
}

impl FileFormat {
    /// File name ending, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Tiff => "tiff",
            Self::Gif => "gif",
            Self::Svg => "svg",
            Self::Mp4 => "mp4",
            Self::Glb => "glb",
            Self::Heif => "heif",
        }
    }
}

impl From<ImageFormat> for FileFormat {
    fn from(format: ImageFormat) -> Self {
        match format {
            ImageFormat::Png => Self::Png,
            ImageFormat::Jpeg => Self::Jpeg,
            ImageFormat::Webp => Self::Webp,
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Jpeg { "jpeg" } else { self.extension() })
    }
}
