//! Steps per second of both trained stages on random data at a recipe's sizes: `step_throughput RECIPE.toml [STEPS]`.

use std::path::PathBuf;
use std::time::Instant;
use trainer::autodiff::Recorder;
use trainer::networks::{self, Conditioner};
use trainer::optimiser::{GradientSum, OptimiserState};
use trainer::parameters::initial_values;
use trainer::random::Random;
use trainer::recipe::Recipe;
use trainer::stages::{AutoencoderBatch, DenoiserBatch, autoencoder_step, denoiser_step};
use trainer::vocabulary::tokenizer_json;

/// Tokens of a typical caption.
const WORDS: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let recipe = Recipe::read(&PathBuf::from(arguments.next().ok_or("which recipe?")?))?;
    let steps: usize = arguments.next().map_or(Ok(3), |steps| steps.parse())?;
    let recorder = Recorder::new(networks::run_precision(&recipe));

    let words: String = ('一'..).take(2_000).collect();
    let tokenizer = tokenizer_json([words.as_str()].into_iter(), 1);
    let conditioner = Conditioner::new(&recipe, &tokenizer)?;
    let layout = networks::denoiser_layout(&recipe, &tokenizer);
    println!("denoiser: {} parameters", layout.len());
    let mut state = OptimiserState::new(initial_values(&layout, 1));
    let size = recipe.denoiser.batch_size / recipe.denoiser.micro_batches;
    let mut random = Random::at(1, 2, 3);
    let latents = random.normals(size * recipe.latent_size().pow(2) * recipe.patch_channels());
    let prompt: String = words.chars().take(WORDS).collect();
    let batch = DenoiserBatch::noise(latents, &mut random, vec![conditioner.tokens(&prompt)?; size], vec![0.5; size]);
    for _ in 0..steps {
        let started = Instant::now();
        let (gradients, loss) = denoiser_step(&recorder, &recipe, (&layout, &state.values), &conditioner, &batch)?;
        let differentiated = started.elapsed().as_secs_f32();
        let mut sum = GradientSum::new(&layout);
        sum.add(&layout, &gradients, 1.0)?;
        state.update(&layout, &sum, &recipe.denoiser.optimisation, 1e-4);
        let total = started.elapsed().as_secs_f32();
        println!(
            "denoiser: loss {loss:.4}  {differentiated:.3} s + update {:.3} s  {:.1} images/s",
            total - differentiated,
            size as f32 / total
        );
    }

    let Some(phase) = recipe.autoencoder.phases.first() else { return Ok(()) };
    let layout = networks::autoencoder_layout(&recipe);
    println!("autoencoder: {} parameters", layout.len());
    let values = initial_values(&layout, 1);
    let (size, side) = (phase.batch_size, phase.crop_size);
    let pictures = random.normals(size * side * side * 3);
    let noise = random.normals(size * (side / 8).pow(2) * recipe.autoencoder.latent_channels);
    let batch = AutoencoderBatch { pictures, noise, size, side };
    for _ in 0..steps {
        let started = Instant::now();
        let (_, losses) = autoencoder_step(&recorder, &recipe, &layout, &values, &batch)?;
        let seconds = started.elapsed().as_secs_f32();
        println!("autoencoder: loss {:.4}  {seconds:.3} s  {:.1} images/s", losses.total, size as f32 / seconds);
    }
    Ok(())
}
