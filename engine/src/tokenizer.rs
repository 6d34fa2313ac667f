//! Text to token ids and back, by the checkpoint's own `tokenizer.json`, with the semantics of transformers' fast
//! tokenizers.

use crate::error::{Error, Result};
use crate::model_folder::{JsonFile, ModelFolder};
use std::path::PathBuf;
use tokenizers::{TruncationDirection, TruncationParams, TruncationStrategy};

/// transformers writes 10³⁰ for "no limit"; no sequence is ever this long.
const NO_LIMIT: f64 = 1e15;

/// What a tokenizer leaves out of a text that has more tokens than its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutText {
    /// Tokens of the whole text.
    pub tokens: usize,
    /// Tokens that are kept.
    pub limit: usize,
    /// The first word that is left out.
    pub first_unseen: String,
}

/// Characters of a word that are shown: scripts without spaces have none that end sooner.
const LONGEST_WORD: usize = 20;

/// A tokenizer of a checkpoint.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// With the truncation that `encode` applies; absent when there is no limit.
    model_max_length: Option<usize>,
    path: PathBuf,
    config: Option<JsonFile>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` and, if there is one, `tokenizer_config.json` of a component.
    pub fn load(folder: &ModelFolder, component: &str) -> Result<Self> {
        let relative = format!("{component}/tokenizer.json");
        let path = folder.place(&relative);
        if !folder.exists(&relative) {
            return Err(Error::InvalidFile { path, detail: "is missing; only tokenizers with a tokenizer.json are supported".into() });
        }
        let inner = tokenizers::Tokenizer::from_bytes(&*folder.read(&relative)?)
            .map_err(|error| Error::InvalidFile { path: path.clone(), detail: error.to_string() })?;
        let config_name = format!("{component}/tokenizer_config.json");
        let config = if folder.exists(&config_name) { Some(JsonFile::read(folder, &config_name)?) } else { None };
        Self::assemble(inner, config, path)
    }

    fn assemble(mut inner: tokenizers::Tokenizer, config: Option<JsonFile>, path: PathBuf) -> Result<Self> {
        let invalid = |error: tokenizers::Error| Error::InvalidFile { path: path.clone(), detail: error.to_string() };
        inner.with_padding(None);
        let mut truncation = None;
        if let Some(config) = &config {
            // JSON may hold the limit as an integer that only a float can take.
            let limit = config.optional::<f64>("model_max_length")?.filter(|&limit| limit < NO_LIMIT);
            if let Some(limit) = limit {
                if limit < 1.0 {
                    return Err(config.invalid("model_max_length", format!("{limit} is not a length")));
                }
                let direction = match config.or("truncation_side", "right".to_owned())?.as_str() {
                    "left" => TruncationDirection::Left,
                    _ => TruncationDirection::Right,
                };
                let max_length = limit as usize;
                truncation = Some(TruncationParams { max_length, stride: 0, direction, strategy: TruncationStrategy::LongestFirst });
            }
        }
        let model_max_length = truncation.as_ref().map(|truncation| truncation.max_length);
        inner.with_truncation(truncation).map_err(invalid)?;
        Ok(Self { inner, model_max_length, path, config })
    }

    /// Ids of `text` with the special tokens of the checkpoint, cut to its `model_max_length`.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.inner.encode_fast(text, true).map(|encoding| encoding.get_ids().to_vec()).map_err(|error| self.failed(&error))
    }

    /// What [`Self::encode`] leaves out of `text`; `None` where it keeps all.
    pub fn cut(&self, text: &str) -> Result<Option<CutText>> {
        let Some(limit) = self.model_max_length else { return Ok(None) };
        let encoding = self.inner.encode(text, true).map_err(|error| self.failed(&error))?;
        // Special tokens stand in every part and belong to no part of the text.
        let own = |part: &tokenizers::Encoding| part.get_special_tokens_mask().iter().filter(|mask| **mask == 0).count();
        let rest = encoding.get_overflowing();
        let Some(first) = rest.first() else { return Ok(None) };
        let places = first.get_offsets().iter().zip(first.get_special_tokens_mask());
        let start = places.filter(|(_, mask)| **mask == 0).map(|((start, _), _)| *start).next().unwrap_or(0);
        let tokens = encoding.len() + rest.iter().map(own).sum::<usize>();
        Ok(Some(CutText { tokens, limit, first_unseen: word_at(text, start) }))
    }

    /// The text of `ids` without special tokens.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|error| self.failed(&error))
    }

    /// The id of a token as it is spelled in the vocabulary, for example `<s>`.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The id of a special token that `tokenizer_config.json` names under `field` (`bos_token`, `eos_token`, `pad_token`).
    pub fn special_token_id(&self, field: &str) -> Option<u32> {
        let value = self.config.as_ref()?.fields().get(field)?;
        // Older files hold an object with the text in `content`.
        let token = value.as_str().or_else(|| value.get("content")?.as_str())?;
        self.token_id(token)
    }

    /// Number of ids, added tokens included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Longest sequence that [`Self::encode`] returns; `None` when the checkpoint sets no limit.
    pub fn model_max_length(&self) -> Option<usize> {
        self.model_max_length
    }

    /// `tokenizer_config.json`, where there is one.
    pub fn config(&self) -> Option<&JsonFile> {
        self.config.as_ref()
    }

    fn failed(&self, error: &tokenizers::Error) -> Error {
        Error::InvalidFile { path: self.path.clone(), detail: error.to_string() }
    }
}

/// The word of `text` that holds the byte at `place`, or the first behind it: letters without a space between them, cut where they do
/// not end.
fn word_at(text: &str, place: usize) -> String {
    let place = (0..=place.min(text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    let (before, after) = text.split_at(place);
    let is_latin = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '\'';
    // A token may begin inside a word of a script with spaces.
    let begins_inside = after.starts_with(is_latin);
    let start = if begins_inside { before.trim_end_matches(is_latin).len() } else { place };
    let word = text.get(start..).unwrap_or_default().trim_start();
    word.split_whitespace().next().unwrap_or_default().chars().take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::word_at;

    #[test]
    fn the_word_at_a_place_is_whole_in_latin_letters_and_short_in_others() {
        assert_eq!(word_at("a red umbrella", 8), "umbrella");
        assert_eq!(word_at("a red umbrella", 5), "umbrella");
        assert_eq!(word_at("一只红色的猫 在窗台", 3), "只红色的猫");
        // Inside a character counts as at its start.
        assert_eq!(word_at("一只", 4), "只");
        assert_eq!(word_at("two words", 99), "");
        assert_eq!(word_at(&"字".repeat(50), 0).chars().count(), 20);
    }
}
