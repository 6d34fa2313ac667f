use super::convolution::{Around, Channels, Convolution};
use super::kl::AutoencoderKlConfig;
use super::resnet::{MiddleBlock, Normalisation, ResnetBlock, normalised};
use super::strip_map::StripMap;
use crate::error::Result;
use crate::waist::{Prologue, StripExecutor, Tensor};
use crate::weights::Loader;
use kernels::element::Activation;

/// Latents → pictures (diffusers' `Decoder`).
pub struct Decoder {
    input: Convolution,
    middle: MiddleBlock,
    levels: Vec<(Vec<ResnetBlock>, Option<Convolution>)>,
    norm: Normalisation,
    output: Convolution,
}

impl Decoder {
    pub fn load(config: &AutoencoderKlConfig, loader: &Loader<'_>) -> Result<Self> {
        let (channels, groups) = (config.decoder_channels(), config.norm_num_groups);
        let first = channels[0];
        let last = channels[channels.len() - 1];
        let mut levels = Vec::new();
        let mut inputs = last;
        for (index, &outputs) in channels.iter().rev().enumerate() {
            let block = loader.child("up_blocks").child(index);
            let mut resnets = Vec::new();
            for resnet in 0..=config.layers_per_block {
                resnets.push(ResnetBlock::load(&block.child("resnets").child(resnet), Channels { outputs, inputs }, groups)?);
                inputs = outputs;
            }
            let doubling = match index + 1 < channels.len() {
                true => Some(Convolution::load(&block, "upsamplers.0.conv", Channels { outputs, inputs: outputs }, 3)?),
                false => None,
            };
            levels.push((resnets, doubling));
        }
        Ok(Self {
            input: Convolution::load(loader, "conv_in", Channels { outputs: last, inputs: config.latent_channels }, 3)?,
            middle: MiddleBlock::load(config, &loader.child("mid_block"), last)?,
            levels,
            norm: Normalisation::load(loader, "conv_norm_out", first, groups)?,
            output: Convolution::load(loader, "conv_out", Channels { outputs: config.out_channels, inputs: first }, 3)?,
        })
    }

    pub fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let mut x = self.middle.forward(&self.input.forward(latents)?)?;
        for (resnets, doubling) in &self.levels {
            for resnet in resnets {
                x = resnet.forward(&x)?;
            }
            if let Some(doubling) = doubling {
                x = doubling.forward(&x.upsample_nearest_2x()?)?;
            }
        }
        self.output.forward(&self.norm.forward(&x, Activation::Silu)?)
    }

    /// [`Self::forward`], bit for bit, of one picture's latents, with feature maps in strips of about `strip_bytes`: no more than the largest map
    /// and a few strips are in memory at a time. The middle block, whose maps are the smallest, runs on the whole of them.
    pub fn forward_in_strips(&self, executor: &dyn StripExecutor, latents: &Tensor, strip_bytes: usize) -> Result<Tensor> {
        let rows_of = |width: usize, channels: usize| (strip_bytes / (4 * width * channels).max(1)).max(1);
        let whole = self.middle.forward(&self.input.forward(latents)?)?;
        let (mut width, mut channels) = (whole.size(2), whole.last());
        let mut map = StripMap::default();
        map.push(whole);
        map = map.split(rows_of(width, channels))?;
        for (resnets, doubling) in &self.levels {
            for resnet in resnets {
                map = resnet.forward_in_strips(executor, map)?;
                channels = map.strip(0)?.last();
            }
            let Some(doubling) = doubling else { continue };
            width *= 2;
            // Two rows come out for each that goes in.
            let mut small = map.split(rows_of(width, channels).div_ceil(2))?;
            map = StripMap::default();
            for index in 0..small.len() {
                map.push(doubling.forward_strip(
                    executor,
                    &small,
                    index,
                    Around { prologue: Prologue::UpsampleNearest2x, residual: None },
                )?);
                small.release_above(index);
            }
        }
        let columns = self.norm.columns(executor, &map)?;
        let mut pictures = StripMap::default();
        for index in 0..map.len() {
            pictures.push(self.output.forward_strip(executor, &map, index, Around { prologue: normalised(&columns), residual: None })?);
            map.release_above(index);
        }
        pictures.whole()
    }
}
