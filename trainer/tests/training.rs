//! Training works on tiny networks: one batch is learnt by heart, a resumed run equals an uninterrupted one, and neither the number
//! of threads nor anything else but seed and recipe matters.

mod tiny;

use tiny::{optimisation, recipe};
use trainer::autodiff::Recorder;
use trainer::networks::{self, Conditioner};
use trainer::optimiser::{GradientSum, Optimisation, OptimiserState};
use trainer::parameters::{Layout, Parameters, initial_values};
use trainer::random::Random;
use trainer::recipe::Recipe;
use trainer::stages::{AutoencoderBatch, DenoiserBatch, autoencoder_step, denoiser_step};
use trainer::{checkpoint, vocabulary};

struct Denoising {
    recipe: Recipe,
    conditioner: Conditioner,
    layout: Layout,
    batch: DenoiserBatch,
}

impl Denoising {
    fn new(precision: &str) -> Self {
        let recipe = recipe(precision);
        let prompts = ["红色的苹果", "小狗", "", "a blue car"];
        let tokenizer = vocabulary::tokenizer_json(prompts.into_iter(), 1);
        let conditioner = Conditioner::new(&recipe, &tokenizer).unwrap();
        let layout = networks::denoiser_layout(&recipe, &tokenizer);
        let mut random = Random::at(5, 5, 5);
        let latents = random.normals(4 * recipe.latent_size().pow(2) * recipe.patch_channels());
        let tokens = prompts.iter().map(|prompt| conditioner.tokens(prompt).unwrap()).collect();
        let batch = DenoiserBatch::noise(latents, &mut random, tokens, vec![0.9, 0.5, 0.7, 0.3]);
        Self { recipe, conditioner, layout, batch }
    }

    fn train(&self, state: &mut OptimiserState, steps: u64, total: u64) -> f32 {
        let recorder = Recorder::new(networks::run_precision(&self.recipe));
        let settings = optimisation(3e-3);
        let mut last = f32::NAN;
        for _ in 0..steps {
            let (gradients, loss) = denoiser_step(
                &recorder,
                &self.recipe,
                Parameters { layout: &self.layout, values: &state.values },
                &self.conditioner,
                &self.batch,
            )
            .unwrap();
            let mut sum = GradientSum::new(&self.layout);
            sum.add(&self.layout, &gradients, 1.0).unwrap();
            state.update(&self.layout, &sum, &settings, settings.learning_rate_at(state.step, total));
            last = loss;
        }
        last
    }

    fn start(&self) -> OptimiserState {
        OptimiserState::new(initial_values(&self.layout, self.recipe.seed))
    }
}

#[test]
fn a_denoiser_learns_one_batch_by_heart() {
    for precision in ["f32", "bf16"] {
        let denoising = Denoising::new(precision);
        let mut state = denoising.start();
        let first = denoising.train(&mut state, 1, 300);
        let last = denoising.train(&mut state, 299, 300);
        assert!(last * 10.0 < first, "{precision}: the loss fell from {first} to {last} only");
    }
}

#[test]
fn an_autoencoder_learns_one_batch_by_heart() {
    let recipe = recipe("f32");
    let layout = networks::autoencoder_layout(&recipe);
    let mut state = OptimiserState::new(initial_values(&layout, recipe.seed));
    let (size, side) = (2, 16);
    let mut random = Random::at(6, 6, 6);
    // Smooth pictures: a bottleneck of sixteen values cannot hold noise.
    let waves: Vec<f32> = (0..size * 3).map(|_| random.uniform() * 6.0).collect();
    let pictures = (0..size * side * side * 3)
        .map(|index| {
            let (picture, y, x, channel) = (index / (side * side * 3), index / (side * 3) % side, index / 3 % side, index % 3);
            0.8 * (waves[picture * 3 + channel] + 0.3 * x as f32 - 0.2 * y as f32).sin()
        })
        .collect();
    let noise = vec![0.0; size * (side / 8).pow(2) * recipe.autoencoder.latent_channels];
    let batch = AutoencoderBatch { pictures, noise, size, side };
    let recorder = Recorder::new(networks::run_precision(&recipe));
    let settings = optimisation(5e-3);
    let mut losses = Vec::new();
    for step in 0..400 {
        let (gradients, loss) = autoencoder_step(&recorder, &recipe, &layout, &state.values, &batch).unwrap();
        let mut sum = GradientSum::new(&layout);
        sum.add(&layout, &gradients, 1.0).unwrap();
        state.update(&layout, &sum, &settings, settings.learning_rate_at(step, 400));
        losses.push(loss.squared);
    }
    assert!(losses[399] * 10.0 < losses[0], "the squared error fell from {} to {} only", losses[0], losses[399]);
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let denoising = Denoising::new("bf16");
    let mut whole = denoising.start();
    denoising.train(&mut whole, 6, 6);
    let mut first = denoising.start();
    denoising.train(&mut first, 3, 6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    let digest = denoising.recipe.architecture_digest();
    checkpoint::save(&path, &first, digest).unwrap();
    let mut second = checkpoint::load(&path, denoising.layout.len(), digest).unwrap();
    assert_eq!(first, second);
    denoising.train(&mut second, 3, 6);
    assert_eq!(whole, second);
    assert!(checkpoint::load(&path, denoising.layout.len(), spec::Sha256Digest::of(b"another")).is_err());
    assert!(checkpoint::load(&path, denoising.layout.len() + 1, digest).is_err());
}

#[test]
fn threads_do_not_change_a_bit() {
    let denoising = Denoising::new("bf16");
    let run = |threads: usize| {
        kernels::pool::set_threads(threads);
        let mut state = denoising.start();
        denoising.train(&mut state, 3, 3);
        state
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn weight_decay_spares_vectors_and_clipping_bounds_the_step() {
    let layout = Layout::new([("a/matrix".to_owned(), vec![2, 2]), ("a/vector".to_owned(), vec![2])].into());
    let recorder = Recorder::new(spec::RunPrecision::F32);
    let device = recorder.device();
    recorder.set_scope("a/");
    let leaf = |name: &str, shape: &[usize]| {
        let ones = engine::Tensor::from_f32(vec![1.0; shape.iter().product()], shape, &device).unwrap();
        device.parameter(name, ones).unwrap()
    };
    let (matrix, vector) = (leaf("matrix", &[2, 2]), leaf("vector", &[2]));
    let loss = matrix.mean().unwrap().add(&vector.mean().unwrap()).unwrap().scale(0.0).unwrap();
    let gradients = recorder.backward(&loss).unwrap();
    let mut sum = GradientSum::new(&layout);
    sum.add(&layout, &gradients, 1.0).unwrap();
    let mut state = OptimiserState::new(vec![1.0; 6]);
    let settings = Optimisation { weight_decay: 0.5, ..optimisation(0.1) };
    state.update(&layout, &sum, &settings, 0.1);
    assert_eq!(state.values[4..], [1.0, 1.0], "no decay on vectors");
    assert!(state.values[..4].iter().all(|value| (value - 0.95).abs() < 1e-6), "{:?}", state.values);
}
