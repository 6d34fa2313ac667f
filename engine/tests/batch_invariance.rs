//! A picture's bits depend on its own prompt, seed and settings: not on its neighbours in the batch, on the number of threads, on
//! what the process painted before, or on what stays in memory.

use engine::LoadedModel;
use engine::denoisers::{Forecast, StepCachePolicy};
use engine::families::{Control, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::ModelFolder;
use spec::RunPrecision;
use std::path::Path;

const PRECISIONS: [RunPrecision; 3] = [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8];

fn pipeline(precision: RunPrecision, residency: Residency) -> LoadedModel {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines/ernie-image");
    LoadedModel::open(ModelFolder::open(folder).unwrap(), "golden", precision, residency).unwrap()
}

/// Prompts of very different lengths, one twice, with and without a common seed.
fn batch(guidance_scale: f32) -> FamilyRequest {
    let prompts = ["猫", "", "a red shoe on a white background, 柔和的灯光, 高清产品照片", "猫", "two dogs"];
    FamilyRequest {
        prompts: prompts.map(String::from).to_vec(),
        negative_prompt: "模糊, low quality".into(),
        width: 48,
        height: 32,
        num_inference_steps: 3,
        guidance_scale,
        seeds: vec![3, 0, 1 << 40, 4, 3],
        shortcuts: Shortcuts::default(),
    }
}

fn alone(batch: &FamilyRequest, index: usize) -> FamilyRequest {
    FamilyRequest { prompts: vec![batch.prompts[index].clone()], seeds: vec![batch.seeds[index]], ..batch.clone() }
}

fn paint(pipeline: &mut LoadedModel, request: &FamilyRequest) -> Vec<Vec<u32>> {
    let pictures = Measurement::of(pipeline).pictures(request, &mut |_| Control::Continue).unwrap();
    pictures.iter().map(|picture| picture.f32().unwrap().iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn pictures_of_a_batch_are_those_painted_alone() {
    for precision in PRECISIONS {
        for guidance_scale in [4.0, 1.0] {
            let mut pipeline = pipeline(precision, Residency::Keep);
            let batch = batch(guidance_scale);
            let together = paint(&mut pipeline, &batch);
            assert_eq!(together.len(), batch.prompts.len());
            for (index, picture) in together.iter().enumerate() {
                assert!(
                    paint(&mut pipeline, &alone(&batch, index))[0] == *picture,
                    "{precision}, guidance {guidance_scale}, picture {index}"
                );
                assert!(together[..index].iter().all(|other| other != picture), "two requests gave one picture");
            }
        }
    }
}

#[test]
fn branches_of_guidance_give_the_same_bits_together_and_apart() {
    for precision in PRECISIONS {
        let mut pipeline = pipeline(precision, Residency::Keep);
        // Two such pictures have too many tokens for both branches in one batch, one has not.
        let request = FamilyRequest { width: 176, height: 128, num_inference_steps: 1, ..batch(4.0) };
        let request = FamilyRequest { prompts: request.prompts[..2].to_vec(), seeds: request.seeds[..2].to_vec(), ..request };
        let apart = paint(&mut pipeline, &request);
        for (index, picture) in apart.iter().enumerate() {
            assert!(paint(&mut pipeline, &alone(&request, index))[0] == *picture, "{precision}, picture {index}");
        }
    }
}

/// A cache that skips where it may, and guidance in some steps only.
fn shortcuts(threshold: f32) -> Shortcuts {
    let step_cache = Some(StepCachePolicy { threshold, forecast: Forecast::Linear, longest_skip: 2 });
    Shortcuts { step_cache, guidance_interval: Some(0.4..=0.95) }
}

#[test]
fn what_a_picture_skips_is_its_own_affair() {
    let mut pipeline = pipeline(RunPrecision::F32, Residency::Keep);
    let base = FamilyRequest { num_inference_steps: 8, ..batch(4.0) };
    let exact = paint(&mut pipeline, &base);
    // Somewhere between never and always, samples of one batch skip different steps.
    for threshold in [0.05, 0.1, 0.2, 0.4, 10.0] {
        let request = FamilyRequest { shortcuts: shortcuts(threshold), ..base.clone() };
        let together = paint(&mut pipeline, &request);
        for (index, picture) in together.iter().enumerate() {
            assert!(paint(&mut pipeline, &alone(&request, index))[0] == *picture, "threshold {threshold}, picture {index}");
        }
        assert!(together != exact, "threshold {threshold}: nothing was left out");
    }
    // A cache that never allows a skip, and guidance everywhere, change no bit.
    let idle = Shortcuts { guidance_interval: Some(0.0..=1.0), ..shortcuts(0.0) };
    assert!(paint(&mut pipeline, &FamilyRequest { shortcuts: idle, ..base }) == exact);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let before = kernels::pool::threads();
    for precision in PRECISIONS {
        let [one, two, three] = [1, 2, 3].map(|threads| {
            kernels::pool::set_threads(threads);
            paint(&mut pipeline(precision, Residency::Keep), &batch(4.0))
        });
        assert!(one == two && one == three, "{precision}");
    }
    kernels::pool::set_threads(before);
}

#[test]
fn neither_a_restart_nor_unloading_changes_anything() {
    let request = batch(4.0);
    for precision in PRECISIONS {
        let mut kept = pipeline(precision, Residency::Keep);
        let first = paint(&mut kept, &request);
        // Other work in between, of another size.
        paint(&mut kept, &FamilyRequest { width: 16, height: 64, ..alone(&request, 2) });
        assert!(paint(&mut kept, &request) == first, "{precision}: painted again");
        assert!(paint(&mut pipeline(precision, Residency::Keep), &request) == first, "{precision}: loaded again");
        assert!(paint(&mut pipeline(precision, Residency::OneAtATime), &request) == first, "{precision}: unloaded in between");
    }
}
