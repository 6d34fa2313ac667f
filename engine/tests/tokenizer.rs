//! Tokens are those of transformers: goldens by `testkit/scripts/tokenizer_goldens.py`.

use engine::Error;
use engine::model_folder::ModelFolder;
use engine::tokenizer::Tokenizer;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
    decoded: String,
}

#[test]
fn texts_become_the_ids_of_transformers_and_back() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens");
    let tokenizer = Tokenizer::load(&ModelFolder::Directory(goldens.clone()), "tokenizer").unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(goldens.join("tokenizer/cases.json")).unwrap()).unwrap();
    assert!(cases.iter().any(|case| case.ids.len() == 24), "no case is truncated");
    for case in cases {
        assert_eq!(tokenizer.encode(&case.text).unwrap(), case.ids, "{:?}", case.text);
        assert_eq!(tokenizer.decode(&case.ids).unwrap(), case.decoded, "{:?}", case.text);
    }
    assert_eq!(tokenizer.model_max_length(), Some(24));
    assert_eq!((tokenizer.special_token_id("bos_token"), tokenizer.token_id("</s>")), (Some(1), Some(2)));
    assert_eq!(tokenizer.special_token_id("mask_token"), None);
}

#[test]
fn damaged_or_missing_tokenizers_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let load = || Tokenizer::load(&ModelFolder::Directory(folder.path().to_owned()), "tokenizer");
    assert!(matches!(load().err(), Some(Error::InvalidFile { .. })));
    std::fs::create_dir(folder.path().join("tokenizer")).unwrap();
    for content in ["", "{}", "[", "{\"model\": {\"type\": \"BPE\"}}"] {
        std::fs::write(folder.path().join("tokenizer/tokenizer.json"), content).unwrap();
        assert!(matches!(load().err(), Some(Error::InvalidFile { .. })), "{content}");
    }
}
