//! Weights round-trip through files, whole and in shards; a model takes exactly what its config implies; a model's identity
//! is that of the files that take part in a run.

use engine::inspection::inspect;
use engine::model_folder::{JsonFile, ModelFolder, ModelIndex};
use engine::weights::{ElementType, Loader, MemorySource, SafetensorsSource, TensorBytes, TensorSource, write_safetensors};
use engine::{Device, Error, Tensor};
use half::f16;
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn device() -> Device {
    Device::cpu(RunPrecision::F32)
}

fn counting(shape: &[usize]) -> Tensor {
    let values = (0..shape.iter().product::<usize>()).map(|value| value as f32 - 3.0).collect();
    Tensor::from_f32(values, shape, &device()).unwrap()
}

fn write(path: &Path, tensors: &[(&str, Tensor)]) {
    let tensors = tensors.iter().map(|(name, tensor)| TensorBytes::from_tensor(*name, tensor));
    write_safetensors(path, tensors, &BTreeMap::new()).unwrap();
}

#[test]
fn a_file_holds_what_was_written_and_others_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let halves: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
    let tensors = || {
        vec![
            TensorBytes::from_tensor("narrow", &counting(&[3]).to_bf16()),
            TensorBytes::from_tensor("wide", &counting(&[2, 3])),
            TensorBytes::from_tensor("empty", &counting(&[0, 4])),
            TensorBytes { name: "half".into(), element_type: ElementType::F16, shape: vec![2], bytes: halves.clone().into() },
            TensorBytes { name: "count".into(), element_type: ElementType::I64, shape: vec![], bytes: vec![1; 8].into() },
        ]
    };
    let metadata = BTreeMap::from([("prompt".to_owned(), "红色高跟鞋".to_owned())]);
    write_safetensors(&path, tensors(), &metadata).unwrap();

    let source = SafetensorsSource::open(&path).unwrap();
    assert_eq!(source.metadata(), &metadata);
    assert_eq!(source.names(), ["count", "empty", "half", "narrow", "wide"]);
    assert_eq!(source.tensor("wide", &device()).unwrap().f32().unwrap(), counting(&[2, 3]).f32().unwrap());
    assert_eq!(source.tensor("narrow", &device()).unwrap().to_f32().f32().unwrap(), counting(&[3]).f32().unwrap());
    assert_eq!(source.tensor("half", &device()).unwrap().f32().unwrap(), [0.5, -2.0]);
    assert_eq!(source.tensor("empty", &device()).unwrap().shape(), [0, 4]);
    let refused = source.tensor("count", &device()).unwrap_err().to_string();
    assert!(refused.contains("\"count\"") && refused.contains("I64") && refused.contains("a.safetensors"), "{refused}");
    assert!(matches!(source.tensor("none", &device()), Err(Error::MissingTensor { .. })));
    source.release("wide");
    assert_eq!(source.tensor("wide", &device()).unwrap().size(1), 3);

    let bytes = fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.tensor("wide").unwrap().shape(), [2, 3]);
    assert_eq!(theirs.tensor("wide").unwrap().data().as_ptr().addr() % 4, bytes.as_ptr().addr() % 4, "values are aligned");
    let again = folder.path().join("b.safetensors");
    write_safetensors(&again, tensors().into_iter().rev(), &metadata).unwrap();
    assert_eq!(bytes, fs::read(&again).unwrap(), "the order of the tensors changes the file");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file is left");
}

#[test]
fn large_tensors_survive_the_release_of_their_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.safetensors");
    let large = counting(&[300, 1000]);
    write(&path, &[("a", large.clone()), ("b", large.clone())]);
    let source = SafetensorsSource::open(&path).unwrap();
    for _ in 0..2 {
        for name in ["a", "b"] {
            assert_eq!(source.tensor(name, &device()).unwrap().f32().unwrap(), large.f32().unwrap());
            source.release(name);
        }
    }
}

#[test]
fn writers_refuse_what_no_reader_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let tensor = |name: &str| TensorBytes::from_tensor(name, &counting(&[2]));
    for tensors in [vec![tensor("a"), tensor("a")], vec![tensor("__metadata__")], vec![TensorBytes { shape: vec![3], ..tensor("a") }]] {
        assert!(matches!(write_safetensors(&path, tensors, &BTreeMap::new()), Err(Error::InvalidFile { .. })));
    }
    let nowhere = folder.path().join("missing").join("a.safetensors");
    assert!(matches!(write_safetensors(&nowhere, [tensor("a")], &BTreeMap::new()), Err(Error::Io { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn sharded(map: &[(&str, &str)], shards: &[(&str, &[&str])]) -> (tempfile::TempDir, engine::Result<SafetensorsSource>) {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("transformer");
    fs::create_dir(&component).unwrap();
    for (file, names) in shards {
        let tensors: Vec<_> = names.iter().map(|name| (*name, counting(&[2, 2]))).collect();
        write(&component.join(file), &tensors);
    }
    let map: BTreeMap<_, _> = map.iter().copied().collect();
    let index = serde_json::json!({"metadata": {"total_size": 32}, "weight_map": map}).to_string();
    fs::write(component.join("diffusion_pytorch_model.safetensors.index.json"), index).unwrap();
    let source = SafetensorsSource::component(&ModelFolder::Directory(folder.path().to_owned()), "transformer");
    (folder, source)
}

#[test]
fn shards_are_one_source_and_their_index_must_be_true() {
    let (_folder, source) =
        sharded(&[("a", "1.safetensors"), ("b", "2.safetensors")], &[("1.safetensors", &["a"]), ("2.safetensors", &["b"])]);
    let source = source.unwrap();
    assert_eq!(source.names(), ["a", "b"]);
    assert_eq!(source.tensor("b", &device()).unwrap().shape(), [2, 2]);

    let (_folder, missing) = sharded(&[("a", "1.safetensors"), ("b", "1.safetensors")], &[("1.safetensors", &["a"])]);
    assert!(matches!(missing.err(), Some(Error::MissingTensor { name, .. }) if name == "b"));
    let (_folder, unlisted) = sharded(&[("a", "1.safetensors")], &[("1.safetensors", &["a", "b"])]);
    assert!(unlisted.err().unwrap().to_string().contains("\"b\""));
    let (_folder, absent) = sharded(&[("a", "1.safetensors")], &[]);
    assert!(absent.err().unwrap().to_string().contains("1.safetensors"));
    for path in ["../secret.safetensors", "/etc/passwd", "..", "", "x/y.safetensors", "C:\\x.safetensors"] {
        let (_folder, outside) = sharded(&[("a", path)], &[("1.safetensors", &["a"])]);
        assert!(
            matches!(outside.err(), Some(Error::InvalidFile { detail, .. }) if detail.contains("not a file beside the index")),
            "{path}"
        );
    }
}

#[test]
fn a_loader_names_what_is_missing_misshaped_or_extra() {
    let device = device();
    let mut source = MemorySource::default();
    for (name, shape) in [("layers.0.q.weight", vec![3, 2]), ("layers.0.norm", vec![3]), ("vision.x.weight", vec![1]), ("extra", vec![1])] {
        source.insert(name, counting(&shape));
    }
    let taken = RefCell::new(BTreeSet::new());
    let loader = Loader::new(&source, &device, &taken);
    let layer = loader.child("layers").child(0);
    layer.linear("q", 3, 2).unwrap();
    assert!(matches!(layer.linear("q", 2, 3), Err(Error::TensorShape { name, .. }) if name == "layers.0.q.weight"));
    assert!(matches!(layer.linear("k", 2, 3), Err(Error::MissingTensor { name, .. }) if name == "layers.0.k.weight"));
    layer.parameter("norm", &[3]).unwrap();
    loader.ignore("vision");
    assert!(matches!(loader.finish(), Err(Error::ExtraTensors { names, .. }) if names == "extra"));
    loader.ignore("extra");
    loader.finish().unwrap();
}

fn model(extra: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let index = r#"{"_class_name": "ErnieImagePipeline", "_diffusers_version": "0.42.1", "pe": [null, null],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "vae": ["diffusers", "AutoencoderKLFlux2"], "flag": true}"#;
    let mut files = vec![("model_index.json", index), ("scheduler/scheduler_config.json", r#"{"shift": 4.0}"#), ("vae/config.json", "{}")];
    files.extend(extra);
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    write(&folder.path().join("vae/diffusion_pytorch_model.safetensors"), &[("a", counting(&[2, 3])), ("b", counting(&[5]).to_bf16())]);
    folder
}

fn sha256(folder: &tempfile::TempDir) -> String {
    ModelFolder::open(folder.path()).unwrap().identity("x").unwrap().sha256.to_string()
}

#[test]
fn identity_depends_on_the_files_of_a_run_and_on_nothing_else() {
    let plain = sha256(&model(&[]));
    assert_eq!(plain, sha256(&model(&[])));
    assert_eq!(plain, sha256(&model(&[("README.md", "words"), ("other/file.json", "{}"), ("vae/.cache", "")])));
    assert_ne!(plain, sha256(&model(&[("vae/config.json", r#"{"a": 1}"#)])));
    assert_ne!(plain, sha256(&model(&[("vae/another.json", "{}")])));

    let folder = model(&[]);
    let open =
        |name: &str| -> (&'static str, &'static [u8]) { (name.to_owned().leak(), fs::read(folder.path().join(name)).unwrap().leak()) };
    let files: Vec<_> =
        ["vae/diffusion_pytorch_model.safetensors", "model_index.json", "vae/config.json", "scheduler/scheduler_config.json"]
            .into_iter()
            .map(open)
            .collect();
    let embedded = ModelFolder::Embedded(files.leak());
    let identity = embedded.identity("xiaopin").unwrap();
    assert_eq!(identity.sha256.to_string(), plain, "a folder inside the program is the same model");
    assert_eq!((identity.name.as_str(), identity.family.as_str()), ("xiaopin", "ErnieImagePipeline"));
    assert_eq!(SafetensorsSource::component(&embedded, "vae").unwrap().names(), ["a", "b"]);
}

#[test]
fn a_model_index_lists_components_and_settings() {
    let folder = ModelFolder::open(model(&[]).keep()).unwrap();
    let index = ModelIndex::read(&folder).unwrap();
    assert_eq!(index.components.iter().map(|component| component.name.as_str()).collect::<Vec<_>>(), ["scheduler", "vae"]);
    assert_eq!(index.component("vae").unwrap().class_name, "AutoencoderKLFlux2");
    assert_eq!((index.settings.len(), index.diffusers_version.as_deref()), (1, Some("0.42.1")));
    assert!(matches!(ModelFolder::open("/nowhere/at/all"), Err(Error::ModelNotFound(_))));
    assert!(folder.read("../x").is_err() && folder.read("/etc/passwd").is_err() && !folder.exists("../x"));
    let hostile = JsonFile::parse(Path::new("model_index.json"), br#"{"_class_name": "X", "../vae": ["a", "b"]}"#);
    assert!(hostile.is_ok());
    let folder = model(&[("model_index.json", r#"{"_class_name": "X", "../vae": ["a", "b"]}"#)]);
    assert!(ModelIndex::read(&ModelFolder::open(folder.path()).unwrap()).unwrap_err().to_string().contains("../vae"));
}

#[test]
fn configs_name_the_field_that_is_wrong() {
    let file = JsonFile::parse(Path::new("config.json"), br#"{"a": 1, "text_config": {"hidden_size": "wide"}, "none": null}"#).unwrap();
    assert_eq!(file.required::<usize>("a").unwrap(), 1);
    assert_eq!(file.or("none", 7).unwrap(), 7);
    let error = file.section("text_config").unwrap().required::<usize>("hidden_size").unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("text_config.hidden_size"), "{error}");
    assert!(file.required::<usize>("b").unwrap_err().to_string().contains("b: is missing"));
    assert!(matches!(file.expect("a", &2), Err(Error::Unsupported(text)) if text.contains("a = 1")));
    assert!(JsonFile::parse(Path::new("config.json"), b"[1]").is_err());
}

#[test]
fn inspection_counts_and_says_what_is_not_supported() {
    // Weights that are counted, and are those of no transformer.
    let folder = model(&[]);
    let inspection = inspect(&ModelFolder::open(folder.path()).unwrap()).unwrap();
    assert!(!inspection.supported && !inspection.reasons.is_empty());
    assert_eq!((inspection.parameters, inspection.bytes), (11, 34));
    assert_eq!(inspection.components[1].dtypes, BTreeMap::from([("F32".to_owned(), 6), ("BF16".to_owned(), 5)]));
    serde_json::to_string(&inspection).unwrap();
    let index = r#"{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}"#;
    let other = inspect(&ModelFolder::open(model(&[("model_index.json", index)]).path()).unwrap()).unwrap();
    assert!(!other.supported && other.reasons.len() == 2, "{:?}", other.reasons);
}
