//! What a user asks for.

mod asked;
mod run;

pub use asked::{Asked, DesignRequest, PictureRequest};
pub use run::{Run, RunPrecision, Speed, UnknownPrecision, UnknownSpeed};

use serde::{Deserialize, Serialize};

/// What a user asked for, every default already filled in from the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Model name or folder as the user gave it.
    pub model: String,
    /// What people wrote, for the gate and the model to read.
    pub texts: Texts,
    /// Seed of the first artifact; artifact `i` uses `seed + i`.
    pub seed: u64,
    /// Number of artifacts.
    pub count: u32,
    /// Precision and speed.
    pub run: Run,
    /// What is asked, kind by kind.
    pub asked: Asked,
}

/// The texts of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Texts {
    /// What to generate.
    pub prompt: String,
    /// What the user wrote, where a prompt enhancer rewrote it into `prompt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_prompt: Option<String>,
    /// What to keep away from; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative_prompt: String,
}

impl Texts {
    /// A prompt alone.
    pub fn of(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }
}

impl Request {
    /// One artifact, seed 0, exact bf16: what tests and measurements start from, with struct update for the rest.
    pub fn of(model: impl Into<String>, texts: Texts, asked: Asked) -> Self {
        Self { model: model.into(), texts, seed: 0, count: 1, run: Run::exact(RunPrecision::Bf16), asked }
    }

    /// The same with `change` made to what is asked of pictures; another kind of work stays as it is.
    #[must_use]
    pub fn with_picture(mut self, change: impl FnOnce(&mut PictureRequest)) -> Self {
        if let Asked::Picture(picture) = &mut self.asked {
            change(picture);
        }
        self
    }

    /// Width and height in pixels of the pictures that are asked for; zero for another kind of work.
    pub fn picture_size(&self) -> (u32, u32) {
        self.asked.picture().map_or((0, 0), |picture| (picture.width, picture.height))
    }

    /// Denoising steps of each picture; zero for another kind of work.
    pub fn picture_steps(&self) -> u32 {
        self.asked.picture().map_or(0, |picture| picture.num_inference_steps)
    }
}
