//! Pictures are those of diffusers' `ErnieImagePipeline`: goldens by `testkit/scripts/make_parity_pipelines.py`.

use engine::families::{Control, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::ModelFolder;
use engine::weights::{SafetensorsSource, TensorSource as _};
use engine::{Device, LoadedModel};
use spec::RunPrecision;
use std::path::PathBuf;

/// Pictures are in 0..1: a fortieth of an 8-bit level. The project promises 1e-3.
const F32_TOLERANCE: f32 = 1e-4;

/// Largest and mean difference that bfloat16 may make. The reference rounds every activation and the noise, the engine only the
/// operands of products, so the engine stays near the f32 reference, and as far from the bf16 reference as that is from it.
const BF16_TO_BF16_REFERENCE: (f32, f32) = (0.3, 0.025);
const BF16_TO_F32_REFERENCE: (f32, f32) = (0.04, 0.004);

struct Golden {
    request: FamilyRequest,
    picture: Vec<f32>,
}

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines")
}

fn golden(name: &str) -> Golden {
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
    let picture = file.tensor("image", &Device::cpu(RunPrecision::F32)).unwrap();
    assert_eq!(picture.shape(), [request.height, request.width, 3]);
    Golden { request, picture: picture.f32().unwrap().to_vec() }
}

fn pipeline(precision: RunPrecision) -> LoadedModel {
    LoadedModel::open(ModelFolder::open(goldens().join("ernie-image")).unwrap(), "golden", precision, Residency::Keep).unwrap()
}

fn paint(pipeline: &mut LoadedModel, request: &FamilyRequest) -> Vec<Vec<f32>> {
    let pictures = Measurement::of(pipeline).pictures(request, &mut |_| Control::Continue).unwrap();
    for picture in &pictures {
        assert_eq!(picture.shape(), [request.height, request.width, 3]);
    }
    pictures.iter().map(|picture| picture.f32().unwrap().to_vec()).collect()
}

/// Largest and mean absolute difference.
fn difference(ours: &[f32], reference: &[f32]) -> (f32, f32) {
    assert_eq!(ours.len(), reference.len());
    assert!(ours.iter().all(|value| (0.0..=1.0).contains(value)));
    let differences = ours.iter().zip(reference).map(|(a, b)| (a - b).abs());
    (differences.clone().fold(0.0, f32::max), differences.sum::<f32>() / ours.len() as f32)
}

fn assert_parity(name: &str, ours: &[f32], golden: &Golden) {
    let (largest, mean) = difference(ours, &golden.picture);
    println!("{name}: differs by up to {largest:e}, {mean:e} on average");
    assert!(largest <= F32_TOLERANCE, "{name}: differs by up to {largest:e}, {mean:e} on average");
}

#[test]
fn pictures_are_those_of_diffusers() {
    let mut pipeline = pipeline(RunPrecision::F32);
    for name in ["guided", "unguided", "negative", "empty", "batch-0", "batch-1"] {
        let golden = golden(name);
        assert_parity(name, &paint(&mut pipeline, &golden.request)[0], &golden);
    }
}

#[test]
fn pictures_of_one_batch_are_those_of_diffusers() {
    let (first, second) = (golden("batch-0"), golden("batch-1"));
    let request = FamilyRequest {
        prompts: [&first, &second].map(|golden| golden.request.prompts[0].clone()).to_vec(),
        seeds: [&first, &second].map(|golden| golden.request.seeds[0]).to_vec(),
        ..first.request.clone()
    };
    let pictures = paint(&mut pipeline(RunPrecision::F32), &request);
    assert_parity("batch-0", &pictures[0], &first);
    assert_parity("batch-1", &pictures[1], &second);
}

#[test]
fn bf16_pictures_are_closer_to_the_f32_reference_than_those_of_diffusers() {
    let mut pipeline = pipeline(RunPrecision::Bf16);
    for (exact, rounded) in [("batch-0", "bf16-0"), ("batch-1", "bf16-1")] {
        let (exact, rounded) = (golden(exact), golden(rounded));
        let ours = paint(&mut pipeline, &rounded.request).remove(0);
        let (to_rounded, to_exact, between) =
            (difference(&ours, &rounded.picture), difference(&ours, &exact.picture), difference(&rounded.picture, &exact.picture));
        println!("largest, mean: ours to bf16 {to_rounded:?}, ours to f32 {to_exact:?}, bf16 to f32 {between:?}");
        assert!(to_rounded.0 <= BF16_TO_BF16_REFERENCE.0 && to_rounded.1 <= BF16_TO_BF16_REFERENCE.1, "{to_rounded:?}");
        assert!(to_exact.0 <= BF16_TO_F32_REFERENCE.0 && to_exact.1 <= BF16_TO_F32_REFERENCE.1, "{to_exact:?}");
        assert!(to_exact.0 < between.0 && to_exact.1 < between.1, "{to_exact:?} {between:?}");
        assert!(to_exact.0 > F32_TOLERANCE, "nothing was rounded: {to_exact:?}");
    }
}
