use crate::FileFormat;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is generated. Closed on purpose: see [`crate::Asked`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindOfWork {
    /// Pictures.
    Picture,
    /// Engineering designs: density fields of topology optimisation.
    Design,
}

impl KindOfWork {
    /// All kinds.
    pub const ALL: &[Self] = &[Self::Picture, Self::Design];

    /// The name in records and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Design => "design",
        }
    }

    /// The name in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Picture => "图片",
            Self::Design => "工程设计",
        }
    }

    /// The formats that artifacts of this kind are written in, the usual one first.
    pub fn formats(self) -> &'static [FileFormat] {
        match self {
            Self::Picture => &[FileFormat::Png, FileFormat::Jpeg, FileFormat::Webp],
            Self::Design => &[FileFormat::Png, FileFormat::Stl],
        }
    }

    /// The format of that name or file name ending, if this kind is written in it.
    pub fn format(self, name: &str) -> Result<FileFormat, UnknownFormat> {
        let format = FileFormat::from_extension(name).filter(|format| self.formats().contains(format));
        format.ok_or_else(|| UnknownFormat { kind: self, name: name.to_owned() })
    }
}

impl fmt::Display for KindOfWork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Not a format that this kind of work is written in.
#[derive(Debug, thiserror::Error)]
#[error("unknown {kind} format {name:?}: use {} / 未知{}格式 {name:?}：请用 {}", list(*kind, ", "), kind.chinese(), list(*kind, "、"))]
pub struct UnknownFormat {
    /// The kind of work.
    pub kind: KindOfWork,
    /// What was given.
    pub name: String,
}

fn list(kind: KindOfWork, separator: &str) -> String {
    kind.formats().iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
