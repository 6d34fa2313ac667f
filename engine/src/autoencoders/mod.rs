//! Autoencoders: pictures ↔ latents.

mod convolution;
mod decoder;
mod encoder;
mod kl_flux2;
mod resnet;

pub use kl_flux2::{AutoencoderKlFlux2, AutoencoderKlFlux2Config, LATENT_STATISTICS_EPSILON, patchify, unpatchify};
