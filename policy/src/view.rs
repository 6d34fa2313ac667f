use serde::{Deserialize, Serialize};

/// A way to read a text. A rule says which ones it is asked in; the plain one alone is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum View {
    /// Compatibility forms, case, accents, look-alikes, invisible and traditional characters, separators.
    Plain,
    /// Digits and symbols for letters: `p0rn`.
    Leet,
    /// Digits for Chinese numerals and the other way round.
    Numeral,
    /// Parts for characters: 木仓 for 枪.
    Split,
    /// Pinyin, for all of the term or parts of it.
    Pinyin,
    /// Other characters that sound the same.
    Homophone,
    /// Pictographs for words: 💧 for 水.
    Emoji,
    /// Single letters for syllables: 分l国家.
    Initial,
    /// Written backwards.
    Reversed,
}

impl View {
    /// All of them.
    pub const ALL: [View; 9] =
        [View::Plain, View::Leet, View::Numeral, View::Split, View::Pinyin, View::Homophone, View::Emoji, View::Initial, View::Reversed];

    /// Name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Leet => "leet",
            Self::Numeral => "numeral",
            Self::Split => "split",
            Self::Pinyin => "pinyin",
            Self::Homophone => "homophone",
            Self::Emoji => "emoji",
            Self::Initial => "initial",
            Self::Reversed => "reversed",
        }
    }

    /// How the view is called in a refusal.
    pub(crate) fn chinese(self) -> &'static str {
        match self {
            Self::Plain => "原文",
            Self::Leet => "数字或符号代替字母",
            Self::Numeral => "数字写法",
            Self::Split => "拆字",
            Self::Pinyin => "拼音",
            Self::Homophone => "谐音",
            Self::Emoji => "表情符号",
            Self::Initial => "拼音首字母",
            Self::Reversed => "倒写",
        }
    }
}
