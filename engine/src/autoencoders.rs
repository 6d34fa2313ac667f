//! Autoencoders: pictures ↔ latents. A family reaches them through [`AutoencoderConfig`] and [`Autoencoder`].

mod convolution;
mod decoder;
mod encoder;
mod kl;
mod kl_flux2;
mod resnet;
mod strip_map;

pub use kl::{AutoencoderKlConfig, Decoding};
pub use kl_flux2::{AutoencoderKlFlux2, AutoencoderKlFlux2Config, LATENT_STATISTICS_EPSILON, patchify, unpatchify};

use crate::error::Result;
use crate::quantization::IntegerLayers;
use crate::waist::Tensor;
use crate::weights::Loader;

/// What is known of an autoencoder before its weights are read.
pub trait AutoencoderConfig: Send + Sync {
    /// Pixels of a latent pixel's side.
    fn scale_factor(&self) -> usize;
    /// Channels of the latents.
    fn latent_channels(&self) -> usize;
    /// Memory that decoding takes for each picture that is decoded together with others, with latents of this size; 0 where pictures are
    /// decoded one by one.
    fn bytes_decoding_together(&self, height: usize, width: usize) -> usize;
    /// The layers that bear 8-bit integers.
    fn integer_layers(&self) -> IntegerLayers;
    /// Reads the weights of a component's folder.
    fn load(&self, loader: &Loader<'_>) -> Result<Box<dyn Autoencoder>>;
}

/// An autoencoder in memory.
pub trait Autoencoder: Send + Sync {
    /// Latents as a denoiser sees them, still in its layout, as the decoder wants them.
    fn denormalise(&self, latents: &Tensor) -> Result<Tensor>;
    /// Pictures `[batch, height, width, 3]`, about -1..1, of `latents [batch, height, width, channels]`.
    fn decode(&self, latents: &Tensor) -> Result<Tensor>;
}
