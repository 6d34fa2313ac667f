use spec::Code;

/// What can go wrong in this crate. A refused prompt is not an error: see [`crate::Decision`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The prompt has nothing visible in it.
    #[error("the prompt is empty: say what to draw / 提示词为空：请写下要画的内容")]
    PromptEmpty,
    /// The prompt is longer than is accepted.
    #[error(
        "the prompt has {length} characters, at most {limit} are accepted: shorten it / 提示词有 {length} 个字符，最多 {limit} 个：请缩短"
    )]
    PromptTooLong {
        /// Characters given.
        length: usize,
        /// Characters accepted.
        limit: usize,
    },
    /// The prompt holds a control character.
    #[error(
        "the prompt holds the control character U+{character:04X} at byte {offset}: remove it / 提示词第 {offset} 字节处有控制字符 U+{character:04X}：请删除"
    )]
    PromptControlCharacter {
        /// Its code point.
        character: u32,
        /// Its byte offset in the prompt.
        offset: usize,
    },
    /// A lexicon file could not be read.
    #[error("cannot read the lexicon {path} / 无法读取词库 {path}：{source}")]
    LexiconUnreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A lexicon says something that its format does not allow.
    #[error("{path}:{line}: {english} / {path} 第 {line} 行：{chinese}")]
    LexiconInvalid {
        /// The file.
        path: String,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong and what to do.
        english: String,
        /// The same in Chinese.
        chinese: String,
    },
    /// The lexicons are too large for one automaton.
    #[error("the lexicons are too large / 词库过大：{0}")]
    LexiconsTooLarge(#[from] aho_corasick::BuildError),
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::PromptEmpty | Self::PromptTooLong { .. } | Self::PromptControlCharacter { .. } => Code::InvalidRequest,
            Self::LexiconUnreadable { .. } | Self::LexiconInvalid { .. } | Self::LexiconsTooLarge(_) => Code::ConfigurationInvalid,
        }
    }
}
