//! Denoisers: noisy latents, timestep and text → prediction.

mod ernie_image;

pub use ernie_image::{ErnieImageConfig, ErnieImageTransformer2DModel, TextCondition};
