//! Greedy texts are those of transformers: goldens by `testkit/scripts/make_parity_pipelines.py`. Sampling follows its seed.

use engine::model_folder::ModelFolder;
use engine::prompt_enhancer::{Decoding, PromptEnhancer};
use engine::{Device, Error};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use spec::RunPrecision;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Case {
    prompt: String,
    width: usize,
    height: usize,
    input_text: String,
    input_ids: Vec<u32>,
    ids: Vec<u32>,
    full_text: String,
    full_ids: Vec<u32>,
}

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines")
}

fn cases() -> Vec<Case> {
    serde_json::from_slice(&std::fs::read(goldens().join("ernie-image-goldens/prompt_enhancer.json")).unwrap()).unwrap()
}

fn load(path: &Path) -> engine::Result<Option<PromptEnhancer>> {
    PromptEnhancer::load(&ModelFolder::open(path).unwrap(), &Device::cpu(RunPrecision::F32))
}

fn enhancer() -> PromptEnhancer {
    load(&goldens().join("ernie-image")).unwrap().unwrap()
}

fn sampled(top_p: f32, seed: u64) -> Decoding {
    Decoding::Sampled { temperature: 1.5, top_p, seed }
}

/// A copy of the model's folder without weights that this test does not read.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["model_index.json", "pe/config.json", "pe/model.safetensors", "pe_tokenizer/tokenizer.json"] {
        let to = copy.path().join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(goldens().join("ernie-image").join(file), to).unwrap();
    }
    for file in ["pe_tokenizer/tokenizer_config.json", "pe_tokenizer/chat_template.jinja"] {
        std::fs::copy(goldens().join("ernie-image").join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[test]
fn greedy_texts_are_those_of_transformers() {
    let (enhancer, mut go_on) = (enhancer(), || false);
    let cases = cases();
    assert!(cases.iter().any(|case| case.ids.last() == Some(&2)) && cases.iter().any(|case| case.ids.len() == 24));
    for case in cases {
        assert_eq!(enhancer.input_text(&case.prompt, case.width, case.height).unwrap(), case.input_text);
        assert_eq!(enhancer.generate(&case.input_ids, 24, Decoding::Greedy, &mut go_on).unwrap(), case.ids, "{}", case.prompt);
        assert_eq!(enhancer.generate(&case.input_ids, 160, Decoding::Greedy, &mut go_on).unwrap(), case.full_ids, "{}", case.prompt);
        let text = enhancer.enhance(&case.prompt, (case.width, case.height), Decoding::Greedy, &mut go_on).unwrap();
        assert_eq!(text, case.full_text, "{}", case.prompt);
    }
}

#[test]
fn sampling_follows_its_seed_and_top_p_0_is_greedy() {
    let (enhancer, mut go_on) = (enhancer(), || false);
    let ids = &cases()[0].input_ids;
    let mut generate = |decoding| enhancer.generate(ids, 24, decoding, &mut go_on).unwrap();
    let first = generate(sampled(0.95, 1));
    assert_eq!(first, generate(sampled(0.95, 1)));
    let others: Vec<_> = (2..6).map(|seed| generate(sampled(0.95, seed))).collect();
    assert!(others.iter().all(|other| *other != first), "{others:?}");
    for seed in 1..4 {
        assert_eq!(generate(sampled(0.0, seed)), generate(Decoding::Greedy));
    }
}

#[test]
fn a_caller_can_stop_and_bad_requests_are_refused() {
    let (enhancer, mut asked) = (enhancer(), 0);
    let mut stop_at_third = || {
        asked += 1;
        asked == 3
    };
    assert!(matches!(enhancer.enhance("a red shoe", (64, 64), Decoding::Greedy, &mut stop_at_third), Err(Error::Interrupted)));
    assert_eq!(asked, 3);
    let refused =
        |prompt: &str, decoding| matches!(enhancer.enhance(prompt, (64, 64), decoding, &mut || false), Err(Error::InvalidRequest(_)));
    assert!(refused(&"long ".repeat(200), Decoding::Greedy));
    for decoding in [sampled(-0.1, 0), sampled(1.1, 0), Decoding::Sampled { temperature: 0.0, top_p: 0.9, seed: 0 }] {
        assert!(refused("a red shoe", decoding), "{decoding:?}");
    }
}

#[test]
fn the_template_may_stand_in_the_tokenizer_config() {
    let copy = copy();
    let (file, config) = (copy.path().join("pe_tokenizer/chat_template.jinja"), copy.path().join("pe_tokenizer/tokenizer_config.json"));
    let template = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    assert!(matches!(load(copy.path()).err(), Some(Error::InvalidFile { .. })));
    let mut fields: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    for value in [template.as_str().into(), serde_json::json!([{ "name": "default", "template": template }])] {
        fields["chat_template"] = value;
        std::fs::write(&config, serde_json::to_vec(&fields).unwrap()).unwrap();
        let case = &cases()[1];
        let text = load(copy.path()).unwrap().unwrap().input_text(&case.prompt, case.width, case.height).unwrap();
        assert_eq!(text, case.input_text);
    }
}

#[test]
fn templates_see_special_tokens_and_can_refuse() {
    let copy = copy();
    let with = |template: &str| {
        std::fs::write(copy.path().join("pe_tokenizer/chat_template.jinja"), template).unwrap();
        load(copy.path()).and_then(|enhancer| enhancer.unwrap().input_text("猫", 16, 32))
    };
    let template = "{{ bos_token }}{% for m in messages %}\n  {% if m['role'] == 'user' %}\n{{ m.content.lstrip() }}{% endif %}\n{% endfor %}{{ eos_token }}";
    assert_eq!(with(template).unwrap(), r#"<s>{"prompt": "猫", "width": 16, "height": 32}</s>"#);
    for template in ["{{ raise_exception('no') }}", "{{ messages | tojson }}", "{% if %}", "{{ messages[0].content.title() }}"] {
        assert!(matches!(with(template), Err(Error::InvalidFile { .. })), "{template}");
    }
}

#[test]
fn tied_embeddings_are_the_output_projection() {
    let copy = copy();
    let (weights, config) = (copy.path().join("pe/model.safetensors"), copy.path().join("pe/config.json"));
    let bytes = std::fs::read(&weights).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let embedding = file.tensor("model.embed_tokens.weight").unwrap();
    let write = |tensors: Vec<(String, TensorView<'_>)>| std::fs::write(&weights, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let without: Vec<_> = file.tensors().into_iter().filter(|(name, _)| name != "lm_head.weight").collect();
    let generate = || {
        let enhancer = load(copy.path()).unwrap().unwrap();
        enhancer.generate(&cases()[0].input_ids, 24, Decoding::Greedy, &mut || false).unwrap()
    };
    write(without.iter().cloned().chain([("lm_head.weight".to_owned(), embedding)]).collect());
    let expected = generate();
    assert_ne!(expected, cases()[0].ids);

    write(without);
    assert!(matches!(load(copy.path()).err(), Some(Error::MissingTensor { .. })));
    let mut fields: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    fields["tie_word_embeddings"] = true.into();
    std::fs::write(&config, serde_json::to_vec(&fields).unwrap()).unwrap();
    assert_eq!(generate(), expected);
}

#[test]
fn models_without_an_enhancer_have_none() {
    let copy = copy();
    let index = copy.path().join("model_index.json");
    let mut fields: serde_json::Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    fields["pe"] = serde_json::json!([null, null]);
    fields["pe_tokenizer"] = serde_json::json!([null, null]);
    std::fs::write(&index, serde_json::to_vec(&fields).unwrap()).unwrap();
    assert!(load(copy.path()).unwrap().is_none());
}
