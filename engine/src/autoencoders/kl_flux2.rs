use super::convolution::Convolution;
use super::decoder::Decoder;
use super::encoder::Encoder;
use crate::weights::Loader;
use crate::{Error, Result, Tensor};
use serde::Deserialize;

/// Added to the running variance of the latents. ERNIE-Image's pipeline hard-codes this value; the hub's config says 1e-4.
pub const LATENT_STATISTICS_EPSILON: f32 = 1e-5;

/// The largest feature map of a picture that is decoded whole, in bytes: such a decoding stays near half a gibibyte.
const WHOLE_MAP_BYTES: usize = 128 << 20;
/// A strip of a map, in bytes: enough work for many threads, and the rows that neighbours both prepare are few.
const STRIP_BYTES: usize = 16 << 20;

/// How pictures are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// Every operation on whole feature maps of all pictures.
    Whole,
    /// One picture after another, each map in strips: the peak is the largest map, not several.
    Strips {
        /// About how large a strip is.
        bytes: usize,
    },
}

/// `vae/config.json`; the defaults are those of diffusers' `AutoencoderKLFlux2`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct AutoencoderKlFlux2Config {
    /// Channels of pictures going in.
    pub in_channels: usize,
    /// Channels of pictures coming out.
    pub out_channels: usize,
    /// Channels of the encoder's levels; each level but the last halves the size.
    pub block_out_channels: Vec<usize>,
    /// Channels of the decoder's levels, where they differ.
    pub decoder_block_out_channels: Option<Vec<usize>>,
    /// Resnet blocks of a level.
    pub layers_per_block: usize,
    /// Channels of the latents before patchifying.
    pub latent_channels: usize,
    /// Groups of the norms.
    pub norm_num_groups: usize,
    /// Whether latents' moments pass a 1×1 convolution.
    pub use_quant_conv: bool,
    /// Whether latents pass one before decoding.
    pub use_post_quant_conv: bool,
    /// Whether the middle blocks attend over all pixels.
    pub mid_block_add_attention: bool,
    /// Patches that the statistics are kept over; 2 × 2.
    pub patch_size: [usize; 2],
    /// `silu`.
    pub act_fn: String,
}

impl Default for AutoencoderKlFlux2Config {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            block_out_channels: vec![128, 256, 512, 512],
            decoder_block_out_channels: None,
            layers_per_block: 2,
            latent_channels: 32,
            norm_num_groups: 32,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
            patch_size: [2, 2],
            act_fn: "silu".into(),
        }
    }
}

impl AutoencoderKlFlux2Config {
    pub(super) fn decoder_channels(&self) -> &[usize] {
        self.decoder_block_out_channels.as_deref().unwrap_or(&self.block_out_channels)
    }

    pub(super) fn middle_attention(&self) -> Option<()> {
        self.mid_block_add_attention.then_some(())
    }

    /// Pixels of a latent pixel's side, before patchifying.
    pub fn scale_factor(&self) -> usize {
        1 << self.block_out_channels.len().saturating_sub(1)
    }

    /// Bytes of the decoder's largest feature map for one picture with latents of this size.
    pub fn largest_map(&self, height: usize, width: usize) -> usize {
        let outputs = self.decoder_channels().iter().rev();
        // The first block of a level still reads the channels of the level before.
        let inputs = self.decoder_channels().last().into_iter().chain(outputs.clone());
        let values =
            inputs.zip(outputs).enumerate().map(|(level, (inputs, outputs))| (height * width * inputs.max(outputs)) << (2 * level));
        4 * values.max().unwrap_or(0)
    }

    /// Whether pictures with latents of this size are decoded one by one and in strips.
    pub fn decodes_in_strips(&self, height: usize, width: usize) -> bool {
        self.largest_map(height, width) > WHOLE_MAP_BYTES
    }

    fn check(&self) -> Result<()> {
        let unsupported = |what: String| Err(Error::Unsupported(format!("vae config: {what}")));
        let levels = self.block_out_channels.len();
        if levels == 0 || self.decoder_channels().len() != levels {
            return unsupported("block_out_channels must have as many levels for the encoder as for the decoder, at least one".into());
        }
        let groups = self.norm_num_groups;
        let all = self.block_out_channels.iter().chain(self.decoder_channels());
        if groups == 0 || all.clone().any(|channels| *channels == 0 || !channels.is_multiple_of(groups)) {
            return unsupported(format!("block_out_channels must be multiples of norm_num_groups {groups}"));
        }
        if self.patch_size != [2, 2] {
            return unsupported(format!("patch_size {:?}; [2, 2] is supported", self.patch_size));
        }
        if self.act_fn != "silu" {
            return unsupported(format!("act_fn {:?}; silu is supported", self.act_fn));
        }
        Ok(())
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
        config.check()?;
        let latent = config.latent_channels;
        let point = |name: &str, channels: usize, wanted: bool| match wanted {
            true => Convolution::load(loader, name, (channels, channels), 1).map(Some),
            false => Ok(None),
        };
        loader.ignore("bn.num_batches_tracked");
        Ok(Self {
            config: config.clone(),
            encoder: Encoder::load(config, &loader.child("encoder"))?,
            decoder: Decoder::load(config, &loader.child("decoder"))?,
            quant: point("quant_conv", 2 * latent, config.use_quant_conv)?,
            post_quant: point("post_quant_conv", latent, config.use_post_quant_conv)?,
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
        let latent = self.config.latent_channels;
        let mean = moments.slice(3, 0, latent)?;
        let log_variance = moments.slice(3, latent, latent)?.unary(crate::Unary::Clamp { low: -30.0, high: 20.0 })?;
        Ok((mean, log_variance))
    }

    /// Pictures, about -1..1, of `latents [batch, height, width, latent_channels]`; in strips where their maps are large.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let in_strips = self.config.decodes_in_strips(latents.size(1), latents.size(2)) && latents.device().strips().is_some();
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
        Tensor::from_f32(values, &[4 * self.config.latent_channels], like.device())
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
