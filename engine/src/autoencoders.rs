//! Autoencoders: pictures ↔ latents.

mod convolution;
mod decoder;
mod encoder;
mod kl_flux2;
mod resnet;
mod strip_map;

pub use kl_flux2::{AutoencoderKlFlux2, AutoencoderKlFlux2Config, Decoding, LATENT_STATISTICS_EPSILON, patchify, unpatchify};
