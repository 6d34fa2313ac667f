//! Lists of words that are refused, and why. Two forms are read: a signed package (a folder) and a single TOML file.

pub(crate) mod package;
pub(crate) mod signature;
mod single_file;

use crate::lexicon::signature::{Origin, Trust};
use crate::normalise::Normalised;
use crate::{Date, Error, RiskClass, View};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A part of the request that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What to generate.
    Prompt,
    /// What to keep away from.
    NegativePrompt,
    /// The problem file of an engineering design; rules for the prompt read it.
    Problem,
}

impl Field {
    /// Those that rules name.
    pub const ALL: [Field; 2] = [Field::Prompt, Field::NegativePrompt];

    /// Name in the request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::NegativePrompt => "negative_prompt",
            Self::Problem => "problem",
        }
    }
}

/// What happens to a request that meets a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is refused.
    #[default]
    Refuse,
    /// A person should look at it: see [`crate::OnReview`].
    Review,
}

/// How the terms of a rule are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatchType {
    /// A term with an ideograph anywhere, a term of letters as whole words.
    #[default]
    Automatic,
    /// Anywhere, inside words too.
    Substring,
    /// Whole words: what touches the term must not go on in the same script.
    Word,
    /// By its sound only, in the views [`View::Pinyin`] and [`View::Homophone`].
    Pinyin,
    /// A regular expression over the plain view, in which anything that separates characters is one space, and a clause ends
    /// with a line end.
    Regex,
}

/// Words that must stand near a term before its rule is met: verbs and objects, groups of people and insults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Companions {
    /// Lists of words; one word of each list must be there.
    pub lists: Vec<Vec<String>>,
    /// Most ideographs and words between a term and its companion.
    pub within: usize,
    /// On which side of the term companions stand.
    pub order: Order,
}

impl Companions {
    /// Most lists of one rule.
    pub const MOST_LISTS: usize = 3;
    /// [`Self::within`] where a rule does not say: a long attribute, and still the same phrase.
    pub const WITHIN: usize = 6;
    /// Greatest [`Self::within`]: about a sentence.
    pub const WITHIN_LIMIT: usize = 40;

    /// What is wrong with them, in English and Chinese.
    pub(crate) fn check(&self, match_type: MatchType) -> Result<(), (&'static str, &'static str)> {
        let searchable = |word: &String| !Normalised::new(word).units.is_empty();
        if match_type == MatchType::Regex {
            Err(("a regular expression takes no companions: write them into it", "正则表达式不能带 with：请写进表达式本身"))
        } else if self.lists.is_empty() || self.lists.len() > Self::MOST_LISTS || self.lists.iter().any(Vec::is_empty) {
            Err(("with must be one to three lists, none of them empty", "with 应为一至三个非空列表"))
        } else if !self.lists.iter().flatten().all(searchable) {
            Err(("a word of with needs at least one letter, digit or ideograph", "with 中的词至少要有一个汉字、字母或数字"))
        } else if self.within > Self::WITHIN_LIMIT {
            Err(("within must be at most 40", "within 最大为 40"))
        } else {
            Ok(())
        }
    }
}

/// On which side of a term its companions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// On either side.
    #[default]
    Any,
    /// Behind it.
    TermFirst,
}

/// Words that are refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Unique within the lexicon.
    pub id: String,
    /// The risk that it is about.
    pub class: RiskClass,
    /// Words as their author wrote them.
    pub terms: Vec<String>,
    /// Longer words that contain a term by chance or innocently: a term inside one of them is no match.
    pub exceptions: Vec<String>,
    /// Words right behind which a term is no match: 禁止, *stop*.
    pub unless_after: Vec<String>,
    /// Where it applies.
    pub fields: Vec<Field>,
    /// What happens when it is met.
    pub severity: Severity,
    /// How its terms are found.
    pub match_type: MatchType,
    /// The views that it is asked in. None stands for all of them, with terms too short for a view left out of it.
    pub views: Option<Vec<View>>,
    /// Words that must stand near a term; without them a term alone meets the rule.
    pub companions: Option<Companions>,
}

/// A named, versioned list of rules. The formats are described in `policy/lexicons/README.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexicon {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) created: Option<Date>,
    pub(crate) origin: Origin,
    pub(crate) rules: Vec<Rule>,
}

impl Lexicon {
    /// Parses a single TOML file; `path` is only named in errors, which also name the line and the rule.
    pub fn parse(text: &str, path: &str) -> Result<Self, Error> {
        single_file::parse(text, path)
    }

    /// Reads a single TOML file or a package, whoever signed it. A signature that is there must hold.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_trusting(path, &Trust::Anyone)
    }

    /// Reads a single TOML file or a package, if `trust` allows it.
    pub fn read_trusting(path: &Path, trust: &Trust) -> Result<Self, Error> {
        let lexicon = if path.is_dir() {
            package::read(path)?
        } else {
            let text =
                std::fs::read_to_string(path).map_err(|source| Error::LexiconUnreadable { path: path.display().to_string(), source })?;
            Self::parse(&text, &path.display().to_string())?
        };
        trust.check(&lexicon.origin, path)?;
        Ok(lexicon)
    }

    /// The list that Danqing ships: a starting point, not a complete one.
    pub fn builtin() -> Result<Self, Error> {
        package::parse_builtin()
    }

    /// Its rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The day that it was made, where it says so.
    pub fn created(&self) -> Option<Date> {
        self.created
    }

    /// Who vouches for it.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Name and version as they stand in verdicts, for example `danqing-builtin@3`.
impl fmt::Display for Lexicon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name, self.version)
    }
}
