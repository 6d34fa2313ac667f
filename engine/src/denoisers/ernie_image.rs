use super::positions::{Grid, rotary_tables, time_features};
use super::{Denoiser, DenoiserConfig, StepCache, TextCondition};
use crate::blocks::Projection;
use crate::error::{Error, Result};
use crate::model_folder::{COUNTS, ConfigFault, JsonFile, WIDTHS};
use crate::waist::{Attention, AttentionMask, Conv, Modulation, Norm, NormKind, Padding, Tensor, Weight};
use crate::weights::Loader;
use kernels::element::Activation;
use serde::Deserialize;

/// Where the repeated layers are in a checkpoint.
const LAYERS: &str = "layers";
/// Patches are small: sixteen is the largest that any transformer of pictures has.
const PATCHES: std::ops::RangeInclusive<usize> = 1..=16;

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

/// What every layer is told of a batch.
struct Place {
    grid: Grid,
    modulation: SharedModulation,
    sequence: Sequence,
}

/// A batch in front of the layers.
struct Embedded {
    /// `[batch, image tokens + text tokens, hidden]`.
    x: Tensor,
    place: Place,
    /// `[batch, hidden]`.
    time: Tensor,
}

impl ErnieImageTransformer2DModel {
    /// Reads the weights under the names that diffusers gives them.
    pub fn load(config: &ErnieImageConfig, loader: &Loader<'_>) -> Result<Self> {
        config.check().map_err(|fault| fault.of("transformer"))?;
        let hidden = config.hidden_size;
        let layers = loader.child(LAYERS);
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
        let Embedded { x, place, time } = self.embed(latents, timesteps, text)?;
        self.predict_from(&self.image_behind(&self.layers, x, &place)?, place.grid, &time)
    }

    /// The picture's tokens behind consecutive layers, the model's last one among them: that one leaves the text's alone, which nobody reads.
    fn image_behind(&self, layers: &[Layer], mut x: Tensor, place: &Place) -> Result<Tensor> {
        let Some((last, layers)) = layers.split_last() else { return first_tokens(&x, place.grid.tokens()) };
        for layer in layers {
            x = layer.forward(&x, place, x.size(1), &self.config)?;
        }
        last.forward(&x, place, place.grid.tokens(), &self.config)
    }

    /// [`Self::forward`], but samples whose cache allows it skip the layers after the first. `caches` holds one cache a sample, the
    /// same in every step of a run.
    pub fn forward_cached(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>, caches: &mut [StepCache]) -> Result<Tensor> {
        let Embedded { x, place, time } = self.embed(latents, timesteps, text)?;
        let tokens = place.grid.tokens();
        let Some((first_layer, layers)) = self.layers.split_first() else {
            return self.predict_from(&first_tokens(&x, tokens)?, place.grid, &time);
        };
        let after_first = first_layer.forward(&x, &place, x.size(1), &self.config)?;
        // Padding of the text must not decide anything: only the picture's tokens are looked at.
        let image = first_tokens(&after_first, tokens)?;
        let added = image.subtract(&first_tokens(&x, tokens)?)?;
        let mut ends = Vec::with_capacity(caches.len());
        for (row, cache) in caches.iter_mut().enumerate() {
            let forecast = cache.forecast(timesteps[row], &added.slice(0, row, 1)?)?;
            ends.push(forecast.map(|rest| image.slice(0, row, 1)?.add(&rest)).transpose()?);
        }
        let whole: Vec<usize> = (0..ends.len()).filter(|row| ends[*row].is_none()).collect();
        if !whole.is_empty() {
            let x = self.image_behind(layers, rows(&after_first, &whole)?, &place.rows(&whole)?)?;
            for (index, &row) in whole.iter().enumerate() {
                let end = x.slice(0, index, 1)?;
                let rest = end.subtract(&image.slice(0, row, 1)?)?;
                caches[row].remember(timesteps[row], added.slice(0, row, 1)?, rest);
                ends[row] = Some(end);
            }
        }
        let ends: Vec<&Tensor> = ends.iter().flatten().collect();
        self.predict_from(&Tensor::concat(&ends, 0)?, place.grid, &time)
    }

    fn embed(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>) -> Result<Embedded> {
        let (config, device) = (&self.config, latents.device());
        let (batch, patch) = (latents.size(0), config.patch_size);
        let grid = Grid { rows: latents.size(1) / patch, columns: latents.size(2) / patch };
        if timesteps.len() != batch || text.lengths.len() != batch || text.hidden_states.size(0) != batch {
            let detail = format!("{batch} latents, {} timesteps, {} prompts", timesteps.len(), text.lengths.len());
            return Err(Error::Shape { operation: "denoiser", detail });
        }
        let image_tokens = grid.tokens();
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

        let (cos, sin) = rotary_tables(config, grid, text.lengths, x.size(1) - image_tokens, device)?;
        let key_lengths: Vec<usize> = text.lengths.iter().map(|length| image_tokens + length).collect();

        let time = self.time[0].forward_activated(&time_features(timesteps, config.hidden_size, device)?, Activation::Silu)?;
        let time = self.time[1].forward(&time)?;
        let modulation = self.shared_modulation(&time)?;
        Ok(Embedded { x, place: Place { grid, modulation, sequence: Sequence { cos, sin, key_lengths } }, time })
    }

    /// The prediction from the picture's tokens behind the layers.
    fn predict_from(&self, image: &Tensor, grid: Grid, time: &Tensor) -> Result<Tensor> {
        let Grid { rows, columns } = grid;
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

impl Place {
    /// That of some samples of the batch.
    fn rows(&self, wanted: &[usize]) -> Result<Self> {
        Ok(Self { grid: self.grid, modulation: self.modulation.rows(wanted)?, sequence: self.sequence.rows(wanted)? })
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
    /// Reads and checks a `config.json`.
    pub fn read(file: &JsonFile) -> Result<Self> {
        let config: Self = file.parse_as()?;
        config.check().map_err(|fault| fault.in_file(file))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigFault> {
        for (field, width) in [
            ("hidden_size", self.hidden_size),
            ("ffn_hidden_size", self.ffn_hidden_size),
            ("in_channels", self.in_channels),
            ("text_in_dim", self.text_in_dim),
        ] {
            ConfigFault::unless_in(field, width, WIDTHS)?;
        }
        ConfigFault::unless_in("num_layers", self.num_layers, COUNTS)?;
        ConfigFault::unless_in("num_attention_heads", self.num_attention_heads, COUNTS)?;
        ConfigFault::unless_in("patch_size", self.patch_size, PATCHES)?;
        ConfigFault::unless("out_channels", self.out_channels == self.in_channels, || {
            format!("{} is not in_channels {} / 与 in_channels 不等", self.out_channels, self.in_channels)
        })?;
        ConfigFault::unless_epsilon("eps", self.eps)?;
        ConfigFault::unless("rope_theta", (1.0..=1e12).contains(&self.rope_theta), || {
            format!("{} is not in 1..=1e12 / 不在 1 到 1e12 之间", self.rope_theta)
        })?;
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        ConfigFault::unless("num_attention_heads", hidden.is_multiple_of(heads), || {
            format!("{heads} does not divide hidden_size {hidden} / 不能整除 hidden_size")
        })?;
        ConfigFault::unless("hidden_size", hidden.is_multiple_of(2), || format!("{hidden} is odd / 不是偶数"))?;
        let rotary = self.rope_axes_dim.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        let fits = rotary <= hidden / heads && rotary.is_multiple_of(4) && self.rope_axes_dim.iter().all(|size| size.is_multiple_of(2));
        ConfigFault::unless("rope_axes_dim", fits, || {
            format!("{:?} does not fit heads of {} / 与注意力头宽度不符", self.rope_axes_dim, hidden / heads)
        })
    }
}

impl DenoiserConfig for ErnieImageConfig {
    fn channels(&self) -> usize {
        self.in_channels
    }

    fn text_width(&self) -> usize {
        self.text_in_dim
    }

    fn patch_size(&self) -> usize {
        self.patch_size
    }

    fn values_per_token(&self) -> usize {
        // About six buffers of the hidden width and three of the unit's.
        6 * self.hidden_size + 3 * self.ffn_hidden_size
    }

    fn repeated_layers(&self) -> &'static [&'static str] {
        &[LAYERS]
    }

    fn load(&self, loader: &Loader<'_>) -> Result<Box<dyn Denoiser>> {
        Ok(Box::new(ErnieImageTransformer2DModel::load(self, loader)?))
    }
}

impl Denoiser for ErnieImageTransformer2DModel {
    fn predict(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>, caches: &mut [StepCache]) -> Result<Tensor> {
        match caches {
            [] => self.forward(latents, timesteps, text),
            caches => self.forward_cached(latents, timesteps, text, caches),
        }
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
    fn forward(&self, x: &Tensor, place: &Place, wanted: usize, config: &ErnieImageConfig) -> Result<Tensor> {
        let Place { modulation, sequence, .. } = place;
        let (batch, heads) = (x.size(0), config.num_attention_heads);
        let head_dimension = config.hidden_size / heads;
        let [shift, scale, gate] = &modulation.attention;
        let normed = modulated(x, &self.attention_norm, Modulation { scale, shift: Some(shift) }, config.eps)?;
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
        let normed = modulated(&x, &self.unit_norm, Modulation { scale, shift: Some(shift) }, config.eps)?;
        let unit = self.gate.forward(&normed)?.gated_unit(&self.up.forward(&normed)?, Activation::GeluErf)?;
        self.down.forward_onto(&unit, &x, Some(gate))
    }
}

fn modulated(x: &Tensor, weight: &Tensor, modulation: Modulation<'_>, epsilon: f32) -> Result<Tensor> {
    x.norm(&Norm { kind: NormKind::Rms, weight: Some(weight), bias: None, modulation: Some(modulation), epsilon })
}
