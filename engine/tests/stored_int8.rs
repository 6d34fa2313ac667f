//! Weights that a checkpoint stores in 8-bit integers: the layout's own definition, carried out by PyTorch
//! (`testkit/scripts/int8_layout.py`), gives the same numbers; damaged tensors are named; measurement picks what it should.

use engine::cpu::CpuExecutor;
use engine::quantization::{ActivationSamples, IntegerLayers, LinearSize, StoredInt8, decide, is_quantized_source, quantized_tensors};
use engine::random::Generator;
use engine::weights::{ElementType, Loader, SafetensorsSource, TensorBytes, TensorSource, write_safetensors};
use engine::{Device, Linear, Tensor, WeightKind};
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LAYERS: [(&str, usize, usize); 4] = [("plain", 70, 48), ("by_16", 5, 48), ("by_64", 24, 128), ("by_256", 16, 256)];

fn golden() -> SafetensorsSource {
    SafetensorsSource::open(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/int8_layout.safetensors")).unwrap()
}

fn relative_error(values: &[f32], reference: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value) * f64::from(value);
    let difference: f64 = values.iter().zip(reference).map(|(a, b)| square(a - b)).sum();
    (difference / reference.iter().map(|value| square(*value)).sum::<f64>()).sqrt()
}

/// The layer's output on the device for the golden input.
fn output(source: &dyn TensorSource, device: &Device, layer: &str, (outputs, inputs): (usize, usize)) -> Tensor {
    let taken = RefCell::new(BTreeSet::new());
    let weight = Loader::new(source, device, &taken).linear(layer, outputs, inputs).unwrap();
    assert!(StoredInt8::names(layer).iter().all(|name| taken.borrow().contains(name)), "all three tensors count as taken");
    let x = source.tensor(&format!("{layer}.input"), device).unwrap();
    x.linear(&Linear::new(&weight)).unwrap()
}

#[test]
fn the_layout_means_here_what_it_means_to_pytorch() {
    let source = golden();
    assert!(is_quantized_source(&source));
    let stored = Device::new(CpuExecutor::for_stored_integers());
    for (layer, outputs, inputs) in LAYERS {
        let wanted = source.tensor(&format!("{layer}.output"), &stored).unwrap();
        let found = output(&source, &stored, layer, (outputs, inputs));
        // A value that lies between two integers may round to either: the rotation is in f32 here, in f64 there.
        let error = relative_error(found.f32().unwrap(), wanted.f32().unwrap());
        assert!(error < 1e-3, "{layer} in integers: {error}");
        // In f32 the weight is restored, and only its own rounding is left.
        let device = Device::cpu(RunPrecision::F32);
        let restored = output(&source, &device, layer, (outputs, inputs));
        let original = source.tensor(&format!("{layer}.original"), &device).unwrap();
        let weight = device.weight(&device, "original.weight", WeightKind::Linear { outputs, inputs }, &original).unwrap();
        let x = source.tensor(&format!("{layer}.input"), &device).unwrap();
        let exact = x.linear(&Linear::new(&weight)).unwrap();
        let error = relative_error(restored.f32().unwrap(), exact.f32().unwrap());
        assert!(error < 0.02, "{layer} restored: {error}");
    }
}

#[test]
fn what_is_rounded_here_is_what_pytorch_rounds() {
    let (source, device) = (golden(), Device::cpu(RunPrecision::F32));
    for (layer, outputs, inputs) in LAYERS {
        let stored = StoredInt8::read(&source, layer, LinearSize { outputs, inputs }, &device).unwrap();
        let original = source.tensor(&format!("{layer}.original"), &device).unwrap();
        let rounded = StoredInt8::round(original.f32().unwrap(), inputs, stored.rotation);
        let off = rounded.values.iter().zip(&stored.values).filter(|(a, b)| a != b).count();
        assert!(off * 500 <= stored.values.len(), "{layer}: {off} of {} integers differ", stored.values.len());
        assert!(rounded.scales.iter().zip(&stored.scales).all(|(a, b)| (a - b).abs() <= 1e-5 * b), "{layer}: scales");
    }
}

fn write(path: &Path, change: impl Fn(&str, &mut TensorBytes<'_>) -> bool) -> SafetensorsSource {
    let source = golden();
    let mut tensors = Vec::new();
    for name in StoredInt8::names("by_64") {
        let (element_type, bytes) = source.bytes(&name).unwrap();
        let shape = source.shape(&name).unwrap();
        let mut tensor = TensorBytes { name: name.clone(), element_type, shape, bytes: bytes.to_vec().into() };
        if change(name.rsplit('.').next().unwrap(), &mut tensor) {
            tensors.push(tensor);
        }
    }
    write_safetensors(path, tensors, &BTreeMap::new()).unwrap();
    SafetensorsSource::open(path).unwrap()
}

/// Changes the tensor whose name ends so, or says to leave it out.
type Change = fn(&str, &mut TensorBytes<'_>) -> bool;

#[test]
fn what_is_wrong_is_an_error_that_names_the_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::cpu(RunPrecision::F32);
    let changes: [(&str, Change); 9] = [
        ("by_64.weight_scale", |part, _| part != "weight_scale"),
        ("by_64.weight_scale", |part, tensor| {
            if part == "weight_scale" {
                tensor.shape = vec![2];
                tensor.bytes = vec![0; 8].into();
            }
            true
        }),
        ("by_64.weight_scale", |part, tensor| {
            if part == "weight_scale" {
                tensor.bytes = f32::NAN.to_le_bytes().repeat(24).into();
            }
            true
        }),
        ("by_64.weight", |part, tensor| {
            if part == "weight" {
                tensor.element_type = ElementType::U8;
            }
            true
        }),
        ("by_64.weight", |part, tensor| {
            if part == "weight" {
                tensor.shape = vec![128, 24];
            }
            true
        }),
        ("by_64.comfy_quant", |part, tensor| change_mark(part, tensor, "not JSON")),
        ("by_64.comfy_quant", |part, tensor| change_mark(part, tensor, r#"{"format": "nvfp4"}"#)),
        ("by_64.comfy_quant", |part, tensor| {
            change_mark(part, tensor, r#"{"format": "int8_tensorwise", "convrot": true, "convrot_groupsize": 0}"#)
        }),
        ("by_64.comfy_quant", |part, tensor| {
            change_mark(part, tensor, r#"{"format": "int8_tensorwise", "convrot": true, "convrot_groupsize": 256}"#)
        }),
    ];
    for (index, (name, change)) in changes.into_iter().enumerate() {
        let source = write(&folder.path().join(format!("{index}.safetensors")), change);
        let error = StoredInt8::read(&source, "by_64", LinearSize { outputs: 24, inputs: 128 }, &device).unwrap_err().to_string();
        assert!(error.contains(name), "{index}: {error}");
    }
}

fn change_mark(part: &str, tensor: &mut TensorBytes<'_>, text: &str) -> bool {
    if part == "comfy_quant" {
        tensor.shape = vec![text.len()];
        tensor.bytes = text.as_bytes().to_vec().into();
    }
    true
}

/// Two layers of a transformer: one whose inputs have one large channel, one with a weight that 8 bits cannot hold.
#[test]
fn measurement_rotates_what_has_outliers_and_keeps_what_errs() {
    let (outputs, inputs, rows) = (96, 256, 40);
    let kind = WeightKind::Linear { outputs, inputs };
    let folder = tempfile::tempdir().unwrap();
    let float = |name: &str, values: Vec<f32>| TensorBytes {
        name: name.to_owned(),
        element_type: ElementType::F32,
        shape: vec![outputs, inputs],
        bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into(),
    };
    let normal = |seed: u64, count: usize| Generator::seeded(seed).normal_f32(count);
    // What matters of these outputs hangs on a weight that is a thousandth of its row's largest.
    let small: Vec<f32> =
        (0..outputs * inputs).map(|index| if index % inputs == 0 { 1_000.0 } else { 1.0 + index as f32 * 1e-5 }).collect();
    let path = folder.path().join("model.safetensors");
    let tensors = [float("layers.0.outliers.weight", normal(1, outputs * inputs)), float("layers.1.small.weight", small)];
    write_safetensors(&path, tensors, &BTreeMap::new()).unwrap();
    let source = SafetensorsSource::open(&path).unwrap();

    let samples = Arc::new(ActivationSamples::new(rows));
    let device = Device::new(
        CpuExecutor::new(RunPrecision::Bf16)
            .with_integer_layers(IntegerLayers::inside_repeated(&["layers"]))
            .watching(Arc::clone(&samples)),
    );
    for (name, seed, channel, factor) in [("layers.0.outliers", 2, 7, 60.0), ("layers.1.small", 3, 0, 0.0)] {
        let taken = RefCell::new(BTreeSet::new());
        let weight = Loader::new(&source, &device, &taken).weight(name, kind).unwrap();
        let mut x = normal(seed, rows * inputs);
        x.iter_mut().skip(channel).step_by(inputs).for_each(|value| *value *= factor);
        let x = Tensor::from_f32(x, &[rows, inputs], &device).unwrap();
        x.linear(&Linear::new(&weight)).unwrap();
    }
    let decisions = decide(&source, &samples, 0.02, &mut || true).unwrap();
    let [outliers, small] = &decisions[..] else { panic!("two layers, not {decisions:?}") };
    assert_eq!(outliers.rotation, Some(256), "{outliers:?}");
    assert!(outliers.int8 && outliers.error > 0.02 && outliers.error_rotated.unwrap() < 0.02, "{outliers:?}");
    assert!(!small.int8, "{small:?}");

    let quantized = folder.path().join("quantized.safetensors");
    write_safetensors(&quantized, quantized_tensors(&source, &decisions).unwrap(), &BTreeMap::new()).unwrap();
    let quantized = SafetensorsSource::open(&quantized).unwrap();
    assert_eq!(quantized.bytes("layers.1.small.weight"), source.bytes("layers.1.small.weight"));
    let stored = StoredInt8::read(&quantized, "layers.0.outliers", LinearSize { outputs, inputs }, &device).unwrap();
    assert_eq!(stored.rotation, Some(256));
}
