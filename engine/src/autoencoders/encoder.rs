use super::convolution::{Channels, Convolution};
use super::kl::AutoencoderKlConfig;
use super::resnet::{MiddleBlock, Normalisation, ResnetBlock};
use crate::error::Result;
use crate::waist::Tensor;
use crate::weights::Loader;
use kernels::element::Activation;

/// Pictures → mean and log-variance of latents (diffusers' `Encoder`).
pub struct Encoder {
    input: Convolution,
    levels: Vec<(Vec<ResnetBlock>, Option<Convolution>)>,
    middle: MiddleBlock,
    norm: Normalisation,
    output: Convolution,
}

impl Encoder {
    pub fn load(config: &AutoencoderKlConfig, loader: &Loader<'_>) -> Result<Self> {
        let (channels, groups) = (&config.block_out_channels, config.norm_num_groups);
        let first = channels[0];
        let last = channels[channels.len() - 1];
        let mut levels = Vec::new();
        let mut inputs = first;
        for (index, &outputs) in channels.iter().enumerate() {
            let block = loader.child("down_blocks").child(index);
            let mut resnets = Vec::new();
            for resnet in 0..config.layers_per_block {
                resnets.push(ResnetBlock::load(&block.child("resnets").child(resnet), Channels { outputs, inputs }, groups)?);
                inputs = outputs;
            }
            let halving = match index + 1 < channels.len() {
                true => Some(Convolution::load(&block, "downsamplers.0.conv", Channels { outputs, inputs: outputs }, 3)?),
                false => None,
            };
            levels.push((resnets, halving));
        }
        Ok(Self {
            input: Convolution::load(loader, "conv_in", Channels { outputs: first, inputs: config.in_channels }, 3)?,
            levels,
            middle: MiddleBlock::load(config, &loader.child("mid_block"), last)?,
            norm: Normalisation::load(loader, "conv_norm_out", last, groups)?,
            output: Convolution::load(loader, "conv_out", Channels { outputs: 2 * config.latent_channels, inputs: last }, 3)?,
        })
    }

    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut x = self.input.forward(pictures)?;
        for (resnets, halving) in &self.levels {
            for resnet in resnets {
                x = resnet.forward(&x)?;
            }
            if let Some(halving) = halving {
                x = halving.forward_halving(&x)?;
            }
        }
        let x = self.middle.forward(&x)?;
        self.output.forward(&self.norm.forward(&x, Activation::Silu)?)
    }
}
