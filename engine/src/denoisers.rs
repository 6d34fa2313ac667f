//! Denoisers: noisy latents, timestep and text → prediction. A family reaches them through [`DenoiserConfig`] and [`Denoiser`].

mod ernie_image;
mod positions;
mod step_cache;

pub use ernie_image::{ErnieImageConfig, ErnieImageTransformer2DModel};
pub use step_cache::{Forecast, StepCache, StepCachePolicy};

use crate::error::Result;
use crate::quantization::IntegerLayers;
use crate::waist::Tensor;
use crate::weights::Loader;

/// What is known of a denoiser before its weights are read.
pub trait DenoiserConfig: Send + Sync {
    /// Channels of the latents that it sees and predicts.
    fn channels(&self) -> usize;
    /// Width of the text encoder's hidden states.
    fn text_width(&self) -> usize;
    /// Side of a token, in what it sees as pixels.
    fn patch_size(&self) -> usize;
    /// Values that are alive for each token inside a layer; decides how many pictures are made together.
    fn values_per_token(&self) -> usize;
    /// What the names of its repeated layers begin with, each a whole part of a name or several: nearly all of its weights and work are
    /// there, and a run in 8-bit integers uses them there alone.
    fn repeated_layers(&self) -> &'static [&'static str];
    /// The layers that bear 8-bit integers.
    fn integer_layers(&self) -> IntegerLayers {
        IntegerLayers::inside_repeated(self.repeated_layers())
    }
    /// Reads the weights of a component's folder.
    fn load(&self, loader: &Loader<'_>) -> Result<Box<dyn Denoiser>>;
}

/// A denoiser in memory.
pub trait Denoiser: Send + Sync {
    /// The prediction for `latents [batch, height, width, channels]` at `timesteps`, one a sample; the shape of `latents`. `caches` is empty,
    /// or holds one a sample, the same in every step of a run: then samples whose cache allows it may skip layers.
    fn predict(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>, caches: &mut [StepCache]) -> Result<Tensor>;
}

/// Text hidden states of a batch.
#[derive(Clone, Copy)]
pub struct TextCondition<'a> {
    /// `[batch, longest, text width]`.
    pub hidden_states: &'a Tensor,
    /// Tokens of each prompt; rows past them are ignored.
    pub lengths: &'a [usize],
}
