use super::convolution::{Around, Channels, Convolution};
use super::kl::AutoencoderKlConfig;
use super::strip_map::StripMap;
use crate::blocks::Projection;
use crate::error::Result;
use crate::waist::{Attention, AttentionMask, GroupNorm, Prologue, StripExecutor, Tensor};
use crate::weights::Loader;
use kernels::element::Activation;

/// Epsilon of the group norms of diffusers' autoencoders.
const EPSILON: f32 = 1e-6;

/// What a group norm does to each channel of a map, `[channels]` each.
pub struct Columns {
    scale: Tensor,
    shift: Tensor,
}

/// A group norm with its parameters.
pub struct Normalisation {
    groups: usize,
    weight: Tensor,
    bias: Tensor,
}

impl Normalisation {
    pub fn load(loader: &Loader<'_>, name: &str, channels: usize, groups: usize) -> Result<Self> {
        let parameter = |part: &str| loader.parameter(&format!("{name}.{part}"), &[channels]);
        Ok(Self { groups, weight: parameter("weight")?, bias: parameter("bias")? })
    }

    pub fn forward(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        x.group_norm(&self.with(activation))
    }

    /// Scale and shift of a map in strips.
    pub fn columns(&self, executor: &dyn StripExecutor, map: &StripMap) -> Result<Columns> {
        let (scale, shift) = executor.group_norm_columns(&map.strips(), &self.with(Activation::Identity))?;
        Ok(Columns { scale, shift })
    }

    fn with(&self, activation: Activation) -> GroupNorm<'_> {
        GroupNorm { groups: self.groups, weight: &self.weight, bias: &self.bias, epsilon: EPSILON, activation }
    }
}

/// Two convolutions behind group norm and SiLU, with a shortcut (diffusers' `ResnetBlock2D` without time embedding).
pub struct ResnetBlock {
    first_norm: Normalisation,
    first: Convolution,
    second_norm: Normalisation,
    second: Convolution,
    shortcut: Option<Convolution>,
}

impl ResnetBlock {
    pub fn load(loader: &Loader<'_>, channels: Channels, groups: usize) -> Result<Self> {
        let Channels { outputs, inputs } = channels;
        let shortcut = match inputs == outputs {
            true => None,
            false => Some(Convolution::load(loader, "conv_shortcut", channels, 1)?),
        };
        Ok(Self {
            first_norm: Normalisation::load(loader, "norm1", inputs, groups)?,
            first: Convolution::load(loader, "conv1", channels, 3)?,
            second_norm: Normalisation::load(loader, "norm2", outputs, groups)?,
            second: Convolution::load(loader, "conv2", Channels { outputs, inputs: outputs }, 3)?,
            shortcut,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.first.forward(&self.first_norm.forward(x, Activation::Silu)?)?;
        let inner = self.second_norm.forward(&inner, Activation::Silu)?;
        match &self.shortcut {
            Some(shortcut) => self.second.forward_onto(&inner, &shortcut.forward(x)?),
            None => self.second.forward_onto(&inner, x),
        }
    }

    /// [`Self::forward`] of a map in strips, each of which is let go as soon as nothing reads it.
    pub fn forward_in_strips(&self, executor: &dyn StripExecutor, mut x: StripMap) -> Result<StripMap> {
        let columns = self.first_norm.columns(executor, &x)?;
        let (mut inner, mut shortcuts) = (StripMap::default(), StripMap::default());
        for index in 0..x.len() {
            inner.push(self.first.forward_strip(executor, &x, index, Around { prologue: normalised(&columns), residual: None })?);
            if let Some(shortcut) = &self.shortcut {
                shortcuts.push(shortcut.forward(x.strip(index)?)?);
                x.release_above(index);
            }
        }
        let mut residual = if self.shortcut.is_some() { shortcuts } else { x };
        let columns = self.second_norm.columns(executor, &inner)?;
        let mut result = StripMap::default();
        for index in 0..inner.len() {
            let onto = Around { prologue: normalised(&columns), residual: Some(residual.strip(index)?) };
            result.push(self.second.forward_strip(executor, &inner, index, onto)?);
            residual.release_above(index + 1);
            inner.release_above(index);
        }
        Ok(result)
    }
}

/// Scaled and shifted, then SiLU.
pub fn normalised(columns: &Columns) -> Prologue<'_> {
    Prologue::Normalise { scale: &columns.scale, shift: &columns.shift, activation: Activation::Silu }
}

/// Two resnet blocks with single-head attention over all pixels between them.
pub struct MiddleBlock {
    resnets: [ResnetBlock; 2],
    attention: Option<PixelAttention>,
}

struct PixelAttention {
    norm: Normalisation,
    query: Projection,
    key: Projection,
    value: Projection,
    output: Projection,
}

impl MiddleBlock {
    /// The middle of a half whose innermost level has so many channels.
    pub fn load(config: &AutoencoderKlConfig, loader: &Loader<'_>, channels: usize) -> Result<Self> {
        let groups = config.norm_num_groups;
        let square = Channels { outputs: channels, inputs: channels };
        let resnet = |index: usize| ResnetBlock::load(&loader.child("resnets").child(index), square, groups);
        let attention = match config.mid_block_add_attention {
            true => Some(PixelAttention::load(&loader.child("attentions.0"), channels, groups)?),
            false => None,
        };
        Ok(Self { resnets: [resnet(0)?, resnet(1)?], attention })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.resnets[0].forward(x)?;
        if let Some(attention) = &self.attention {
            x = attention.forward(&x)?;
        }
        self.resnets[1].forward(&x)
    }
}

impl PixelAttention {
    fn load(loader: &Loader<'_>, channels: usize, groups: usize) -> Result<Self> {
        let projection = |name: &str| Projection::load(loader, name, channels, channels);
        Ok(Self {
            norm: Normalisation::load(loader, "group_norm", channels, groups)?,
            query: projection("to_q")?,
            key: projection("to_k")?,
            value: projection("to_v")?,
            output: projection("to_out.0")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, pixels, channels) = (x.size(0), x.size(1) * x.size(2), x.last());
        let normed = self.norm.forward(x, Activation::Identity)?;
        let head = |projection: &Projection| projection.forward(&normed)?.reshape(&[batch, pixels, 1, channels]);
        let attention = Attention { scale: 1.0 / (channels as f32).sqrt(), mask: AttentionMask::None };
        let attended = head(&self.query)?.attention(&head(&self.key)?, &head(&self.value)?, &attention)?;
        self.output.forward_onto(&attended.reshape(x.shape())?, x, None)
    }
}
