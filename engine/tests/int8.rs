//! Runs in 8-bit integers: linear layers err by the rounding of their operands and no more, and pictures stay near those in f32. That
//! their bits depend on their own prompt and seed alone is the claim of `batch_invariance`.

use engine::cpu::CpuExecutor;
use engine::families::{Control, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::metrics::{PictureSize, psnr, ssim};
use engine::model_folder::ModelFolder;
use engine::quantization::IntegerLayers;
use engine::random::Generator;
use engine::weights::{SafetensorsSource, TensorSource as _};
use engine::{Activation, Device, Linear, LoadedModel, Tensor, WeightKind};
use spec::RunPrecision;
use std::path::PathBuf;

/// The least alike of six pictures of two-layer random weights has 48.3 dB and 0.9999.
const LEAST_PSNR: f64 = 46.0;
const LEAST_SSIM: f64 = 0.999;

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines")
}

/// A device on which linear layers below `layers` are rounded to 8 bits in such a run.
fn device(precision: RunPrecision) -> Device {
    Device::new(CpuExecutor::new(precision).with_integer_layers(IntegerLayers::inside_repeated(&["layers"])))
}

fn pipeline(precision: RunPrecision) -> LoadedModel {
    LoadedModel::open(ModelFolder::open(goldens().join("ernie-image")).unwrap(), "golden", precision, Residency::Keep).unwrap()
}

/// The request of a golden picture, and the picture.
fn golden(name: &str) -> (FamilyRequest, Vec<f32>) {
    let file = SafetensorsSource::open(&goldens().join(format!("ernie-image-goldens/{name}.safetensors"))).unwrap();
    let text = |key: &str| file.metadata()[key].clone();
    let request = FamilyRequest {
        prompts: vec![text("prompt")],
        negative_prompt: text("negative_prompt"),
        width: text("width").parse().unwrap(),
        height: text("height").parse().unwrap(),
        num_inference_steps: text("num_inference_steps").parse().unwrap(),
        guidance_scale: text("guidance_scale").parse().unwrap(),
        seeds: vec![text("seed").parse().unwrap()],
        shortcuts: Shortcuts::default(),
    };
    (request, file.tensor("image", &Device::cpu(RunPrecision::F32)).unwrap().f32().unwrap().to_vec())
}

fn paint(pipeline: &mut LoadedModel, request: &FamilyRequest) -> Vec<Vec<f32>> {
    let pictures = Measurement::of(pipeline).pictures(request, &mut |_| Control::Continue).unwrap();
    pictures.iter().map(|picture| picture.f32().unwrap().to_vec()).collect()
}

fn random(shape: &[usize], seed: u64, device: &Device) -> Tensor {
    Tensor::from_f32(Generator::seeded(seed).normal_f32(shape.iter().product()), shape, device).unwrap()
}

/// Root mean square of the difference over that of the reference.
fn relative_error(values: &[f32], reference: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value) * f64::from(value);
    let difference: f64 = values.iter().zip(reference).map(|(a, b)| square(a - b)).sum();
    (difference / reference.iter().map(|value| square(*value)).sum::<f64>()).sqrt()
}

#[test]
fn a_linear_layer_errs_by_the_rounding_of_its_operands() {
    for (inputs, outputs) in [(64, 96), (320, 960), (1000, 67), (4100, 64)] {
        let run = |precision: RunPrecision, name: &str| {
            let device = device(precision);
            let kind = WeightKind::Linear { outputs, inputs };
            // Outputs of unit variance, so that the activation neither clips nor amplifies.
            let weight = random(&[outputs, inputs], 1, &device).scale(1.0 / (inputs as f32).sqrt()).unwrap();
            let weight = device.weight(&device, name, kind, &weight).unwrap();
            let x = random(&[2, 37, inputs], 2, &device);
            let product = x.linear(&Linear::new(&weight)).unwrap();
            let (bias, gate, residual) =
                (random(&[outputs], 3, &device), random(&[2, outputs], 4, &device), random(&[2, 37, outputs], 5, &device));
            let activation = Activation::GeluErf;
            let all = Linear { weight: &weight, bias: Some(&bias), activation, gate: Some(&gate), residual: Some(&residual) };
            (product.f32().unwrap().to_vec(), x.linear(&all).unwrap().f32().unwrap().to_vec())
        };
        let exact = run(RunPrecision::F32, "layers.0.weight");
        let int8 = run(RunPrecision::Int8, "layers.0.weight");
        let bf16 = run(RunPrecision::Bf16, "layers.0.weight");
        // Rounding to a step s is uniform noise of s / √12; of a normal sample the largest of n values, which is 127 steps, is about
        // √(2 ln n) deviations. Both operands add theirs.
        let expected = (2.0 * (2.0 * (inputs as f64).ln()).sqrt().powi(2)).sqrt() / 127.0 / 12_f64.sqrt();
        let (found, found_bf16) = (relative_error(&int8.0, &exact.0), relative_error(&bf16.0, &exact.0));
        println!("{inputs} → {outputs}: int8 errs by {found:.2e}, expected {expected:.2e}; bf16 by {found_bf16:.2e}");
        assert!(found < 1.15 * expected && found > 0.6 * expected, "{inputs} → {outputs}: {found:e}, expected {expected:e}");
        assert!(found_bf16 < found, "bf16 is the more exact of the two");
        assert!(relative_error(&int8.1, &exact.1) < found, "bias, gate and residual are not rounded");
        // A weight outside the repeated layers keeps bfloat16, bit for bit.
        assert_eq!(run(RunPrecision::Int8, "final_linear.weight"), run(RunPrecision::Bf16, "final_linear.weight"));
    }
}

#[test]
fn a_quantized_weight_takes_a_byte_a_value() {
    let (outputs, inputs) = (256, 512);
    let device = device(RunPrecision::Int8);
    let kind = WeightKind::Linear { outputs, inputs };
    let weight = device.weight(&device, "layers.0.weight", kind, &random(&[outputs, inputs], 1, &device)).unwrap();
    let bytes = weight.packed::<engine::cpu::PackedWeight>().unwrap().bytes();
    assert_eq!(bytes, outputs * inputs + 8 * outputs);
}

#[test]
fn pictures_stay_near_those_in_f32() {
    let (mut int8, mut bf16) = (pipeline(RunPrecision::Int8), pipeline(RunPrecision::Bf16));
    for name in ["guided", "unguided", "negative", "empty", "batch-0", "batch-1"] {
        let (request, reference) = golden(name);
        let picture = paint(&mut int8, &request).remove(0);
        let size = PictureSize { height: request.height, width: request.width };
        let (decibels, similarity) = (psnr(&picture, &reference), ssim(&picture, &reference, size));
        let in_bf16 = paint(&mut bf16, &request).remove(0);
        println!("{name}: PSNR {decibels:.1} dB, SSIM {similarity:.5}; in bf16 {:.1} dB", psnr(&in_bf16, &reference));
        assert!(decibels > LEAST_PSNR && similarity > LEAST_SSIM, "{name}: PSNR {decibels:.1} dB, SSIM {similarity:.5}");
        assert!(picture != in_bf16, "{name}: nothing was rounded further than in bf16");
    }
}
