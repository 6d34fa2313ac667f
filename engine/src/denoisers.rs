//! Denoisers: noisy latents, timestep and text → prediction.

mod ernie_image;
mod positions;
mod step_cache;

pub use ernie_image::{ErnieImageConfig, ErnieImageTransformer2DModel, TextCondition};
pub use step_cache::{Forecast, StepCache, StepCachePolicy};
