use super::StepCache;
use super::positions::{rotary_tables, time_features};
use crate::blocks::Projection;
use crate::weights::Loader;
use crate::{Activation, Attention, AttentionMask, Conv, Error, Modulation, Norm, NormKind, Padding, Result, Tensor, Weight};
use serde::Deserialize;

/// `transformer/config.json` of an ERNIE-Image checkpoint; the defaults are those of the diffusers class.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct ErnieImageConfig {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Layers.
    pub num_layers: usize,
    /// Width of the gated feed-forward unit.
    pub ffn_hidden_size: usize,
    /// Channels of the patchified latents.
    pub in_channels: usize,
    /// Channels of the prediction.
    pub out_channels: usize,
    /// Side of a token in latent pixels.
    pub patch_size: usize,
    /// Width of the text encoder's hidden states.
    pub text_in_dim: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Rotary dimensions of the text, row and column axes.
    pub rope_axes_dim: [usize; 3],
    /// Epsilon of the norms.
    pub eps: f32,
    /// Whether queries and keys are normed per head.
    pub qk_layernorm: bool,
}

impl Default for ErnieImageConfig {
    fn default() -> Self {
        Self {
            hidden_size: 3072,
            num_attention_heads: 24,
            num_layers: 24,
            ffn_hidden_size: 8192,
            in_channels: 128,
            out_channels: 128,
            patch_size: 1,
            text_in_dim: 2560,
            rope_theta: 256.0,
            rope_axes_dim: [32, 48, 48],
            eps: 1e-6,
            qk_layernorm: true,
        }
    }
}

/// Text hidden states of a batch.
#[derive(Clone, Copy)]
pub struct TextCondition<'a> {
    /// `[batch, longest, text_in_dim]`.
    pub hidden_states: &'a Tensor,
    /// Tokens of each prompt; rows past them are ignored.
    pub lengths: &'a [usize],
}

/// The single-stream diffusion transformer of ERNIE-Image, after diffusers' class of the same name: image tokens, then text
/// tokens, in one sequence; one modulation, computed from the timestep, shared by all layers.
pub struct ErnieImageTransformer2DModel {
    config: ErnieImageConfig,
    patch_embedding: Weight,
    patch_bias: Tensor,
    text_projection: Option<Projection>,
    time: [Projection; 2],
    modulation: Projection,
    layers: Vec<Layer>,
    final_modulation: Projection,
    final_projection: Projection,
}

struct Layer {
    attention_norm: Tensor,
    query: Projection,
    key: Projection,
    value: Projection,
    output: Projection,
    query_norm: Option<Tensor>,
    key_norm: Option<Tensor>,
    unit_norm: Tensor,
    gate: Projection,
    up: Projection,
    down: Projection,
}

/// Shift, scale and gate of the two halves of a layer, `[batch, hidden]` each.
struct SharedModulation {
    attention: [Tensor; 3],
    unit: [Tensor; 3],
}

/// Positions of the joint sequence's tokens, and how many of them each sample has.
struct Sequence {
    cos: Tensor,
    sin: Tensor,
    key_lengths: Vec<usize>,
}

/// A batch in front of the layers.
struct Embedded {
    /// `[batch, image tokens + text tokens, hidden]`.
    x: Tensor,
    /// Tokens down and across.
    grid: (usize, usize),
    /// `[batch, hidden]`.
    time: Tensor,
    modulation: SharedModulation,
    sequence: Sequence,
}

impl ErnieImageTransformer2DModel {
    /// Reads the weights under the names that diffusers gives them.
    pub fn load(config: &ErnieImageConfig, loader: &Loader<'_>) -> Result<Self> {
        config.check()?;
        let hidden = config.hidden_size;
        let layers = loader.child("layers");
        let text_projection = match config.text_in_dim == hidden {
            true => None,
            false => Some(Projection::load_unbiased(loader, "text_proj", hidden, config.text_in_dim)?),
        };
        let time = loader.child("time_embedding");
        let patch = config.patch_size * config.patch_size;
        Ok(Self {
            config: config.clone(),
            patch_embedding: loader.conv("x_embedder.proj", hidden, config.in_channels, config.patch_size)?,
            patch_bias: loader.parameter("x_embedder.proj.bias", &[hidden])?,
            text_projection,
            time: [Projection::load(&time, "linear_1", hidden, hidden)?, Projection::load(&time, "linear_2", hidden, hidden)?],
            modulation: Projection::load(loader, "adaLN_modulation.1", 6 * hidden, hidden)?,
            layers: (0..config.num_layers).map(|index| Layer::load(config, &layers.child(index))).collect::<Result<_>>()?,
            final_modulation: Projection::load(loader, "final_norm.linear", 2 * hidden, hidden)?,
            final_projection: Projection::load(loader, "final_linear", patch * config.out_channels, hidden)?,
        })
    }

    /// The config it was built from.
    pub fn config(&self) -> &ErnieImageConfig {
        &self.config
    }

    /// Prediction for `latents [batch, height, width, in_channels]` at `timesteps` (one a sample, in 0..1000), same height and width.
    pub fn forward(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>) -> Result<Tensor> {
        let Embedded { x, grid, time, modulation, sequence } = self.embed(latents, timesteps, text)?;
        self.predict(&self.image_behind(&self.layers, x, grid, (&modulation, &sequence))?, grid, &time)
    }

    /// The picture's tokens behind consecutive layers, the model's last one among them: that one leaves the text's alone, which nobody reads.
    fn image_behind(
        &self,
        layers: &[Layer],
        mut x: Tensor,
        grid: (usize, usize),
        (modulation, sequence): (&SharedModulation, &Sequence),
    ) -> Result<Tensor> {
        let Some((last, layers)) = layers.split_last() else { return image_tokens(&x, grid) };
        for layer in layers {
            x = layer.forward(&x, modulation, sequence, x.size(1), &self.config)?;
        }
        last.forward(&x, modulation, sequence, grid.0 * grid.1, &self.config)
    }

    /// [`Self::forward`], but samples whose cache allows it skip the layers after the first. `caches` holds one cache a sample, the
    /// same in every step of a run.
    pub fn forward_cached(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>, caches: &mut [StepCache]) -> Result<Tensor> {
        let Embedded { x, grid, time, modulation, sequence } = self.embed(latents, timesteps, text)?;
        let Some((first_layer, layers)) = self.layers.split_first() else { return self.predict(&image_tokens(&x, grid)?, grid, &time) };
        let after_first = first_layer.forward(&x, &modulation, &sequence, x.size(1), &self.config)?;
        // Padding of the text must not decide anything: only the picture's tokens are looked at.
        let image = image_tokens(&after_first, grid)?;
        let added = image.subtract(&image_tokens(&x, grid)?)?;
        let mut ends = Vec::with_capacity(caches.len());
        for (row, cache) in caches.iter_mut().enumerate() {
            let forecast = cache.forecast(timesteps[row], &added.slice(0, row, 1)?)?;
            ends.push(forecast.map(|rest| image.slice(0, row, 1)?.add(&rest)).transpose()?);
        }
        let whole: Vec<usize> = (0..ends.len()).filter(|row| ends[*row].is_none()).collect();
        if !whole.is_empty() {
            let (modulation, sequence) = (modulation.rows(&whole)?, sequence.rows(&whole)?);
            let x = self.image_behind(layers, rows(&after_first, &whole)?, grid, (&modulation, &sequence))?;
            for (place, &row) in whole.iter().enumerate() {
                let end = x.slice(0, place, 1)?;
                let rest = end.subtract(&image.slice(0, row, 1)?)?;
                caches[row].remember(timesteps[row], added.slice(0, row, 1)?, rest);
                ends[row] = Some(end);
            }
        }
        let ends: Vec<&Tensor> = ends.iter().flatten().collect();
        self.predict(&Tensor::concat(&ends, 0)?, grid, &time)
    }

    fn embed(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>) -> Result<Embedded> {
        let (config, device) = (&self.config, latents.device());
        let (batch, patch) = (latents.size(0), config.patch_size);
        let (rows, columns) = (latents.size(1) / patch, latents.size(2) / patch);
        if timesteps.len() != batch || text.lengths.len() != batch || text.hidden_states.size(0) != batch {
            let detail = format!("{batch} latents, {} timesteps, {} prompts", timesteps.len(), text.lengths.len());
            return Err(Error::Shape { operation: "denoiser", detail });
        }
        let image_tokens = rows * columns;
        let embedded = latents.conv2d(&Conv {
            weight: &self.patch_embedding,
            bias: Some(&self.patch_bias),
            stride: patch,
            padding: Padding::same(0),
            residual: None,
        })?;
        let image = embedded.reshape(&[batch, image_tokens, config.hidden_size])?;
        let projected = self.text_projection.as_ref().map(|projection| projection.forward(text.hidden_states)).transpose()?;
        let text_tokens = projected.as_ref().unwrap_or(text.hidden_states);
        let x = Tensor::concat(&[&image, text_tokens], 1)?;

        let (cos, sin) = rotary_tables(config, (rows, columns), text.lengths, x.size(1) - image_tokens, device)?;
        let key_lengths: Vec<usize> = text.lengths.iter().map(|length| image_tokens + length).collect();

        let time = self.time[0].forward_activated(&time_features(timesteps, config.hidden_size, device)?, Activation::Silu)?;
        let time = self.time[1].forward(&time)?;
        let modulation = self.shared_modulation(&time)?;
        Ok(Embedded { x, grid: (rows, columns), time, modulation, sequence: Sequence { cos, sin, key_lengths } })
    }

    /// The prediction from the picture's tokens behind the layers.
    fn predict(&self, image: &Tensor, (rows, columns): (usize, usize), time: &Tensor) -> Result<Tensor> {
        let (config, batch, patch) = (&self.config, image.size(0), self.config.patch_size);
        let final_modulation = self.final_modulation.forward(time)?;
        let scale = final_modulation.slice(1, 0, config.hidden_size)?;
        let shift = final_modulation.slice(1, config.hidden_size, config.hidden_size)?;
        let modulation = Some(Modulation { scale: &scale, shift: Some(&shift) });
        let normed = image.norm(&Norm { kind: NormKind::Layer, weight: None, bias: None, modulation, epsilon: config.eps })?;
        let patches = self.final_projection.forward(&normed)?;
        patches.reshape(&[batch, rows, columns, patch, patch, config.out_channels])?.permute(&[0, 1, 3, 2, 4, 5])?.reshape(&[
            batch,
            rows * patch,
            columns * patch,
            config.out_channels,
        ])
    }

    fn shared_modulation(&self, time: &Tensor) -> Result<SharedModulation> {
        let hidden = self.config.hidden_size;
        let all = self.modulation.forward(&time.activate(Activation::Silu)?)?;
        let part = |index: usize| all.slice(1, index * hidden, hidden);
        Ok(SharedModulation { attention: [part(0)?, part(1)?, part(2)?], unit: [part(3)?, part(4)?, part(5)?] })
    }
}

impl SharedModulation {
    /// That of some samples of the batch.
    fn rows(&self, wanted: &[usize]) -> Result<Self> {
        let part = |[shift, scale, gate]: &[Tensor; 3]| Ok([rows(shift, wanted)?, rows(scale, wanted)?, rows(gate, wanted)?]);
        Ok(Self { attention: part(&self.attention)?, unit: part(&self.unit)? })
    }
}

impl Sequence {
    /// That of some samples of the batch.
    fn rows(&self, wanted: &[usize]) -> Result<Self> {
        let key_lengths = wanted.iter().map(|row| self.key_lengths[*row]).collect();
        Ok(Self { cos: rows(&self.cos, wanted)?, sin: rows(&self.sin, wanted)?, key_lengths })
    }
}

/// The picture's part of a joint sequence.
fn image_tokens(x: &Tensor, (rows, columns): (usize, usize)) -> Result<Tensor> {
    first_tokens(x, rows * columns)
}

/// The first tokens of `x [.., tokens, values]`.
fn first_tokens(x: &Tensor, count: usize) -> Result<Tensor> {
    let axis = x.shape().len() - 2;
    if x.size(axis) == count { Ok(x.clone()) } else { x.slice(axis, 0, count) }
}

/// Some rows of the first axis.
fn rows(x: &Tensor, wanted: &[usize]) -> Result<Tensor> {
    if wanted.len() == x.size(0) {
        return Ok(x.clone());
    }
    let parts: Vec<Tensor> = wanted.iter().map(|row| x.slice(0, *row, 1)).collect::<Result<_>>()?;
    Tensor::concat(&parts.iter().collect::<Vec<_>>(), 0)
}

impl ErnieImageConfig {
    fn check(&self) -> Result<()> {
        let heads = self.num_attention_heads.max(1);
        let rotary: usize = self.rope_axes_dim.iter().sum();
        let fits = self.hidden_size.is_multiple_of(heads) && rotary <= self.hidden_size / heads && self.patch_size > 0;
        if fits
            && rotary.is_multiple_of(4)
            && self.rope_axes_dim.iter().all(|size| size.is_multiple_of(2))
            && self.hidden_size.is_multiple_of(2)
        {
            return Ok(());
        }
        Err(Error::Unsupported(format!(
            "transformer config: hidden_size {} in {} heads with rope_axes_dim {:?} and patch_size {}",
            self.hidden_size, self.num_attention_heads, self.rope_axes_dim, self.patch_size
        )))
    }
}

impl Layer {
    fn load(config: &ErnieImageConfig, loader: &Loader<'_>) -> Result<Self> {
        let hidden = config.hidden_size;
        let (attention, unit) = (loader.child("self_attention"), loader.child("mlp"));
        let square = |name: &str| Projection::load_unbiased(&attention, name, hidden, hidden);
        let head_norm = |name: &str| match config.qk_layernorm {
            true => attention.parameter(name, &[hidden / config.num_attention_heads]).map(Some),
            false => Ok(None),
        };
        Ok(Self {
            attention_norm: loader.parameter("adaLN_sa_ln.weight", &[hidden])?,
            query: square("to_q")?,
            key: square("to_k")?,
            value: square("to_v")?,
            output: square("to_out.0")?,
            query_norm: head_norm("norm_q.weight")?,
            key_norm: head_norm("norm_k.weight")?,
            unit_norm: loader.parameter("adaLN_mlp_ln.weight", &[hidden])?,
            gate: Projection::load_unbiased(&unit, "gate_proj", config.ffn_hidden_size, hidden)?,
            up: Projection::load_unbiased(&unit, "up_proj", config.ffn_hidden_size, hidden)?,
            down: Projection::load_unbiased(&unit, "linear_fc2", hidden, config.ffn_hidden_size)?,
        })
    }

    /// `x [batch, tokens, hidden]` → the first `wanted` tokens behind the layer, `[batch, wanted, hidden]`.
    fn forward(
        &self,
        x: &Tensor,
        modulation: &SharedModulation,
        sequence: &Sequence,
        wanted: usize,
        config: &ErnieImageConfig,
    ) -> Result<Tensor> {
        let (batch, heads) = (x.size(0), config.num_attention_heads);
        let head_dimension = config.hidden_size / heads;
        let [shift, scale, gate] = &modulation.attention;
        let normed = modulated(x, &self.attention_norm, (scale, shift), config.eps)?;
        let split = |projection: &Projection, x: &Tensor| projection.forward(x)?.reshape(&[batch, x.size(1), heads, head_dimension]);
        let positioned = |x: Tensor, weight: &Option<Tensor>| {
            let tokens = x.size(1);
            let x = match weight {
                Some(weight) => {
                    x.norm(&Norm { kind: NormKind::Rms, weight: Some(weight), bias: None, modulation: None, epsilon: config.eps })?
                }
                None => x,
            };
            x.rotate_half(&first_tokens(&sequence.cos, tokens)?, &first_tokens(&sequence.sin, tokens)?)
        };
        let query = positioned(split(&self.query, &first_tokens(&normed, wanted)?)?, &self.query_norm)?;
        let key = positioned(split(&self.key, &normed)?, &self.key_norm)?;
        let attention = Attention { scale: 1.0 / (head_dimension as f32).sqrt(), mask: AttentionMask::KeyLengths(&sequence.key_lengths) };
        let attended = query.attention(&key, &split(&self.value, &normed)?, &attention)?.reshape(&[batch, wanted, config.hidden_size])?;
        let x = self.output.forward_onto(&attended, &first_tokens(x, wanted)?, Some(gate))?;

        let [shift, scale, gate] = &modulation.unit;
        let normed = modulated(&x, &self.unit_norm, (scale, shift), config.eps)?;
        let unit = self.gate.forward(&normed)?.gated_unit(&self.up.forward(&normed)?, Activation::GeluErf)?;
        self.down.forward_onto(&unit, &x, Some(gate))
    }
}

fn modulated(x: &Tensor, weight: &Tensor, (scale, shift): (&Tensor, &Tensor), epsilon: f32) -> Result<Tensor> {
    let modulation = Some(Modulation { scale, shift: Some(shift) });
    x.norm(&Norm { kind: NormKind::Rms, weight: Some(weight), bias: None, modulation, epsilon })
}
