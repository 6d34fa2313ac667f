use crate::recipe::Recipe;
use engine::weights::Loader;
use engine::{Activation, Attention, AttentionMask, Conv, Linear, Modulation, Norm, NormKind, Padding, Result, Tensor, Weight};

struct Block {
    attention_norm: Tensor,
    query: Weight,
    key: Weight,
    value: Weight,
    query_norm: Tensor,
    key_norm: Tensor,
    output: Weight,
    feed_forward_norm: Tensor,
    gate: Weight,
    up: Weight,
    down: Weight,
}

struct Biased {
    weight: Weight,
    bias: Tensor,
}

impl Biased {
    fn load(loader: &Loader<'_>, name: &str, outputs: usize, inputs: usize) -> Result<Self> {
        Ok(Self { weight: loader.linear(name, outputs, inputs)?, bias: loader.parameter(&format!("{name}.bias"), &[outputs])? })
    }

    fn forward(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        x.linear(&Linear { bias: Some(&self.bias), activation, ..Linear::new(&self.weight) })
    }
}

/// `ErnieImageTransformer2DModel` with patches of one latent pixel.
pub(super) struct Denoiser {
    embedder: Weight,
    embedder_bias: Tensor,
    text: Option<Weight>,
    time_1: Biased,
    time_2: Biased,
    modulation: Biased,
    blocks: Vec<Block>,
    final_modulation: Biased,
    output: Biased,
    hidden: usize,
    heads: usize,
    axes: [usize; 3],
}

const EPSILON: f32 = 1e-6;

impl Denoiser {
    pub(super) fn load(recipe: &Recipe, loader: &Loader<'_>) -> Result<Self> {
        let settings = &recipe.denoiser;
        let (hidden, inner, channels, text) =
            (settings.hidden_size, settings.ffn_hidden_size, recipe.patch_channels(), recipe.text_encoder.hidden_size);
        let head = hidden / settings.num_attention_heads;
        let blocks = (0..settings.num_layers).map(|index| {
            let block = loader.child("layers").child(index);
            Ok(Block {
                attention_norm: block.parameter("adaLN_sa_ln.weight", &[hidden])?,
                query: block.linear("self_attention.to_q", hidden, hidden)?,
                key: block.linear("self_attention.to_k", hidden, hidden)?,
                value: block.linear("self_attention.to_v", hidden, hidden)?,
                query_norm: block.parameter("self_attention.norm_q.weight", &[head])?,
                key_norm: block.parameter("self_attention.norm_k.weight", &[head])?,
                output: block.linear("self_attention.to_out.0", hidden, hidden)?,
                feed_forward_norm: block.parameter("adaLN_mlp_ln.weight", &[hidden])?,
                gate: block.linear("mlp.gate_proj", inner, hidden)?,
                up: block.linear("mlp.up_proj", inner, hidden)?,
                down: block.linear("mlp.linear_fc2", hidden, inner)?,
            })
        });
        Ok(Self {
            embedder: loader.conv("x_embedder.proj", hidden, channels, 1)?,
            embedder_bias: loader.parameter("x_embedder.proj.bias", &[hidden])?,
            text: if text == hidden { None } else { Some(loader.linear("text_proj", hidden, text)?) },
            time_1: Biased::load(loader, "time_embedding.linear_1", hidden, hidden)?,
            time_2: Biased::load(loader, "time_embedding.linear_2", hidden, hidden)?,
            modulation: Biased::load(loader, "adaLN_modulation.1", 6 * hidden, hidden)?,
            blocks: blocks.collect::<Result<_>>()?,
            final_modulation: Biased::load(loader, "final_norm.linear", 2 * hidden, hidden)?,
            output: Biased::load(loader, "final_linear", channels, hidden)?,
            hidden,
            heads: settings.num_attention_heads,
            axes: settings.rope_axes_dim,
        })
    }

    /// The prediction at `x [batch, height, width, channels]` for timesteps 0 to 1000 and `text [batch, longest, width]`.
    pub(super) fn forward(&self, x: &Tensor, timesteps: &[f32], text: &Tensor, lengths: &[usize]) -> Result<Tensor> {
        let (batch, height, width) = (x.size(0), x.size(1), x.size(2));
        let pixels = height * width;
        let (hidden, head) = (self.hidden, self.hidden / self.heads);
        let conv = Conv { weight: &self.embedder, bias: Some(&self.embedder_bias), stride: 1, padding: Padding::same(0), residual: None };
        let image = x.conv2d(&conv)?.reshape(&[batch, pixels, hidden])?;
        let text = match &self.text {
            Some(weight) => text.linear(&Linear::new(weight))?,
            None => text.clone(),
        };
        let mut x = Tensor::concat(&[&image, &text], 1)?;
        let tokens = x.size(1);
        let (cos, sin) = self.angles((height, width, text.size(1)), lengths, &x)?;
        let keys: Vec<usize> = lengths.iter().map(|length| pixels + length).collect();
        let time =
            self.time_2.forward(&self.time_1.forward(&self.time_features(timesteps, &x)?, Activation::Silu)?, Activation::Identity)?;
        let modulation = self.modulation.forward(&time.activate(Activation::Silu)?, Activation::Identity)?;
        let part = |index: usize| modulation.slice(1, index * hidden, hidden);
        let (shift_1, scale_1, gate_1, shift_2, scale_2, gate_2) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, part(5)?);
        for block in &self.blocks {
            let normed = modulated(&x, Some(&block.attention_norm), (&scale_1, &shift_1))?;
            let split = |weight: &Weight| normed.linear(&Linear::new(weight))?.reshape(&[batch, tokens, self.heads, head]);
            let rotated = |weight: &Weight, norm: &Tensor| {
                let norm = Norm { kind: NormKind::Rms, weight: Some(norm), bias: None, modulation: None, epsilon: EPSILON };
                split(weight)?.norm(&norm)?.rotate_half(&cos, &sin)
            };
            let (query, key) = (rotated(&block.query, &block.query_norm)?, rotated(&block.key, &block.key_norm)?);
            let attention = Attention { scale: 1.0 / (head as f32).sqrt(), mask: AttentionMask::KeyLengths(&keys) };
            let mixed = query.attention(&key, &split(&block.value)?, &attention)?.reshape(&[batch, tokens, hidden])?;
            x = mixed.linear(&Linear { gate: Some(&gate_1), residual: Some(&x), ..Linear::new(&block.output) })?;
            let normed = modulated(&x, Some(&block.feed_forward_norm), (&scale_2, &shift_2))?;
            let gate = normed.linear(&Linear::new(&block.gate))?;
            let up = normed.linear(&Linear::new(&block.up))?;
            let inner = gate.gated_unit(&up, Activation::GeluErf)?;
            x = inner.linear(&Linear { gate: Some(&gate_2), residual: Some(&x), ..Linear::new(&block.down) })?;
        }
        let last = self.final_modulation.forward(&time, Activation::Identity)?;
        let image = x.slice(1, 0, pixels)?;
        let (scale, shift) = (last.slice(1, 0, hidden)?, last.slice(1, hidden, hidden)?);
        let modulation = Some(Modulation { scale: &scale, shift: Some(&shift) });
        let normed = image.norm(&Norm { kind: NormKind::Layer, weight: None, bias: None, modulation, epsilon: EPSILON })?;
        let output = self.output.forward(&normed, Activation::Identity)?;
        output.reshape(&[batch, height, width, output.last()])
    }

    /// Sines, then cosines, of the timesteps.
    fn time_features(&self, timesteps: &[f32], like: &Tensor) -> Result<Tensor> {
        let half = self.hidden / 2;
        let frequency = |index: usize| (-(10_000.0_f32.ln()) * index as f32 / half as f32).exp();
        let features = timesteps.iter().flat_map(|timestep| {
            let angles: Vec<f32> = (0..half).map(|index| timestep * frequency(index)).collect();
            angles.iter().map(|angle| angle.sin()).chain(angles.iter().map(|angle| angle.cos())).collect::<Vec<f32>>()
        });
        Tensor::from_f32(features.collect(), &[timesteps.len(), 2 * half], like.device())
    }

    /// Rotary tables `[batch, tokens, head]`: pixels at (length of the text, row, column), words at (place, 0, 0); every angle
    /// stands twice in a row, though the rotation pairs the halves, as the trained checkpoints of this architecture expect.
    fn angles(&self, (height, width, words): (usize, usize, usize), lengths: &[usize], like: &Tensor) -> Result<(Tensor, Tensor)> {
        let head: usize = self.axes.iter().sum();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for &length in lengths {
            let pixels = (0..height * width).map(|pixel| [length, pixel / width, pixel % width]);
            for place in pixels.chain((0..words).map(|word| [word, 0, 0])) {
                for (axis, &dimension) in place.iter().zip(&self.axes) {
                    for pair in 0..dimension / 2 {
                        let angle = *axis as f32 / 256.0_f32.powf(2.0 * pair as f32 / dimension as f32);
                        cos.extend([angle.cos(); 2]);
                        sin.extend([angle.sin(); 2]);
                    }
                }
            }
        }
        let shape = [lengths.len(), height * width + words, head];
        Ok((Tensor::from_f32(cos, &shape, like.device())?, Tensor::from_f32(sin, &shape, like.device())?))
    }
}

fn modulated(x: &Tensor, weight: Option<&Tensor>, (scale, shift): (&Tensor, &Tensor)) -> Result<Tensor> {
    let modulation = Some(Modulation { scale, shift: Some(shift) });
    x.norm(&Norm { kind: NormKind::Rms, weight, bias: None, modulation, epsilon: EPSILON })
}
