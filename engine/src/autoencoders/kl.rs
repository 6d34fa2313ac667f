use crate::error::{Error, Result};
use crate::model_folder::{COUNTS, ConfigFault, WIDTHS};
use serde::Deserialize;
use std::ops::RangeInclusive;

/// The largest feature map of a picture that is decoded whole, in bytes: such a decoding stays near half a gibibyte.
const WHOLE_MAP_BYTES: usize = 128 << 20;
/// Levels of an autoencoder: each but the last halves the size, and no published one shrinks pictures by more than 64.
const LEVELS: RangeInclusive<usize> = 1..=7;
/// Channels of a picture.
const PICTURE_CHANNELS: usize = 3;

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

/// What convolutional KL autoencoders of diffusers (`AutoencoderKL` and those after it) have in common in `config.json`; the defaults are
/// those of `AutoencoderKLFlux2`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct AutoencoderKlConfig {
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
    /// `silu`.
    pub act_fn: String,
}

impl Default for AutoencoderKlConfig {
    fn default() -> Self {
        Self {
            in_channels: PICTURE_CHANNELS,
            out_channels: PICTURE_CHANNELS,
            block_out_channels: vec![128, 256, 512, 512],
            decoder_block_out_channels: None,
            layers_per_block: 2,
            latent_channels: 32,
            norm_num_groups: 32,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
            act_fn: "silu".into(),
        }
    }
}

impl AutoencoderKlConfig {
    pub(super) fn decoder_channels(&self) -> &[usize] {
        self.decoder_block_out_channels.as_deref().unwrap_or(&self.block_out_channels)
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

    /// Fails, naming the field, if a value is one that no model can have.
    pub(super) fn check_sizes(&self) -> Result<(), ConfigFault> {
        for (field, channels) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            ConfigFault::unless_in(field, channels, PICTURE_CHANNELS..=PICTURE_CHANNELS)?;
        }
        ConfigFault::unless_in("layers_per_block", self.layers_per_block, COUNTS)?;
        ConfigFault::unless_in("latent_channels", self.latent_channels, WIDTHS)?;
        ConfigFault::unless_in("norm_num_groups", self.norm_num_groups, WIDTHS)?;
        let levels = [("block_out_channels", self.block_out_channels.as_slice()), ("decoder_block_out_channels", self.decoder_channels())];
        for (field, channels) in levels {
            ConfigFault::unless(field, LEVELS.contains(&channels.len()) && channels.len() == self.block_out_channels.len(), || {
                format!("{} levels; 1 to {}, as many as the encoder has, are supported / 层级数不受支持", channels.len(), LEVELS.end())
            })?;
            for channels in channels {
                ConfigFault::unless_in(field, *channels, WIDTHS)?;
                ConfigFault::unless(field, channels.is_multiple_of(self.norm_num_groups), || {
                    format!("{channels} is no multiple of norm_num_groups {} / 不是 norm_num_groups 的倍数", self.norm_num_groups)
                })?;
            }
        }
        Ok(())
    }

    /// Fails if this build does not run an autoencoder of this kind.
    pub(super) fn check_support(&self) -> Result<()> {
        if self.act_fn == "silu" {
            return Ok(());
        }
        Err(Error::Unsupported(format!("vae config: act_fn {:?}; silu is supported / 仅支持 silu", self.act_fn)))
    }
}
