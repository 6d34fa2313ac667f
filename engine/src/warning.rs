use serde::Serialize;
use std::fmt;

/// What a user should know of a run that goes on all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The text encoder takes fewer tokens than the prompt has.
    PromptCut {
        /// `prompt` or `negative_prompt`.
        field: &'static str,
        /// Tokens of the whole text.
        tokens: usize,
        /// Tokens that are seen.
        limit: usize,
        /// The first word of the text that is not seen.
        first_unseen: String,
    },
    /// The model was not trained at this size.
    UntrainedSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Widths and heights that it was trained at.
        sizes: Vec<[u32; 2]>,
    },
    /// A component's folder holds weights under several names.
    SeveralWeights {
        /// Folder of the component.
        component: String,
        /// The file that is read: the one that its Python library takes.
        read: String,
        /// Files that are not read.
        unread: Vec<String>,
    },
}

impl Warning {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PromptCut { .. } => "prompt_cut",
            Self::UntrainedSize { .. } => "untrained_size",
            Self::SeveralWeights { .. } => "several_weights",
        }
    }

    /// One sentence in English.
    pub fn english(&self) -> String {
        match self {
            Self::PromptCut { field, tokens, limit, first_unseen } => {
                format!("the {} has {tokens} tokens, the model sees {limit}: it ends before {first_unseen:?}", field.replace('_', " "))
            }
            Self::UntrainedSize { width, height, sizes } => {
                format!("the model was not trained at {width}×{height} but at {}: expect poor pictures", listed(sizes))
            }
            Self::SeveralWeights { component, read, unread } => {
                format!("{component} holds several sets of weights: {read} is read, {} is not", unread.join(", "))
            }
        }
    }

    /// One sentence in Chinese.
    pub fn chinese(&self) -> String {
        match self {
            Self::PromptCut { field, tokens, limit, first_unseen } => {
                let name = if *field == "negative_prompt" { "反向提示词" } else { "提示词" };
                format!("{name}共 {tokens} 个词元，模型只读前 {limit} 个，从“{first_unseen}”起未被读取")
            }
            Self::UntrainedSize { width, height, sizes } => {
                format!("模型未在 {width}×{height} 上训练，训练尺寸为 {}，效果可能很差", listed(sizes))
            }
            Self::SeveralWeights { component, read, unread } => {
                format!("{component} 中有多份权重：读取 {read}，未读取 {}", unread.join("、"))
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} / {}", self.english(), self.chinese())
    }
}

fn listed(sizes: &[[u32; 2]]) -> String {
    sizes.iter().map(|[width, height]| format!("{width}×{height}")).collect::<Vec<_>>().join(", ")
}
