//! Families of models: what a pipeline class does between prompt and picture. A family is registered by its class name in
//! [`crate::LoadedModel::open`].

mod ernie_image;
mod prompt_cache;
mod shortcuts;

pub use ernie_image::ErnieImagePipeline;
pub use shortcuts::Shortcuts;

use crate::quantization::{Part, precision_of};
use crate::{Device, Result};

/// What a family is asked for. Pictures differ in prompt and seed only.
#[derive(Debug, Clone)]
pub struct PipelineRequest {
    /// One for each picture.
    pub prompts: Vec<String>,
    /// For all pictures; counts when guidance is on.
    pub negative_prompt: String,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Denoising steps.
    pub num_inference_steps: usize,
    /// Classifier-free guidance; 1 or less turns it off.
    pub guidance_scale: f32,
    /// One for each picture: its noise is what `torch.Generator("cpu").manual_seed(seed)` draws first.
    pub seeds: Vec<u64>,
    /// Work that may be left out.
    pub shortcuts: Shortcuts,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A component is being read and packed.
    Loading(&'static str),
    /// Prompts are being encoded.
    Encoding,
    /// `done` of `total` denoising steps are over.
    Step {
        /// Steps that are over.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// Latents are being decoded.
    Decoding,
}

/// What an observer wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop with [`crate::Error::Interrupted`].
    Stop,
}

/// Called between the parts of a run.
pub type Observer<'a> = dyn FnMut(Progress) -> Control + 'a;

/// Whether components stay in memory after their part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residency {
    /// All stay: the next run starts at once.
    Keep,
    /// Each is dropped before the next is loaded: the peak is that of the largest.
    OneAtATime,
}

/// A component that is loaded when it is first needed.
struct Slot<T> {
    loaded: Option<T>,
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Self { loaded: None }
    }

    fn get(&mut self, load: impl FnOnce() -> Result<T>) -> Result<&T> {
        match &mut self.loaded {
            Some(loaded) => Ok(loaded),
            empty => {
                let loaded = load()?;
                kernels::memory::release_freed();
                Ok(empty.insert(loaded))
            }
        }
    }

    fn leave(&mut self, residency: Residency) {
        if residency == Residency::OneAtATime {
            self.loaded = None;
            kernels::memory::release_freed();
        }
    }
}

fn device_for(part: Part, run: spec::RunPrecision) -> Device {
    Device::cpu(precision_of(part, run))
}
