use super::convolution::{Channels, Convolution};
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::{Autoencoder, AutoencoderConfig, AutoencoderKlConfig, Decoding};
use crate::error::{Error, Result};
use crate::model_folder::JsonFile;
use crate::quantization::IntegerLayers;
use crate::waist::{Tensor, Unary};
use crate::weights::Loader;
use serde::Deserialize;

/// First part of the names of what turns latents into pictures.
const DECODER: &str = "decoder";

/// Added to the running variance of the latents. ERNIE-Image's pipeline hard-codes this value; the hub's config says 1e-4.
pub const LATENT_STATISTICS_EPSILON: f32 = 1e-5;

/// A strip of a map, in bytes: enough work for many threads, and the rows that neighbours both prepare are few.
const STRIP_BYTES: usize = 16 << 20;

/// `vae/config.json`; the defaults are those of diffusers' `AutoencoderKLFlux2`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct AutoencoderKlFlux2Config {
    /// What it shares with its kin.
    #[serde(flatten)]
    pub kl: AutoencoderKlConfig,
    /// Patches that the statistics are kept over; 2 × 2.
    pub patch_size: [usize; 2],
}

impl Default for AutoencoderKlFlux2Config {
    fn default() -> Self {
        Self { kl: AutoencoderKlConfig::default(), patch_size: [2, 2] }
    }
}

impl AutoencoderKlFlux2Config {
    /// Reads and checks a `config.json`.
    pub fn read(file: &JsonFile) -> Result<Self> {
        let config: Self = file.parse_as()?;
        config.kl.check_sizes().map_err(|fault| fault.in_file(file))?;
        config.check_support()?;
        Ok(config)
    }

    fn check_support(&self) -> Result<()> {
        if self.patch_size != [2, 2] {
            return Err(Error::Unsupported(format!("vae config: patch_size {:?}; [2, 2] is supported / 仅支持 [2, 2]", self.patch_size)));
        }
        self.kl.check_support()
    }
}

impl AutoencoderConfig for AutoencoderKlFlux2Config {
    fn scale_factor(&self) -> usize {
        self.kl.scale_factor()
    }

    fn latent_channels(&self) -> usize {
        self.kl.latent_channels
    }

    fn bytes_decoding_together(&self, height: usize, width: usize) -> usize {
        // About four maps as large as the largest are alive.
        if self.kl.decodes_in_strips(height, width) { 0 } else { 4 * self.kl.largest_map(height, width) }
    }

    fn integer_layers(&self) -> IntegerLayers {
        IntegerLayers::of_decoder(DECODER)
    }

    fn load(&self, loader: &Loader<'_>) -> Result<Box<dyn Autoencoder>> {
        Ok(Box::new(AutoencoderKlFlux2::load(self, loader)?))
    }
}

/// The autoencoder of FLUX.2 and ERNIE-Image: a convolutional KL autoencoder whose patchified latents have running statistics.
pub struct AutoencoderKlFlux2 {
    config: AutoencoderKlFlux2Config,
    encoder: Encoder,
    decoder: Decoder,
    quant: Option<Convolution>,
    post_quant: Option<Convolution>,
    running_mean: Tensor,
    running_variance: Tensor,
}

impl AutoencoderKlFlux2 {
    /// Reads the weights under the names that diffusers gives them.
    pub fn load(config: &AutoencoderKlFlux2Config, loader: &Loader<'_>) -> Result<Self> {
        config.kl.check_sizes().map_err(|fault| fault.of("vae"))?;
        config.check_support()?;
        let kl = &config.kl;
        let latent = kl.latent_channels;
        let point = |name: &str, channels: usize, wanted: bool| match wanted {
            true => Convolution::load(loader, name, Channels { outputs: channels, inputs: channels }, 1).map(Some),
            false => Ok(None),
        };
        loader.ignore("bn.num_batches_tracked");
        Ok(Self {
            config: config.clone(),
            encoder: Encoder::load(kl, &loader.child("encoder"))?,
            decoder: Decoder::load(kl, &loader.child(DECODER))?,
            quant: point("quant_conv", 2 * latent, kl.use_quant_conv)?,
            post_quant: point("post_quant_conv", latent, kl.use_post_quant_conv)?,
            running_mean: loader.parameter("bn.running_mean", &[4 * latent])?,
            running_variance: loader.parameter("bn.running_var", &[4 * latent])?,
        })
    }

    /// The config it was built from.
    pub fn config(&self) -> &AutoencoderKlFlux2Config {
        &self.config
    }

    /// Mean and log-variance, clamped to [-30, 20], of the latents of `pictures [batch, height, width, 3]` in -1..1; each
    /// `[batch, height / scale, width / scale, latent_channels]`.
    pub fn encode(&self, pictures: &Tensor) -> Result<(Tensor, Tensor)> {
        let mut moments = self.encoder.forward(pictures)?;
        if let Some(quant) = &self.quant {
            moments = quant.forward(&moments)?;
        }
        let latent = self.config.kl.latent_channels;
        let mean = moments.slice(3, 0, latent)?;
        let log_variance = moments.slice(3, latent, latent)?.unary(Unary::Clamp { low: -30.0, high: 20.0 })?;
        Ok((mean, log_variance))
    }

    /// Pictures, about -1..1, of `latents [batch, height, width, latent_channels]`; in strips where their maps are large.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let in_strips = self.config.kl.decodes_in_strips(latents.size(1), latents.size(2)) && latents.device().strips().is_some();
        self.decode_as(latents, if in_strips { Decoding::Strips { bytes: STRIP_BYTES } } else { Decoding::Whole })
    }

    /// [`Self::decode`] in a certain way. The bits are the same in each; strips do without a recording, and one picture after another.
    pub fn decode_as(&self, latents: &Tensor, decoding: Decoding) -> Result<Tensor> {
        let post_quantized = self.post_quant.as_ref().map(|post_quant| post_quant.forward(latents)).transpose()?;
        let latents = post_quantized.as_ref().unwrap_or(latents);
        let Decoding::Strips { bytes } = decoding else { return self.decoder.forward(latents) };
        let device = latents.device();
        let executor =
            device.strips().ok_or_else(|| Error::Unsupported(format!("decoding in strips on {device:?} / {device:?} 上的分条解码")))?;
        let picture = |index| self.decoder.forward_in_strips(executor, &latents.slice(0, index, 1)?, bytes);
        let pictures = (0..latents.size(0)).map(picture).collect::<Result<Vec<_>>>()?;
        Tensor::concat(&pictures.iter().collect::<Vec<_>>(), 0)
    }

    /// Patchified latents as the denoiser sees them → as the decoder's patches: `x * std + mean` for each channel.
    pub fn denormalise(&self, latents: &Tensor) -> Result<Tensor> {
        let deviation = self.deviation()?;
        latents.affine_channels(&self.constant(deviation, latents)?, &self.running_mean.to_device(latents.device()))
    }

    /// The inverse of [`Self::denormalise`].
    pub fn normalise(&self, latents: &Tensor) -> Result<Tensor> {
        let deviation = self.deviation()?;
        let scale: Vec<f32> = deviation.iter().map(|deviation| 1.0 / deviation).collect();
        let shift = self.running_mean.f32()?.iter().zip(&scale).map(|(mean, scale)| -mean * scale).collect();
        latents.affine_channels(&self.constant(scale, latents)?, &self.constant(shift, latents)?)
    }

    fn deviation(&self) -> Result<Vec<f32>> {
        Ok(self.running_variance.f32()?.iter().map(|variance| (variance + LATENT_STATISTICS_EPSILON).sqrt()).collect())
    }

    fn constant(&self, values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
        Tensor::from_f32(values, &[4 * self.config.kl.latent_channels], like.device())
    }
}

impl Autoencoder for AutoencoderKlFlux2 {
    fn denormalise(&self, latents: &Tensor) -> Result<Tensor> {
        Self::denormalise(self, latents)
    }

    fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        Self::decode(self, latents)
    }
}

/// `[batch, height, width, channels]` → `[batch, height / 2, width / 2, 4 · channels]`, channel `c` of pixel (y, x) at `4c + 2y + x`.
pub fn patchify(latents: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = (latents.size(0), latents.size(1), latents.size(2), latents.size(3));
    latents.reshape(&[batch, height / 2, 2, width / 2, 2, channels])?.permute(&[0, 1, 3, 5, 2, 4])?.reshape(&[
        batch,
        height / 2,
        width / 2,
        4 * channels,
    ])
}

/// The inverse of [`patchify`].
pub fn unpatchify(latents: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = (latents.size(0), latents.size(1), latents.size(2), latents.size(3));
    latents.reshape(&[batch, height, width, channels / 4, 2, 2])?.permute(&[0, 1, 4, 2, 5, 3])?.reshape(&[
        batch,
        2 * height,
        2 * width,
        channels / 4,
    ])
}
