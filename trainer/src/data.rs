//! Training data: pictures of single objects from packages of a registry, composed on the fly into captioned scenes.
//!
//! # Contract
//! * A [`DataRecipe`] names every package with version and integrity hash; bytes that do not match are refused.
//! * [`Dataset::sample`] is a pure function of the recipe, the packages, the seed and the index: any thread may call it.
//! * [`Dataset::manifest`] lists every source picture with source, licence, digest, captions and the filters it passed, and every
//!   picture that was left out, with the reason. Its bytes are a function of the recipe and the packages.
//! * A [`Registry`] says of every source what allows its use; a training run refuses a source without such a record.
//! * Damaged packages are errors, never panics; sizes inside them are capped before anything is allocated.

mod captions;
mod colours;
mod composer;
mod concepts;
mod error;
mod manifest;
mod package;
mod prompts;
mod recipe;
mod recolour;
pub mod registry;
mod sprite;

pub use colours::{NamedColour, PALETTE, nearest_colour};
pub use composer::{Background, BackgroundKind, OBJECT_COLOURS, ObjectSize, Sample, Scene};
pub use concepts::Concept;
pub use error::Error;
pub use prompts::{BackgroundPrompt, ConceptPrompt};
pub use recipe::DataRecipe;
pub use registry::Registry;

use crate::random::Random;
use concepts::Rejected;
use sprite::Sprite;
use std::path::Path;

/// Concepts with their pictures, ready to compose.
pub struct Dataset {
    recipe: DataRecipe,
    concepts: Vec<Concept>,
    rejected: Vec<Rejected>,
    sprites: Vec<Sprite>,
}

impl Dataset {
    /// Reads the packages that `recipe` names from the folder `packages`, where they lie as `npm pack` names them.
    pub fn open(recipe: DataRecipe, packages: &Path) -> Result<Self, Error> {
        let pictures = package::read(&recipe.pictures.package, packages)?;
        let annotations = package::read(&recipe.annotations.package, packages)?;
        let (concepts, rejected) = concepts::choose(&recipe, &pictures, &annotations)?;
        let sprites = sprite::decode_all(&concepts, &pictures)?;
        Ok(Self { recipe, concepts, rejected, sprites })
    }

    /// What can be drawn.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// A captioned scene of `size` × `size` pixels.
    pub fn sample(&self, seed: u64, index: u64, size: u32) -> Sample {
        composer::compose(self, &mut Random::at(seed, STREAM_SAMPLE, index), size)
    }

    /// A square of `size` pixels, `[size, size, 3]`, out of a scene of [`SCENE_SIZE`], around an object.
    pub fn crop(&self, seed: u64, index: u64, size: u32) -> Vec<u8> {
        let mut random = Random::at(seed, STREAM_CROP, index);
        composer::crop(&composer::compose(self, &mut random, SCENE_SIZE), &mut random, size)
    }

    /// One concept alone in the middle of a plain background, as most prompts ask for it, `[size, size, 3]`.
    pub fn concept_picture(&self, concept: usize, size: u32, background: [u8; 3]) -> Vec<u8> {
        composer::portrait(&self.sprites[concept], size, background)
    }

    /// The captions of `count` samples from `first`.
    pub fn captions(&self, seed: u64, first: u64, count: u64) -> Vec<String> {
        (first..first + count).map(|index| composer::plan(self, &mut Random::at(seed, STREAM_SAMPLE, index)).1).collect()
    }
}

/// Side of the scenes that crops are cut from.
pub const SCENE_SIZE: u32 = 128;
const STREAM_SAMPLE: u64 = 0x5ce7e;
const STREAM_CROP: u64 = 0xc409;
