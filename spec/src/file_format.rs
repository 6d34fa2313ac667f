use serde::{Deserialize, Serialize};
use std::fmt;

/// Every file format that Danqing writes or reads labels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG (JFIF).
    Jpeg,
    /// WebP; written lossless.
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
    /// HEIF, HEIC and AVIF pictures; read only.
    Heif,
    /// Stereolithography, in text.
    Stl,
}

impl FileFormat {
    /// All formats.
    pub const ALL: &[Self] =
        &[Self::Png, Self::Jpeg, Self::Webp, Self::Tiff, Self::Gif, Self::Svg, Self::Mp4, Self::Glb, Self::Heif, Self::Stl];

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
            Self::Stl => "stl",
        }
    }

    /// Endings of file names that say this format, without the dot and in small letters; the usual one first.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png", "apng"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif", "mpo"],
            Self::Webp => &["webp"],
            Self::Tiff => &["tiff", "tif"],
            Self::Gif => &["gif"],
            Self::Svg => &["svg"],
            Self::Mp4 => &["mp4", "m4v", "mov"],
            Self::Glb => &["glb"],
            Self::Heif => &["heif", "heic", "avif"],
            Self::Stl => &["stl"],
        }
    }

    /// The format that a file name ending stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        let extension = extension.to_ascii_lowercase();
        Self::ALL.iter().copied().find(|format| format.endings().contains(&extension.as_str()))
    }

    /// Media type, as IANA registers it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Gif => "image/gif",
            Self::Svg => "image/svg+xml",
            Self::Mp4 => "video/mp4",
            Self::Glb => "model/gltf-binary",
            Self::Heif => "image/heif",
            Self::Stl => "model/stl",
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Jpeg { "jpeg" } else { self.extension() })
    }
}
