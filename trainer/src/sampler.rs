//! Pictures from weights in training, without going through files: the Euler steps of the exported scheduler.

use crate::error::Result;
use crate::networks::{self, Conditioner, Place};
use crate::parameters::Parameters;
use crate::random::Random;
use crate::recipe::Recipe;
use engine::autoencoders::unpatchify;
use engine::{Device, Tensor};

const NOISE_STREAM: u64 = 30;

/// One picture for each prompt of the recipe, `[prompts, size, size, 3]`, always from the same noise.
pub fn samples(recipe: &Recipe, conditioner: &Conditioner, denoiser: Parameters<'_>, autoencoder: &[f32]) -> Result<Tensor> {
    let device = Device::cpu(networks::run_precision(recipe));
    let models = networks::load_denoiser(recipe, conditioner, denoiser, Place { device: &device, recorder: None })?;
    let (prompts, side, channels) = (&recipe.sampling.prompts, recipe.latent_size(), recipe.patch_channels());
    let count = prompts.len();
    let size = side * side * channels;
    let mut latents: Vec<f32> = (0..count).flat_map(|index| Random::at(recipe.seed, NOISE_STREAM, index as u64).normals(size)).collect();
    let mut tokens = vec![conditioner.tokens("")?; count];
    for prompt in prompts {
        tokens.push(conditioner.tokens(prompt)?);
    }
    let steps = recipe.sampling.num_inference_steps;
    let shift = recipe.scheduler.shift;
    let sigma = |step: usize| {
        let level = 1.0 - step as f32 / steps as f32;
        shift * level / (1.0 + (shift - 1.0) * level)
    };
    for step in 0..steps {
        let both = [latents.as_slice(), latents.as_slice()].concat();
        let both = Tensor::from_f32(both, &[2 * count, side, side, channels], &device)?;
        let predicted = networks::predict(&models, &both, &vec![sigma(step); 2 * count], &tokens)?;
        let (unconditional, conditional) = predicted.f32()?.split_at(count * size);
        let stride = sigma(step + 1) - sigma(step);
        for ((latent, unconditional), conditional) in latents.iter_mut().zip(unconditional).zip(conditional) {
            let guided = unconditional + recipe.sampling.guidance_scale * (conditional - unconditional);
            *latent += stride * guided;
        }
    }
    let latents = Tensor::from_f32(latents, &[count, side, side, channels], &device)?;
    let layout = networks::autoencoder_layout(recipe);
    let parameters = Parameters { layout: &layout, values: autoencoder };
    let model = networks::load_autoencoder(recipe, parameters, Place { device: &device, recorder: None })?;
    Ok(model.decode(&unpatchify(&model.denormalise(&latents)?)?)?)
}
