//! What is wrong with a model is said before it runs, or ends the run: nothing comes of it. What a user should know is a warning.

use engine::families::{Control, Residency};
use engine::inspection::inspect;
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::ModelFolder;
use engine::tokenizer::Tokenizer;
use engine::weights::{ElementType, SafetensorsSource, TensorBytes, TensorSource as _, write_safetensors};
use engine::{Device, Error, LoadedModel, ModelDefaults, TrainedSizes};
use serde_json::{Value, json};
use spec::RunPrecision;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// A copy of the golden model.
fn model() -> tempfile::TempDir {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines/ernie-image");
    let folder = tempfile::tempdir().unwrap();
    copy(&golden, folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            assert!(fs::copy(&path, target).is_ok());
        }
    }
}

fn open(folder: &Path) -> engine::Result<LoadedModel> {
    LoadedModel::open(ModelFolder::open(folder)?, "golden", RunPrecision::F32, Residency::OneAtATime)
}

fn refused(folder: &Path) -> String {
    open(folder).err().unwrap().to_string()
}

/// Why inspection says that a model does not run.
fn reasons(folder: &Path) -> String {
    let inspection = inspect(&ModelFolder::open(folder).unwrap()).unwrap();
    assert_eq!(inspection.supported, inspection.reasons.is_empty());
    inspection.reasons.join("; ")
}

fn request() -> FamilyRequest {
    FamilyRequest {
        prompts: vec!["a cat".into()],
        negative_prompt: String::new(),
        width: 32,
        height: 32,
        num_inference_steps: 2,
        guidance_scale: 1.0,
        seeds: vec![1],
        shortcuts: Shortcuts::default(),
    }
}

/// Sets a field of a component's `config.json`.
fn configure(folder: &Path, component: &str, field: &str, value: Value) {
    let path = folder.join(component).join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    match field.split_once('.') {
        Some((section, field)) => config[section][field] = value,
        None => config[field] = value,
    }
    fs::write(path, config.to_string()).unwrap();
}

/// Writes the weights of a component anew, as `change` wants each tensor; `None` leaves it out.
fn rewrite(folder: &Path, component: &str, file: &str, change: impl Fn(TensorBytes<'static>) -> Option<TensorBytes<'static>>) {
    let path = folder.join(component).join(file);
    let source = SafetensorsSource::open(&path).unwrap();
    let tensors: Vec<TensorBytes<'static>> = source
        .names()
        .into_iter()
        .filter_map(|name| {
            let (element_type, bytes) = source.bytes(&name).unwrap();
            let shape = source.shape(&name).unwrap();
            change(TensorBytes { name, element_type, shape, bytes: bytes.to_vec().into() })
        })
        .collect();
    drop(source);
    write_safetensors(&path, tensors, &BTreeMap::new()).unwrap();
}

#[test]
fn a_sound_model_is_supported_and_has_no_warnings() {
    let folder = model();
    assert_eq!(reasons(folder.path()), "");
    assert_eq!(inspect(&ModelFolder::open(folder.path()).unwrap()).unwrap().warnings, []);
    assert!(open(folder.path()).is_ok());
}

#[test]
fn a_value_that_is_not_finite_ends_the_run_and_names_its_weight() {
    for (component, file, name) in [
        ("transformer", WEIGHTS, "layers.1.mlp.up_proj.weight"),
        ("transformer", WEIGHTS, "final_linear.bias"),
        ("vae", WEIGHTS, "decoder.conv_out.weight"),
        ("text_encoder", "model.safetensors", "language_model.model.embed_tokens.weight"),
    ] {
        for bad in [f32::NAN, f32::INFINITY] {
            let folder = model();
            rewrite(folder.path(), component, file, |mut tensor| {
                if tensor.name == name {
                    let bytes = match tensor.element_type {
                        ElementType::F32 => bad.to_le_bytes().to_vec(),
                        _ => half::bf16::from_f32(bad).to_le_bytes().to_vec(),
                    };
                    let place = tensor.bytes.len() / 2 / bytes.len() * bytes.len();
                    tensor.bytes.to_mut()[place..place + bytes.len()].copy_from_slice(&bytes);
                }
                Some(tensor)
            });
            let mut model = open(folder.path()).unwrap();
            let found = Measurement::of(&mut model).pictures(&request(), &mut |_| Control::Continue);
            let Err(Error::NotFinite { name: found, place }) = found else { panic!("{name}: {found:?}") };
            assert!(found == name && place.contains(component), "{found} in {place}");
        }
    }
}

#[test]
fn values_that_overflow_on_the_way_end_the_run_and_name_its_place() {
    let folder = model();
    rewrite(folder.path(), "transformer", WEIGHTS, |mut tensor| {
        if tensor.name == "final_linear.weight" {
            let huge = match tensor.element_type {
                ElementType::F32 => f32::MAX.to_le_bytes().to_vec(),
                _ => half::bf16::MAX.to_le_bytes().to_vec(),
            };
            tensor.bytes = huge.repeat(tensor.bytes.len() / huge.len()).into();
        }
        Some(tensor)
    });
    let mut model = open(folder.path()).unwrap();
    let error = Measurement::of(&mut model).pictures(&request(), &mut |_| Control::Continue).unwrap_err().to_string();
    assert!(error.contains("step 1") && error.contains("transformer"), "{error}");
}

#[test]
fn configs_that_no_model_can_have_are_refused_by_loading_and_by_inspection_alike() {
    for (component, field, value) in [
        ("transformer", "num_attention_heads", json!(0)),
        ("transformer", "num_attention_heads", json!(7)),
        ("transformer", "in_channels", json!(1_000_000_000_000_u64)),
        ("transformer", "in_channels", json!(64)),
        ("transformer", "hidden_size", json!(0)),
        ("transformer", "num_layers", json!(u64::MAX)),
        ("transformer", "ffn_hidden_size", json!(1_u64 << 62)),
        ("transformer", "patch_size", json!(0)),
        ("transformer", "rope_axes_dim", json!([u64::MAX, 2, 2])),
        ("transformer", "eps", json!(-1.0)),
        ("transformer", "text_in_dim", json!(47)),
        ("vae", "block_out_channels", json!([])),
        ("vae", "block_out_channels", json!(vec![8; 80])),
        ("vae", "block_out_channels", json!([0, 8, 16, 16])),
        ("vae", "norm_num_groups", json!(0)),
        ("vae", "latent_channels", json!(1_u64 << 50)),
        ("vae", "layers_per_block", json!(0)),
        ("vae", "out_channels", json!(1_000_000)),
        ("text_encoder", "text_config.num_attention_heads", json!(0)),
        ("text_encoder", "text_config.num_key_value_heads", json!(0)),
        ("text_encoder", "text_config.num_key_value_heads", json!(3)),
        ("text_encoder", "text_config.head_dim", json!(15)),
        ("text_encoder", "text_config.num_hidden_layers", json!(0)),
        ("text_encoder", "text_config.vocab_size", json!(u64::MAX)),
        ("text_encoder", "text_config.rms_norm_eps", json!(0.0)),
        ("text_encoder", "text_config.rope_parameters", json!({"rope_type": "yarn", "rope_theta": 0.0, "factor": 4.0})),
        ("text_encoder", "text_config.rope_parameters", json!({"rope_type": "spiral", "rope_theta": 10000.0})),
    ] {
        let folder = model();
        configure(folder.path(), component, field, value.clone());
        let (loading, inspecting) = (refused(folder.path()), reasons(folder.path()));
        assert!(inspecting.contains(&loading), "{component} {field} = {value}: {loading} ≠ {inspecting}");
        assert!(!loading.is_empty());
    }
}

#[test]
fn inspection_refuses_what_loading_refuses_of_weights() {
    let folder = model();
    rewrite(folder.path(), "transformer", WEIGHTS, |mut tensor| {
        if tensor.name == "layers.0.mlp.up_proj.weight" {
            let values = tensor.shape.iter().product();
            tensor = TensorBytes { element_type: ElementType::F8E4M3, bytes: vec![0; values].into(), ..tensor };
        }
        Some(tensor)
    });
    let (loading, inspecting) = (refused(folder.path()), reasons(folder.path()));
    assert!(loading.contains("F8_E4M3") && inspecting.contains(&loading), "{loading} ≠ {inspecting}");

    let folder = model();
    rewrite(folder.path(), "pe", "model.safetensors", |tensor| (tensor.name != "model.norm.weight").then_some(tensor));
    assert!(reasons(folder.path()).contains("model.norm.weight"), "{}", reasons(folder.path()));
}

#[test]
fn every_component_is_checked_before_the_first_step() {
    let folder = model();
    rewrite(folder.path(), "vae", WEIGHTS, |tensor| (tensor.name != "decoder.conv_out.weight").then_some(tensor));
    assert!(refused(folder.path()).contains("decoder.conv_out.weight"));
    let folder = model();
    rewrite(folder.path(), "vae", WEIGHTS, |tensor| {
        let extra = tensor.name == "decoder.conv_out.bias";
        Some(if extra { TensorBytes { name: "decoder.more.bias".into(), ..tensor } } else { tensor })
    });
    assert!(refused(folder.path()).contains("decoder.conv_out.bias"));
    let folder = model();
    fs::remove_file(folder.path().join("vae").join(WEIGHTS)).unwrap();
    assert!(refused(folder.path()).contains("vae"));
}

#[test]
fn of_two_sets_of_weights_the_one_of_the_python_library_is_read_and_the_other_is_named() {
    let folder = model();
    let index = json!({"weight_map": {"a": "model-00001.safetensors"}}).to_string();
    fs::write(folder.path().join("text_encoder/model.safetensors.index.json"), &index).unwrap();
    // transformers takes the whole file; the index names a shard that is not even there.
    let model = open(folder.path()).unwrap();
    let warnings = inspect(&ModelFolder::open(folder.path()).unwrap()).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].to_string();
    assert!(text.contains("text_encoder/model.safetensors is read") && text.contains("model.safetensors.index.json"), "{text}");
    drop(model);
    // diffusers takes the index.
    fs::write(folder.path().join("vae").join(format!("{WEIGHTS}.index.json")), index).unwrap();
    assert!(refused(folder.path()).contains("model-00001.safetensors"));
}

#[test]
fn a_byte_order_mark_and_a_pointer_of_git_lfs_are_called_by_their_names() {
    let folder = model();
    let path = folder.path().join("transformer/config.json");
    let with_mark = [b"\xef\xbb\xbf".to_vec(), fs::read(&path).unwrap()].concat();
    fs::write(&path, with_mark).unwrap();
    assert!(refused(folder.path()).contains("byte order mark"));
    for file in ["transformer/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json", "vae/config.json"] {
        let folder = model();
        fs::write(folder.path().join(file), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n").unwrap();
        let found = refused(folder.path());
        assert!(found.contains("git lfs pull") && found.contains(file), "{found}");
        assert!(reasons(folder.path()).contains("git lfs pull"));
    }
}

#[test]
fn what_the_text_encoder_does_not_see_of_a_prompt_is_told() {
    let folder = model();
    let path = folder.path().join("tokenizer/tokenizer_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["model_max_length"] = json!(6);
    fs::write(&path, config.to_string()).unwrap();
    let tokenizer = Tokenizer::load(&ModelFolder::open(folder.path()).unwrap(), "tokenizer").unwrap();
    assert_eq!(tokenizer.cut("a").unwrap(), None);
    let text = "a cat, umbrella, umbrella";
    let cut = tokenizer.cut(text).unwrap().unwrap();
    assert_eq!(cut.limit, 6);
    assert!(cut.tokens > 6 && !cut.first_unseen.is_empty() && text.contains(&cut.first_unseen), "{cut:?}");
    // Just as many tokens as there is room for are no fault.
    let fits = (1..text.len()).filter_map(|end| text.get(..end)).filter(|text| tokenizer.encode(text).unwrap().len() == 6);
    assert!(fits.clone().count() > 0 && fits.clone().any(|text| tokenizer.cut(text).unwrap().is_none()));
}

#[test]
fn sizes_that_a_model_was_trained_at_come_from_its_folder_or_its_family() {
    let read = |content: Option<Value>| {
        let folder = model();
        if let Some(content) = content {
            fs::write(folder.path().join("danqing.json"), content.to_string()).unwrap();
        }
        let folder = ModelFolder::open(folder.path()).unwrap();
        Ok::<_, Error>((ModelDefaults::read(&folder)?, TrainedSizes::read(&folder)?))
    };
    let (defaults, sizes) = read(None).unwrap();
    assert_eq!((defaults.width, defaults.num_inference_steps), (1024, 50));
    assert!(sizes.hold(1024, 1024) && sizes.hold(848, 1264) && !sizes.hold(512, 512));
    // A small model with a size of its own knows no other.
    let (defaults, sizes) = read(Some(json!({"width": 128, "height": 128}))).unwrap();
    assert_eq!((defaults.width, defaults.guidance_scale), (128, 4.0));
    assert_eq!(sizes.list(), [[128, 128]]);
    let (_, sizes) = read(Some(json!({"width": 128, "height": 128, "sizes": [[128, 128], [64, 128]]}))).unwrap();
    assert!(sizes.hold(64, 128) && !sizes.hold(128, 64));
    for bad in [json!({"width": 0}), json!({"num_inference_steps": 0}), json!({"guidance_scale": -1.0}), json!({"sizes": [[0, 1]]})] {
        assert!(read(Some(bad.clone())).is_err(), "{bad}");
    }
}

#[test]
fn a_tensor_is_finite_if_all_its_values_are() {
    let device = Device::cpu(RunPrecision::F32);
    let mut values = vec![1.0_f32; (1 << 20) + 3];
    let tensor = |values: &[f32]| engine::Tensor::from_f32(values.to_vec(), &[values.len()], &device).unwrap();
    assert!(tensor(&values).is_finite() && tensor(&values).to_bf16().is_finite() && tensor(&[]).is_finite());
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in [0, 1 << 20, values.len() - 1] {
            values[place] = bad;
            assert!(!tensor(&values).is_finite() && !tensor(&values).to_bf16().is_finite(), "{bad} at {place}");
            values[place] = 1e38;
        }
        values.fill(-1.0);
    }
}
