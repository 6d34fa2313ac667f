use spec::Code;

/// What can go wrong in this crate. A refused prompt is not an error: see [`crate::Clearance`].
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
        /// Its Chinese text.
        chinese: String,
    },
    /// A package does not hold together: wrong digest or signature.
    #[error("{path}: {english} / {path}：{chinese}")]
    PackageDamaged {
        /// The file.
        path: String,
        /// What is wrong.
        english: String,
        /// Its Chinese text.
        chinese: String,
    },
    /// A package is sound, but nobody who is trusted signed it.
    #[error("{path}: {english} / {path}：{chinese}")]
    PackageUntrusted {
        /// The package.
        path: String,
        /// Why.
        english: String,
        /// Its Chinese text.
        chinese: String,
    },
    /// A text is no Ed25519 key.
    #[error("an Ed25519 key is written as 64 hexadecimal digits / Ed25519 密钥应为 64 位十六进制数")]
    KeyInvalid,
    /// A rule's regular expression is wrong or too large.
    #[error("rule {rule:?}: the regular expression is not valid / 规则 {rule:?}：正则表达式有误：{message}")]
    ExpressionInvalid {
        /// The rule.
        rule: String,
        /// What is wrong, from the parser.
        message: String,
    },
    /// A rule can never match as it is written.
    #[error("rule {rule:?}: {english} / 规则 {rule:?}：{chinese}")]
    RuleUseless {
        /// The rule.
        rule: String,
        /// What is wrong.
        english: String,
        /// Its Chinese text.
        chinese: String,
    },
    /// The rules for a picture classifier contradict themselves.
    #[error("picture classifier {classifier:?}: {english} / 图片分类器 {classifier:?}：{chinese}")]
    ImageRuleInvalid {
        /// The classifier.
        classifier: String,
        /// What is wrong.
        english: String,
        /// Its Chinese text.
        chinese: String,
    },
    /// A question bank says something that its format does not allow.
    #[error("{path}:{line}: {english} / {path} 第 {line} 行：{chinese}")]
    BankInvalid {
        /// The file.
        path: String,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        english: String,
        /// Its Chinese text.
        chinese: String,
    },
    /// A file could not be written.
    #[error("cannot write {path} / 无法写入 {path}：{source}")]
    Unwritable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The system gave no random numbers.
    #[error("no random numbers from the system / 系统未能提供随机数：{0}")]
    Random(String),
}

impl Error {
    /// The code that users, scripts and the API see.
    pub fn code(&self) -> Code {
        match self {
            Self::PromptEmpty | Self::PromptTooLong { .. } | Self::PromptControlCharacter { .. } => Code::InvalidRequest,
            Self::LexiconUnreadable { .. }
            | Self::LexiconInvalid { .. }
            | Self::PackageDamaged { .. }
            | Self::PackageUntrusted { .. }
            | Self::KeyInvalid
            | Self::ExpressionInvalid { .. }
            | Self::RuleUseless { .. }
            | Self::ImageRuleInvalid { .. } => Code::ConfigurationInvalid,
            Self::BankInvalid { .. } => Code::DataInvalid,
            Self::Unwritable { .. } => Code::StorageFailed,
            Self::Random(_) => Code::Internal,
        }
    }
}
