//! What a picture classifier said, taken at its word only where the words are sound.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// What a classifier said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which classifier it was, exactly: a digest of its weights, or what a service says of itself.
    pub version: String,
    /// Labels, each once with a score from 0 to 1. Labels that no rule names do not count.
    pub scores: Vec<(String, f32)>,
}

/// Why an answer is not used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedAnswer {
    /// The bytes are not the documented JSON.
    #[error(
        "the answer is not {{\"scores\": {{label: number}}}} with each key once: {0} / 应答应为 {{\"scores\": {{标签: 数值}}}}，每个键只出现一次：{0}"
    )]
    Format(String),
    /// There are no scores.
    #[error("the answer has no scores / 应答中没有得分")]
    Empty,
    /// A label has several scores, and nobody knows which one is meant.
    #[error("the answer has several scores for {0:?} / 应答中 {0:?} 的得分重复")]
    Repeated(String),
    /// A score is no probability.
    #[error("the score {score} of {label:?} is not from 0 to 1 / {label:?} 的得分 {score} 不在 0 到 1 之间")]
    OutOfRange {
        /// The label.
        label: String,
        /// Its score.
        score: f32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    version: Option<String>,
    scores: Scores,
}

/// Pairs as they stand: a map would keep the last of equal keys and forget the others.
struct Scores(Vec<(String, f32)>);

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Scores;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of labels and numbers")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Scores, M::Error> {
                let mut scores = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    scores.push(pair);
                }
                Ok(Scores(scores))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

impl Answer {
    /// Reads `{"version": "…", "scores": {label: number, …}}` to the last byte: the version may be left out, other keys and repeated ones
    /// are errors.
    pub fn from_json(bytes: &[u8]) -> Result<Self, MalformedAnswer> {
        let body: Body = serde_json::from_slice(bytes).map_err(|error| MalformedAnswer::Format(error.to_string()))?;
        let answer = Self { version: body.version.unwrap_or_default(), scores: body.scores.0 };
        answer.check()?;
        Ok(answer)
    }

    /// Whether every score is a number from 0 to 1 and every label stands once. Scores of labels that no rule names are held to it too:
    /// whoever says nonsense of one label is not believed on another.
    pub fn check(&self) -> Result<(), MalformedAnswer> {
        if self.scores.is_empty() {
            return Err(MalformedAnswer::Empty);
        }
        let mut seen = BTreeSet::new();
        for (label, score) in &self.scores {
            if !seen.insert(label) {
                return Err(MalformedAnswer::Repeated(label.clone()));
            }
            if !(0.0..=1.0).contains(score) {
                return Err(MalformedAnswer::OutOfRange { label: label.clone(), score: *score });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, MalformedAnswer};

    #[test]
    fn a_sound_answer_is_read() {
        let answer = Answer::from_json(br#" {"version": "v2", "scores": {"nsfw": 0.02, "gore": 1}} "#).unwrap();
        assert_eq!((answer.version.as_str(), answer.scores.len()), ("v2", 2));
        assert_eq!(Answer::from_json(br#"{"scores": {"nsfw": 0}}"#).unwrap().version, "");
    }

    #[test]
    fn a_key_that_is_repeated_is_refused_whatever_its_last_value() {
        assert!(matches!(Answer::from_json(br#"{"scores": {"nsfw": 0.99, "nsfw": 0.01}}"#), Err(MalformedAnswer::Repeated(_))));
        assert!(matches!(Answer::from_json(br#"{"scores": {"nsfw": 0.99, "\u006esfw": 0.01}}"#), Err(MalformedAnswer::Repeated(_))));
        for twice in
            [r#"{"scores": {"nsfw": 0.99}, "scores": {"nsfw": 0.01}}"#, r#"{"version": "a", "version": "b", "scores": {"nsfw": 0.01}}"#]
        {
            assert!(matches!(Answer::from_json(twice.as_bytes()), Err(MalformedAnswer::Format(_))), "{twice}");
        }
    }

    #[test]
    fn nothing_else_than_the_documented_answer_is_believed() {
        for wrong in [
            "",
            "[]",
            "null",
            "{}",
            r#"{"scores": null}"#,
            r#"{"scores": []}"#,
            r#"{"scores": {}}"#,
            r#"{"scores": {"nsfw": NaN}}"#,
            r#"{"scores": {"nsfw": Infinity}}"#,
            r#"{"scores": {"nsfw": 1e999}}"#,
            r#"{"scores": {"nsfw": null}}"#,
            r#"{"scores": {"nsfw": "0.1"}}"#,
            r#"{"scores": {"nsfw": true}}"#,
            r#"{"scores": {"nsfw": [0.1]}}"#,
            r#"{"scores": {"nsfw": -0.1}}"#,
            r#"{"scores": {"nsfw": 1.0001}}"#,
            r#"{"scores": {"nsfw": 0.1, "other": 7}}"#,
            r#"{"scores": {"nsfw": 0.1}, "error": "overloaded"}"#,
            r#"{"version": 2, "scores": {"nsfw": 0.1}}"#,
            r#"{"scores": {"nsfw": 0.1}} {"scores": {"nsfw": 0.9}}"#,
            r#"{"scores": {"nsfw": 0.1"#,
        ] {
            assert!(Answer::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Answer::from_json(b"{\"scores\": {\"\xff\": 0.1}}").is_err());
    }
}
