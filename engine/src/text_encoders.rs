//! Text encoders: token ids → hidden states. A family reaches them through [`TextEncoderConfig`] and [`TextEncoder`].

mod ministral3;

pub use ministral3::{Ministral3, Ministral3Config};

use crate::error::Result;
use crate::waist::Tensor;
use crate::weights::Loader;

/// Which hidden states of a language model a denoiser is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenStates {
    /// Those behind the final norm.
    Last,
    /// Those in front of the last layer: neither it nor the final norm is run.
    SecondToLast,
}

/// What is known of a text encoder before its weights are read.
pub trait TextEncoderConfig: Send + Sync {
    /// Width of the hidden states.
    fn hidden_size(&self) -> usize;
    /// Reads the weights of a component's folder.
    fn load(&self, hidden_states: HiddenStates, loader: &Loader<'_>) -> Result<Box<dyn TextEncoder>>;
}

/// A text encoder in memory.
pub trait TextEncoder: Send + Sync {
    /// Hidden states of each prompt's ids, `[prompts, longest, hidden]`; rows past a prompt's end mean nothing. A prompt's rows do not
    /// depend on the others.
    fn encode(&self, prompts: &[Vec<u32>]) -> Result<Tensor>;
}
