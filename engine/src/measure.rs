//! Unlabelled pixels, for measuring a model in this process: its speed, its likeness to a reference, what its layers bear.

use crate::error::{Error, Result};
use crate::families::{Control, Observer};
use crate::generate::{family_request, to_bytes};
use crate::loaded_model::LoadedModel;
use crate::waist::Tensor;
use crate::weights::PackedFolder;
use spec::{Request, Sha256Digest};

pub use crate::families::{FamilyRequest, Shortcuts};

/// The one type that hands out pixels without a label. Nothing may write them anywhere: `cargo xtask check` lists the files that may name
/// it.
pub struct Measurement<'a> {
    model: &'a mut LoadedModel,
}

impl<'a> Measurement<'a> {
    /// Measures `model`.
    pub fn of(model: &'a mut LoadedModel) -> Self {
        Self { model }
    }

    /// The picture of `request` as floating-point values, `[height, width, 3]`, 0..1, for comparing with a reference.
    pub fn picture(&mut self, request: &Request) -> Result<Tensor> {
        let pictures = self.pictures(&family_request(request, 0..1)?, &mut |_| Control::Continue)?;
        pictures.into_iter().next().ok_or_else(|| Error::InvalidRequest("no picture was asked for / 未请求图片".into()))
    }

    /// The pixels, `[height, width, 3]`, of pictures for `prompts`, the first with `seed`, sized and stepped as `request` says. `observer`
    /// is told how far it is, and may stop it.
    pub fn pixels(&mut self, request: &Request, prompts: &[String], seed: u64, observer: &mut Observer<'_>) -> Result<Vec<Vec<u8>>> {
        let request = FamilyRequest {
            prompts: prompts.to_vec(),
            seeds: (0..prompts.len() as u64).map(|index| seed.wrapping_add(index)).collect(),
            ..family_request(request, 0..0)?
        };
        let pictures = self.pictures(&request, observer)?;
        pictures.iter().map(|picture| Ok(to_bytes(picture)?.pixels().to_vec())).collect()
    }

    /// What the family itself makes: a picture for each prompt and seed, `[height, width, 3]`, 0..1.
    pub fn pictures(&mut self, request: &FamilyRequest, observer: &mut Observer<'_>) -> Result<Vec<Tensor>> {
        self.model.family()?.generate(request, observer)
    }

    /// Keeps packed weights in a folder, under any digest: to measure what another model's files do.
    pub fn keep_packed(&mut self, folder: PackedFolder, model: Sha256Digest) {
        // A solver has no weights to keep.
        if let Ok(family) = self.model.family() {
            family.keep_packed(folder, model);
        }
    }
}
