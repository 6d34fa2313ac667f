use serde::Serialize;

/// Something that a converted file has no more, though its source had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// What was transparent is white now.
    Transparency,
    /// Sixteen bits a channel became eight.
    Depth,
    /// The colours were converted to sRGB, since the format has no place for what said what they mean.
    ColourSpace,
    /// The second picture of the file, such as a gain map.
    SecondPicture,
    /// EXIF, or XMP besides the label.
    Metadata,
}

impl Loss {
    /// What is lost, in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Transparency => "transparent areas became white: the format has no transparency",
            Self::Depth => "16 bits a channel became 8: the format has no more",
            Self::ColourSpace => "the colours were converted to sRGB: the format has no place for their profile",
            Self::SecondPicture => "the second picture in the file (a gain map, for example) is not carried over",
            Self::Metadata => "EXIF and XMP other than the label are not carried over",
        }
    }

    /// What is lost, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Transparency => "透明区域变为白色：该格式不支持透明",
            Self::Depth => "每通道 16 位降为 8 位：该格式不支持更高位深",
            Self::ColourSpace => "颜色已转换为 sRGB：该格式无法保存原有色彩信息",
            Self::SecondPicture => "文件中的第二张图片（如增益图）未保留",
            Self::Metadata => "EXIF 及标识以外的 XMP 未保留",
        }
    }
}
