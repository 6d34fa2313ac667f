//! From latents to pictures.

use super::LatentDiffusion;
use crate::error::Result;
use crate::families::progress::report;
use crate::families::{Observer, Progress};
use crate::waist::{Tensor, Unary};

impl LatentDiffusion {
    pub(super) fn decode(&mut self, latents: &Tensor, observer: &mut Observer<'_>) -> Result<Vec<Tensor>> {
        let Self { autoencoder, files, configs, recipe, .. } = self;
        let (component, device) = (autoencoder.component(), autoencoder.device().clone());
        let model = autoencoder.get(files, observer, |loader| configs.autoencoder.load(loader))?;
        report(observer, Progress::Decoding)?;
        let latents = model.denormalise(&latents.to_device(&device))?;
        let decoded = model.decode(&recipe.latents.unpacked(&latents)?)?;
        files.require_finite(&decoded, component, "the decoded picture / 解码后的图片")?;
        self.autoencoder.leave(&self.files);
        // As diffusers' image processor: from -1..1 to 0..1, clamped.
        let pictures = decoded.unary(Unary::Affine { factor: 0.5, offset: 0.5 })?.unary(Unary::Clamp { low: 0.0, high: 1.0 })?;
        let shape = &pictures.shape()[1..];
        (0..pictures.size(0)).map(|index| pictures.slice(0, index, 1)?.with_shape(shape)).collect()
    }
}
