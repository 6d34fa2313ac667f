//! What was trained is what the engine loads: the exported folder opens strictly, paints, and has the loss of the trainer.

mod tiny;

use engine::LoadedModel;
use engine::denoisers::{ErnieImageConfig, ErnieImageTransformer2DModel, TextCondition};
use engine::families::{Control, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::{JsonFile, ModelFolder};
use engine::text_encoders::{Ministral3, Ministral3Config};
use engine::weights::{Loader, SafetensorsSource};
use engine::{Device, Tensor, Unary};
use half::bf16;
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::BTreeSet;
use trainer::autodiff::Recorder;
use trainer::export::Export;
use trainer::networks::{self, Conditioner};
use trainer::optimiser::{GradientSum, OptimiserState};
use trainer::parameters::{Parameters, initial_values};
use trainer::random::Random;
use trainer::stages::{DenoiserBatch, denoiser_step};
use trainer::vocabulary;

#[test]
fn the_engine_has_the_loss_of_the_trainer() {
    let recipe = tiny::recipe("f32");
    let prompts = ["红色的苹果", "小狗", "", "a blue car"];
    let tokenizer = vocabulary::tokenizer_json(prompts.into_iter(), 1);
    let conditioner = Conditioner::new(&recipe, &tokenizer).unwrap();
    let layout = networks::denoiser_layout(&recipe, &tokenizer);
    let mut random = Random::at(5, 5, 5);
    let latents = random.normals(4 * recipe.latent_size().pow(2) * recipe.patch_channels());
    let tokens: Vec<Vec<u32>> = prompts.iter().map(|prompt| conditioner.tokens(prompt).unwrap()).collect();
    let batch = DenoiserBatch::noise(latents, &mut random, tokens.clone(), vec![0.9, 0.5, 0.7, 0.3]);
    let recorder = Recorder::new(RunPrecision::F32);
    let mut state = OptimiserState::new(initial_values(&layout, recipe.seed));
    // A few steps, so that the layers that start at zero do something.
    for _ in 0..5 {
        let (gradients, _) =
            denoiser_step(&recorder, &recipe, Parameters { layout: &layout, values: &state.values }, &conditioner, &batch).unwrap();
        let mut sum = GradientSum::new(&layout);
        sum.add(&layout, &gradients, 1.0).unwrap();
        state.update(&layout, &sum, &tiny::optimisation(3e-3), 3e-3);
    }
    // The folder holds bfloat16.
    let values: Vec<f32> = state.values.iter().map(|value| bf16::from_f32(*value).to_f32()).collect();
    let (_, trained_loss) =
        denoiser_step(&recorder, &recipe, Parameters { layout: &layout, values: &values }, &conditioner, &batch).unwrap();

    let autoencoder_layout = networks::autoencoder_layout(&recipe);
    let autoencoder = initial_values(&autoencoder_layout, 1);
    let place = tempfile::tempdir().unwrap();
    let parts = [Parameters { layout: &layout, values: &values }, Parameters { layout: &autoencoder_layout, values: &autoencoder }];
    Export { recipe: &recipe, tokenizer: &tokenizer, parts: &parts }.write(place.path()).unwrap();
    let folder = ModelFolder::open(place.path()).unwrap();

    let device = Device::cpu(RunPrecision::F32);
    let taken = RefCell::new(BTreeSet::new());
    let source = SafetensorsSource::component(&folder, "text_encoder").unwrap();
    let text_config: Ministral3Config =
        JsonFile::component(&folder, "text_encoder").unwrap().section("text_config").unwrap().parse_as().unwrap();
    let loader = Loader::new(&source, &device, &taken);
    let text_encoder = Ministral3::load_encoder(&text_config, &loader.child("language_model").child("model")).unwrap();
    let source = SafetensorsSource::component(&folder, "transformer").unwrap();
    let config: ErnieImageConfig = JsonFile::component(&folder, "transformer").unwrap().parse_as().unwrap();
    let taken = RefCell::new(BTreeSet::new());
    let loader = Loader::new(&source, &device, &taken);
    let denoiser = ErnieImageTransformer2DModel::load(&config, &loader).unwrap();
    loader.finish().unwrap();

    let side = recipe.latent_size();
    let shape = [4, side, side, recipe.patch_channels()];
    let noised = Tensor::from_f32(batch.noised.clone(), &shape, &device).unwrap();
    let hidden_states = text_encoder.encode(&tokens).unwrap();
    let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
    let timesteps: Vec<f32> = batch.sigmas.iter().map(|sigma| 1000.0 * sigma).collect();
    let predicted = denoiser.forward(&noised, &timesteps, TextCondition { hidden_states: &hidden_states, lengths: &lengths }).unwrap();
    let target = Tensor::from_f32(batch.velocity.clone(), &shape, &device).unwrap();
    let loss = predicted.subtract(&target).unwrap().unary(Unary::Square).unwrap().mean().unwrap().f32().unwrap()[0];
    assert!(trained_loss < 1.9, "the networks did not move: {trained_loss}");
    assert!((loss - trained_loss).abs() < 1e-6 * trained_loss, "engine {loss}, trainer {trained_loss}");

    let mut model = LoadedModel::open(folder, "exported", RunPrecision::F32, Residency::Keep).unwrap();
    let request = FamilyRequest {
        prompts: vec!["红色的苹果".into()],
        negative_prompt: String::new(),
        width: 32,
        height: 32,
        num_inference_steps: 2,
        guidance_scale: 2.0,
        seeds: vec![1],
        shortcuts: Shortcuts::default(),
    };
    let pictures = Measurement::of(&mut model).pictures(&request, &mut |_| Control::Continue).unwrap();
    assert_eq!(pictures.len(), 1);
    assert!(pictures[0].f32().unwrap().iter().all(|value| value.is_finite()));
}
