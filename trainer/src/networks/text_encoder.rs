use crate::recipe;
use engine::weights::Loader;
use engine::{Activation, Attention, AttentionMask, Linear, Norm, NormKind, Result, Tensor, Weight};

struct Layer {
    input_norm: Tensor,
    query: Weight,
    key: Weight,
    value: Weight,
    output: Weight,
    middle_norm: Tensor,
    gate: Weight,
    up: Weight,
    down: Weight,
}

/// The layers of a Ministral3 text model whose output the pipeline reads.
pub(super) struct TextEncoder {
    embedding: Tensor,
    layers: Vec<Layer>,
    heads: usize,
    key_value_heads: usize,
    head_dimension: usize,
}

fn rms_norm<'a>(weight: &'a Tensor) -> Norm<'a> {
    Norm { kind: NormKind::Rms, weight: Some(weight), bias: None, modulation: None, epsilon: 1e-5 }
}

impl TextEncoder {
    pub(super) fn load(recipe: &recipe::TextEncoder, vocabulary: usize, loader: &Loader<'_>) -> Result<Self> {
        let model = loader.child("language_model").child("model");
        let (hidden, inner) = (recipe.hidden_size, recipe.intermediate_size);
        let (queries, keys) = (recipe.num_attention_heads * recipe.head_dim, recipe.num_key_value_heads * recipe.head_dim);
        let layers = (0..recipe.num_hidden_layers - 1).map(|index| {
            let layer = model.child("layers").child(index);
            Ok(Layer {
                input_norm: layer.parameter("input_layernorm.weight", &[hidden])?,
                query: layer.linear("self_attn.q_proj", queries, hidden)?,
                key: layer.linear("self_attn.k_proj", keys, hidden)?,
                value: layer.linear("self_attn.v_proj", keys, hidden)?,
                output: layer.linear("self_attn.o_proj", hidden, queries)?,
                middle_norm: layer.parameter("post_attention_layernorm.weight", &[hidden])?,
                gate: layer.linear("mlp.gate_proj", inner, hidden)?,
                up: layer.linear("mlp.up_proj", inner, hidden)?,
                down: layer.linear("mlp.down_proj", hidden, inner)?,
            })
        });
        Ok(Self {
            embedding: model.parameter("embed_tokens.weight", &[vocabulary, hidden])?,
            layers: layers.collect::<Result<_>>()?,
            heads: recipe.num_attention_heads,
            key_value_heads: recipe.num_key_value_heads,
            head_dimension: recipe.head_dim,
        })
    }

    /// Hidden states `[batch, longest, hidden]` and the length of each prompt. Padding follows a prompt, so causal attention never
    /// sees it.
    pub(super) fn forward(&self, tokens: &[Vec<u32>]) -> Result<(Tensor, Vec<usize>)> {
        let lengths: Vec<usize> = tokens.iter().map(Vec::len).collect();
        let longest = lengths.iter().copied().max().unwrap_or_default();
        let ids: Vec<u32> = tokens.iter().flat_map(|tokens| tokens.iter().copied().chain(std::iter::repeat(0)).take(longest)).collect();
        let batch = tokens.len();
        let mut x = self.embedding.embedding(&ids)?.reshape(&[batch, longest, self.embedding.last()])?;
        let (cos, sin) = self.angles(longest, &x)?;
        for layer in &self.layers {
            let normed = x.norm(&rms_norm(&layer.input_norm))?;
            let split =
                |weight: &Weight, heads: usize| normed.linear(&Linear::new(weight))?.reshape(&[batch, longest, heads, self.head_dimension]);
            let query = split(&layer.query, self.heads)?.rotate_half(&cos, &sin)?;
            let key = split(&layer.key, self.key_value_heads)?.rotate_half(&cos, &sin)?;
            let value = split(&layer.value, self.key_value_heads)?;
            let scale = 1.0 / (self.head_dimension as f32).sqrt();
            let attention = Attention { scale, mask: AttentionMask::Causal { offset: 0 } };
            let mixed = query.attention(&key, &value, &attention)?.reshape(&[batch, longest, self.heads * self.head_dimension])?;
            x = mixed.linear(&Linear { residual: Some(&x), ..Linear::new(&layer.output) })?;
            let normed = x.norm(&rms_norm(&layer.middle_norm))?;
            let gate = normed.linear(&Linear::new(&layer.gate))?;
            let up = normed.linear(&Linear::new(&layer.up))?;
            x = gate.gated_unit(&up, Activation::Silu)?.linear(&Linear { residual: Some(&x), ..Linear::new(&layer.down) })?;
        }
        Ok((x, lengths))
    }

    fn angles(&self, tokens: usize, like: &Tensor) -> Result<(Tensor, Tensor)> {
        let half = self.head_dimension / 2;
        let angle = |index: usize| {
            let (token, dimension) = (index / self.head_dimension, index % self.head_dimension % half);
            token as f32 / 10_000.0_f32.powf(2.0 * dimension as f32 / self.head_dimension as f32)
        };
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for index in 0..tokens * self.head_dimension {
            cos.push(angle(index).cos());
            sin.push(angle(index).sin());
        }
        let shape = [tokens, self.head_dimension];
        Ok((Tensor::from_f32(cos, &shape, like.device())?, Tensor::from_f32(sin, &shape, like.device())?))
    }
}
