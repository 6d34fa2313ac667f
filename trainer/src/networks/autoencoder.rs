use crate::recipe;
use engine::weights::Loader;
use engine::{Activation, Conv, GroupNorm, Padding, Result, Tensor, Unary, Weight};

struct Convolution {
    weight: Weight,
    bias: Tensor,
}

impl Convolution {
    fn load(loader: &Loader<'_>, name: &str, (outputs, inputs, kernel): (usize, usize, usize)) -> Result<Self> {
        Ok(Self { weight: loader.conv(name, outputs, inputs, kernel)?, bias: loader.parameter(&format!("{name}.bias"), &[outputs])? })
    }

    fn forward(&self, x: &Tensor, stride: usize, padding: Padding, residual: Option<&Tensor>) -> Result<Tensor> {
        x.conv2d(&Conv { weight: &self.weight, bias: Some(&self.bias), stride, padding, residual })
    }

    fn same(&self, x: &Tensor, residual: Option<&Tensor>) -> Result<Tensor> {
        self.forward(x, 1, Padding::same(1), residual)
    }

    fn pointwise(&self, x: &Tensor) -> Result<Tensor> {
        self.forward(x, 1, Padding::same(0), None)
    }
}

struct SiluNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
}

impl SiluNorm {
    fn load(loader: &Loader<'_>, name: &str, channels: usize, groups: usize) -> Result<Self> {
        let parameter = |part: &str| loader.parameter(&format!("{name}.{part}"), &[channels]);
        Ok(Self { weight: parameter("weight")?, bias: parameter("bias")?, groups })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.group_norm(&GroupNorm {
            groups: self.groups,
            weight: &self.weight,
            bias: &self.bias,
            epsilon: 1e-6,
            activation: Activation::Silu,
        })
    }
}

struct ResidualBlock {
    norm_1: SiluNorm,
    conv_1: Convolution,
    norm_2: SiluNorm,
    conv_2: Convolution,
    shortcut: Option<Convolution>,
}

impl ResidualBlock {
    fn load(loader: &Loader<'_>, inputs: usize, outputs: usize, groups: usize) -> Result<Self> {
        Ok(Self {
            norm_1: SiluNorm::load(loader, "norm1", inputs, groups)?,
            conv_1: Convolution::load(loader, "conv1", (outputs, inputs, 3))?,
            norm_2: SiluNorm::load(loader, "norm2", outputs, groups)?,
            conv_2: Convolution::load(loader, "conv2", (outputs, outputs, 3))?,
            shortcut: if inputs == outputs { None } else { Some(Convolution::load(loader, "conv_shortcut", (outputs, inputs, 1))?) },
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let hidden = self.conv_1.same(&self.norm_1.forward(x)?, None)?;
        let hidden = self.norm_2.forward(&hidden)?;
        match &self.shortcut {
            None => self.conv_2.same(&hidden, Some(x)),
            Some(shortcut) => self.conv_2.same(&hidden, Some(&shortcut.pointwise(x)?)),
        }
    }
}

struct Stage {
    blocks: Vec<ResidualBlock>,
    resample: Option<Convolution>,
}

/// `AutoencoderKLFlux2` without attention.
pub struct Autoencoder {
    encoder_in: Convolution,
    down: Vec<Stage>,
    encoder_middle: Vec<ResidualBlock>,
    encoder_norm: SiluNorm,
    encoder_out: Convolution,
    quantise: Convolution,
    unquantise: Convolution,
    decoder_in: Convolution,
    decoder_middle: Vec<ResidualBlock>,
    up: Vec<Stage>,
    decoder_norm: SiluNorm,
    decoder_out: Convolution,
}

impl Autoencoder {
    pub(super) fn load(recipe: &recipe::Autoencoder, loader: &Loader<'_>) -> Result<Self> {
        let (groups, latent) = (recipe.norm_num_groups, recipe.latent_channels);
        let channels = &recipe.block_out_channels;
        let decoder_channels: Vec<usize> = recipe.decoder_block_out_channels.as_ref().unwrap_or(channels).iter().rev().copied().collect();
        let (encoder, decoder) = (loader.child("encoder"), loader.child("decoder"));
        let (top, bottom) = (channels[channels.len() - 1], decoder_channels[0]);
        let last = decoder_channels[decoder_channels.len() - 1];
        let middle = |half: &Loader<'_>, channels: usize| -> Result<Vec<ResidualBlock>> {
            (0..2)
                .map(|index| ResidualBlock::load(&half.child("mid_block").child("resnets").child(index), channels, channels, groups))
                .collect()
        };
        let stages = |half: &Loader<'_>, (blocks, resamplers): (&str, &str), channels: &[usize], layers: usize| -> Result<Vec<Stage>> {
            let mut inputs = channels[0];
            let build = |(index, &outputs): (usize, &usize)| {
                let stage = half.child(blocks).child(index);
                let blocks = (0..layers)
                    .map(|layer| {
                        let block = ResidualBlock::load(&stage.child("resnets").child(layer), inputs, outputs, groups);
                        inputs = outputs;
                        block
                    })
                    .collect::<Result<_>>()?;
                let resampler = stage.child(resamplers).child(0);
                let resample =
                    if index + 1 < channels.len() { Some(Convolution::load(&resampler, "conv", (outputs, outputs, 3))?) } else { None };
                Ok(Stage { blocks, resample })
            };
            channels.iter().enumerate().map(build).collect()
        };
        Ok(Self {
            encoder_in: Convolution::load(&encoder, "conv_in", (channels[0], 3, 3))?,
            down: stages(&encoder, ("down_blocks", "downsamplers"), channels, recipe.layers_per_block)?,
            encoder_middle: middle(&encoder, top)?,
            encoder_norm: SiluNorm::load(&encoder, "conv_norm_out", top, groups)?,
            encoder_out: Convolution::load(&encoder, "conv_out", (2 * latent, top, 3))?,
            quantise: Convolution::load(loader, "quant_conv", (2 * latent, 2 * latent, 1))?,
            unquantise: Convolution::load(loader, "post_quant_conv", (latent, latent, 1))?,
            decoder_in: Convolution::load(&decoder, "conv_in", (bottom, latent, 3))?,
            decoder_middle: middle(&decoder, bottom)?,
            up: stages(&decoder, ("up_blocks", "upsamplers"), &decoder_channels, recipe.layers_per_block + 1)?,
            decoder_norm: SiluNorm::load(&decoder, "conv_norm_out", last, groups)?,
            decoder_out: Convolution::load(&decoder, "conv_out", (3, last, 3))?,
        })
    }

    /// Mean and log-variance of the latents.
    pub(super) fn encode(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let mut x = self.encoder_in.same(x, None)?;
        for stage in &self.down {
            for block in &stage.blocks {
                x = block.forward(&x)?;
            }
            if let Some(resample) = &stage.resample {
                x = resample.forward(&x, 2, Padding { top: 0, left: 0, bottom: 1, right: 1 }, None)?;
            }
        }
        for block in &self.encoder_middle {
            x = block.forward(&x)?;
        }
        let moments = self.quantise.pointwise(&self.encoder_out.same(&self.encoder_norm.forward(&x)?, None)?)?;
        let channels = moments.last() / 2;
        let log_variance = moments.slice(3, channels, channels)?.unary(Unary::Clamp { low: -30.0, high: 20.0 })?;
        Ok((moments.slice(3, 0, channels)?, log_variance))
    }

    /// Pictures.
    pub(super) fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let mut x = self.decoder_in.same(&self.unquantise.pointwise(latents)?, None)?;
        for block in &self.decoder_middle {
            x = block.forward(&x)?;
        }
        for stage in &self.up {
            for block in &stage.blocks {
                x = block.forward(&x)?;
            }
            if let Some(resample) = &stage.resample {
                x = resample.same(&x.upsample_nearest_2x()?, None)?;
            }
        }
        self.decoder_out.same(&self.decoder_norm.forward(&x)?, None)
    }
}
