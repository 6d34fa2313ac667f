//! Records of a small model, with and without what an operator would supply.
#![allow(dead_code, reason = "each test binary uses its own part")]

use engine::inspection::inspect;
use engine::model_folder::ModelFolder;
use filing::{ClassifierRecord, DefaultOutput, ModelRecord, Records, Subject};
use policy::Lexicon;
use std::path::Path;

pub const TODAY: &str = "2026-12-01";

pub fn subject(folder: &Path, text: &str) -> Subject {
    let path = folder.join("filing.toml");
    std::fs::write(&path, text).unwrap();
    Subject::read(&path).unwrap()
}

/// Nothing but a model and the built-in lexicon.
pub fn bare(subject: Subject) -> Records {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testkit/goldens/pipelines/ernie-image");
    let folder = ModelFolder::open(place).unwrap();
    Records {
        today: TODAY.parse().unwrap(),
        subject,
        program: "0".to_owned(),
        provider_code: None,
        explicit_label: "AI生成".to_owned(),
        watermark: false,
        classifiers: vec![ClassifierRecord { name: "open-nsfw".to_owned(), classes: vec!["A1.f".to_owned()] }],
        appeal_contact: None,
        trusted_keys: 0,
        lexicons: vec![Lexicon::builtin().unwrap()],
        model: ModelRecord {
            identity: folder.identity("tiny").unwrap(),
            inspection: inspect(&folder).unwrap(),
            defaults: DefaultOutput { width: 64, height: 64, num_inference_steps: 4 },
            card: None,
        },
        registry: None,
        manifest: None,
        bank: None,
        evaluation: None,
        ledger: None,
    }
}
