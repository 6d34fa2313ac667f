//! The tokenizer of a small model: single Chinese characters and whole words of other scripts, taken from the captions.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tokens before the vocabulary proper; the id is the place.
const SPECIAL: [&str; 3] = ["<unk>", "<s>", "</s>"];

/// What a caption is cut into after lower-casing and cutting at white space: runs of Latin letters and digits, and every
/// other character by itself.
const PIECES: &str = "[a-z0-9]+|[^a-z0-9]";

/// `tokenizer.json` for these captions. A piece enters the vocabulary if it occurs at least `minimum_count` times; the most
/// frequent come first, ties in code-point order, so the same captions give the same file.
pub fn tokenizer_json<'a>(captions: impl Iterator<Item = &'a str>, minimum_count: usize) -> Value {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for caption in captions {
        for piece in pieces(caption) {
            *counts.entry(piece).or_default() += 1;
        }
    }
    let mut frequent: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count >= minimum_count).collect();
    frequent.sort_by(|(first, first_count), (second, second_count)| second_count.cmp(first_count).then_with(|| first.cmp(second)));
    let words = SPECIAL.into_iter().map(str::to_owned).chain(frequent.into_iter().map(|(piece, _)| piece));
    let vocabulary: serde_json::Map<String, Value> = words.enumerate().map(|(id, word)| (word, json!(id))).collect();
    let special: Vec<Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": false}
            ]
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}}
            ],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
        },
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    })
}

/// Adds the pieces of these captions that `tokenizer`, made by [`tokenizer_json`], lacks; its ids stay as they are.
pub fn extend<'a>(tokenizer: &mut Value, captions: impl Iterator<Item = &'a str>, minimum_count: usize) {
    let new = tokenizer_json(captions, minimum_count);
    let Some(new) = new.pointer("/model/vocab").and_then(Value::as_object) else { return };
    let mut pieces: Vec<(&String, u64)> = new.iter().filter_map(|(piece, id)| Some((piece, id.as_u64()?))).collect();
    pieces.sort_by_key(|(_, id)| *id);
    let Some(vocabulary) = tokenizer.pointer_mut("/model/vocab").and_then(Value::as_object_mut) else { return };
    for (piece, _) in pieces {
        let id = vocabulary.len();
        vocabulary.entry(piece).or_insert_with(|| json!(id));
    }
}

/// `tokenizer_config.json`.
pub fn tokenizer_config(maximum_tokens: usize) -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "</s>",
        "clean_up_tokenization_spaces": false,
        "model_max_length": maximum_tokens
    })
}

/// Number of entries of a `tokenizer.json` made by [`tokenizer_json`].
pub fn vocabulary_size(tokenizer: &Value) -> usize {
    tokenizer.pointer("/model/vocab").and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

/// The pieces of a caption, as the normaliser and pre-tokenizers of [`tokenizer_json`] cut it.
fn pieces(caption: &str) -> Vec<String> {
    use unicode_normalization::UnicodeNormalization as _;
    let text = caption.nfkc().collect::<String>().to_lowercase();
    let is_word = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let mut pieces = Vec::new();
    for run in text.split_whitespace() {
        let mut word = String::new();
        for character in run.chars() {
            if is_word(character) {
                word.push(character);
                continue;
            }
            if !word.is_empty() {
                pieces.push(std::mem::take(&mut word));
            }
            pieces.push(character.to_string());
        }
        if !word.is_empty() {
            pieces.push(word);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{extend, pieces, tokenizer_json, vocabulary_size};

    #[test]
    fn an_extended_vocabulary_keeps_its_ids() {
        let before = tokenizer_json(["红苹果", "苹果"].into_iter(), 1);
        let mut after = before.clone();
        extend(&mut after, ["绿苹果", "绿梨"].into_iter(), 1);
        let ids = |tokenizer: &serde_json::Value| tokenizer.pointer("/model/vocab").unwrap().as_object().unwrap().clone();
        assert!(ids(&before).iter().all(|(piece, id)| ids(&after)[piece] == *id));
        assert_eq!(vocabulary_size(&after), vocabulary_size(&before) + 2);
        assert_eq!((&ids(&after)["绿"], &ids(&after)["梨"]), (&6.into(), &7.into()));
    }

    #[test]
    fn the_tokenizer_cuts_as_the_vocabulary_was_counted() {
        let captions = ["两只小狗，蓝色背景", "a Red CAR on white", "3D 风格，ＡＢＣ"];
        let tokenizer: tokenizers::Tokenizer = serde_json::from_value(tokenizer_json(captions.into_iter(), 1)).unwrap();
        for caption in captions {
            let encoding = tokenizer.encode(caption, true).unwrap();
            assert_eq!(encoding.get_ids()[0], 1, "starts with <s>");
            assert_eq!(encoding.get_tokens()[1..], pieces(caption), "{caption}");
        }
        assert_eq!(tokenizer.encode("zebra", true).unwrap().get_ids(), [1, 0]);
        assert_eq!(tokenizer.encode("", true).unwrap().get_ids(), [1]);
    }
}
