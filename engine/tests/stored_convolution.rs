//! Convolutions that a checkpoint stores in 8-bit integers: measurement picks those of the decoder's resnet blocks, what it writes is read
//! back and decodes nearly the same pictures, with the same bits however they are cut; damaged tensors are named.

use engine::autoencoders::{AutoencoderKlFlux2, Decoding};
use engine::cpu::CpuExecutor;
use engine::metrics::psnr;
use engine::model_folder::{JsonFile, ModelFolder};
use engine::quantization::{
    ActivationSamples, ChannelRanges, ConvolutionSize, IntegerLayers, LayerDecision, StoredConvolution, decide, is_quantized_source,
    quantized_tensors,
};
use engine::random::Generator;
use engine::weights::{ElementType, Loader, SafetensorsSource, TensorBytes, TensorSource, write_safetensors};
use engine::{Device, Tensor, WeightKind};
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> ModelFolder {
    ModelFolder::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/xiaopin")).unwrap()
}

fn autoencoder(source: &dyn TensorSource, device: &Device) -> AutoencoderKlFlux2 {
    let taken = RefCell::new(BTreeSet::new());
    let loader = Loader::new(source, device, &taken);
    let config = JsonFile::component(&folder(), "vae").unwrap().parse_as().unwrap();
    let autoencoder = AutoencoderKlFlux2::load(&config, &loader).unwrap();
    loader.finish().unwrap();
    autoencoder
}

fn latents((batch, height, width): (usize, usize, usize), seed: u64, device: &Device) -> Tensor {
    let count: usize = batch * height * width * 16;
    let values = Generator::seeded(seed).normal_f32(count.next_multiple_of(16)).into_iter().take(count).collect();
    Tensor::from_f32(values, &[batch, height, width, 16], device).unwrap()
}

/// Writes the default checkpoint's autoencoder as measured, under `path`.
fn quantize(path: &Path, largest_error: f64) -> (SafetensorsSource, Vec<LayerDecision>) {
    let source = SafetensorsSource::component(&folder(), "vae").unwrap();
    let samples = Arc::new(ActivationSamples::new(1));
    let device = Device::new(
        CpuExecutor::new(RunPrecision::Bf16).with_integer_layers(IntegerLayers::of_decoder("decoder")).watching(Arc::clone(&samples)),
    );
    autoencoder(&source, &device).decode(&latents((2, 8, 8), 1, &device)).unwrap();
    let decisions = decide(&source, &samples, largest_error, &mut || true).unwrap();
    assert_eq!(samples.layers(), 0, "all that was seen was decided");
    write_safetensors(path, quantized_tensors(&source, &decisions).unwrap(), &BTreeMap::new()).unwrap();
    (SafetensorsSource::open(path).unwrap(), decisions)
}

fn values(picture: &Tensor) -> Vec<f32> {
    picture.f32().unwrap().iter().map(|value| (value * 0.5 + 0.5).clamp(0.0, 1.0)).collect()
}

fn bits(picture: &Tensor) -> Vec<u32> {
    picture.f32().unwrap().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn what_is_measured_and_stored_decodes_nearly_the_same_pictures() {
    let temporary = tempfile::tempdir().unwrap();
    let (source, decisions) = quantize(&temporary.path().join("vae.safetensors"), 0.03);
    assert!(is_quantized_source(&source));
    assert!(decisions.len() >= 12, "{} convolutions of the decoder's resnet blocks", decisions.len());
    for decision in &decisions {
        assert!(decision.layer.starts_with("decoder.") && decision.layer.contains(".resnets."), "{decision:?}");
        assert!(decision.error > 1e-4 && decision.error < 0.03 && decision.int8, "{decision:?}");
    }
    let original = SafetensorsSource::component(&folder(), "vae").unwrap();
    let in_bf16 = Device::cpu(RunPrecision::Bf16);
    let x = latents((1, 12, 12), 5, &in_bf16);
    let wanted = autoencoder(&original, &in_bf16).decode(&x).unwrap();
    let in_integers = autoencoder(&source, &Device::new(CpuExecutor::for_stored_integers())).decode(&x).unwrap();
    // With bf16, the numbers that the integers stand for: their rounding alone is left.
    let restored = autoencoder(&source, &in_bf16).decode(&x).unwrap();
    for (what, picture) in [("in integers", in_integers), ("restored", restored)] {
        let decibels = psnr(&values(&picture), &values(&wanted));
        assert!(decibels > 40.0 && decibels < 90.0, "{what}: {decibels:.1} dB");
    }
}

#[test]
fn neither_strips_nor_neighbours_change_a_bit() {
    let temporary = tempfile::tempdir().unwrap();
    let (source, _) = quantize(&temporary.path().join("vae.safetensors"), 0.03);
    let device = Device::new(CpuExecutor::for_stored_integers());
    let autoencoder = autoencoder(&source, &device);
    for size in [(1, 1, 1), (2, 5, 7), (1, 12, 3)] {
        let x = latents(size, 7, &device);
        let whole = autoencoder.decode_as(&x, Decoding::Whole).unwrap();
        for bytes in [1, 30_000, 1 << 30] {
            let strips = autoencoder.decode_as(&x, Decoding::Strips { bytes }).unwrap();
            assert!(bits(&whole) == bits(&strips), "{size:?} in strips of {bytes} bytes");
        }
        for index in 0..size.0 {
            let alone = autoencoder.decode(&x.slice(0, index, 1).unwrap()).unwrap();
            assert!(bits(&whole.slice(0, index, 1).unwrap()) == bits(&alone), "{size:?}: picture {index}");
        }
    }
}

#[test]
fn what_errs_too_much_keeps_its_precision() {
    let temporary = tempfile::tempdir().unwrap();
    let (source, decisions) = quantize(&temporary.path().join("vae.safetensors"), 0.0);
    assert!(!is_quantized_source(&source) && decisions.iter().all(|decision| !decision.int8));
    let original = SafetensorsSource::component(&folder(), "vae").unwrap();
    for name in original.names() {
        assert_eq!(source.bytes(&name), original.bytes(&name), "{name}");
    }
}

const SIZE: ConvolutionSize = ConvolutionSize { outputs: 6, inputs: 5, kernel: 3 };

fn stored() -> StoredConvolution {
    let mut ranges = ChannelRanges::default();
    ranges.include(&Generator::seeded(3).normal_f32(80), SIZE.inputs);
    StoredConvolution::round(&Generator::seeded(2).normal_f32(272)[..270], SIZE, &ranges)
}

#[test]
fn what_is_written_is_read_back() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("layer.safetensors");
    write_safetensors(&path, stored().to_tensors("conv", SIZE.kernel), &BTreeMap::new()).unwrap();
    let source = SafetensorsSource::open(&path).unwrap();
    assert_eq!(StoredConvolution::read(&source, "conv", SIZE).unwrap(), stored());
    let kind = WeightKind::Conv { outputs: SIZE.outputs, inputs: SIZE.inputs, kernel: SIZE.kernel };
    let weight = Generator::seeded(2).normal_f32(272);
    let largest = weight.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (restored, value) in stored().restored(kind).iter().zip(&weight) {
        assert!((restored - value).abs() < 0.02 * largest, "{value} became {restored}");
    }
}

/// Changes the tensor whose name ends so.
type Change = fn(&mut TensorBytes<'_>);

#[test]
fn what_is_wrong_is_an_error_that_names_the_tensor() {
    let temporary = tempfile::tempdir().unwrap();
    let changes: [(&str, Change); 10] = [
        ("weight", |tensor| tensor.shape = vec![5, 6, 3, 3]),
        ("weight", |tensor| tensor.element_type = ElementType::U8),
        ("weight_scale", |tensor| tensor.bytes = f32::NAN.to_le_bytes().repeat(6).into()),
        ("weight_scale", |tensor| tensor.name = "elsewhere".into()),
        ("input_factor", |tensor| tensor.bytes = 0.0_f32.to_le_bytes().repeat(5).into()),
        ("input_factor", |tensor| tensor.bytes = f32::INFINITY.to_le_bytes().repeat(5).into()),
        ("input_zero", |tensor| tensor.element_type = ElementType::I8),
        ("input_zero", |tensor| {
            tensor.shape = vec![4];
            tensor.bytes = vec![0; 4].into();
        }),
        ("danqing_quant", |tensor| describe(tensor, "not JSON")),
        ("danqing_quant", |tensor| describe(tensor, r#"{"format": "int8_conv", "version": 2}"#)),
    ];
    for (index, (part, change)) in changes.into_iter().enumerate() {
        let path = temporary.path().join(format!("{index}.safetensors"));
        let name = format!("conv.{part}");
        let mut tensors = stored().to_tensors("conv", SIZE.kernel);
        tensors.iter_mut().filter(|tensor| tensor.name == name).for_each(change);
        write_safetensors(&path, tensors, &BTreeMap::new()).unwrap();
        let error = StoredConvolution::read(&SafetensorsSource::open(&path).unwrap(), "conv", SIZE).unwrap_err().to_string();
        assert!(error.contains(&name), "{index}: {error}");
    }
}

fn describe(tensor: &mut TensorBytes<'_>, text: &str) {
    tensor.shape = vec![text.len()];
    tensor.bytes = text.as_bytes().to_vec().into();
}
