use super::{Projection, RotaryTables};
use crate::error::{Error, Result};
use crate::waist::{Attention, AttentionMask, Norm, NormKind, Tensor};
use crate::weights::Loader;
use kernels::element::Activation;

/// Sizes of a Llama-style decoder layer.
#[derive(Debug, Clone, Copy)]
pub struct TransformerSize {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the gated feed-forward unit.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Values of a head.
    pub head_dimension: usize,
    /// Epsilon of the norms.
    pub epsilon: f32,
}

/// Keys and values of the tokens so far, `[1, tokens, key_value_heads, head_dimension]`.
#[derive(Clone)]
pub struct KeyValueCache {
    key: Tensor,
    value: Tensor,
}

/// A pre-norm causal decoder layer: RMS norm, grouped-query attention with rotary embedding, gated SiLU unit.
pub struct TransformerLayer {
    size: TransformerSize,
    attention_norm: Tensor,
    query: Projection,
    key: Projection,
    value: Projection,
    output: Projection,
    unit_norm: Tensor,
    gate: Projection,
    up: Projection,
    down: Projection,
}

impl TransformerLayer {
    /// Reads the weights under the names that transformers gives them.
    pub fn load(size: TransformerSize, loader: &Loader<'_>) -> Result<Self> {
        let attention = loader.child("self_attn");
        let unit = loader.child("mlp");
        let (queries, keys) = (size.heads * size.head_dimension, size.key_value_heads * size.head_dimension);
        Ok(Self {
            size,
            attention_norm: loader.parameter("input_layernorm.weight", &[size.hidden])?,
            query: Projection::load_unbiased(&attention, "q_proj", queries, size.hidden)?,
            key: Projection::load_unbiased(&attention, "k_proj", keys, size.hidden)?,
            value: Projection::load_unbiased(&attention, "v_proj", keys, size.hidden)?,
            output: Projection::load_unbiased(&attention, "o_proj", size.hidden, queries)?,
            unit_norm: loader.parameter("post_attention_layernorm.weight", &[size.hidden])?,
            gate: Projection::load_unbiased(&unit, "gate_proj", size.intermediate, size.hidden)?,
            up: Projection::load_unbiased(&unit, "up_proj", size.intermediate, size.hidden)?,
            down: Projection::load_unbiased(&unit, "down_proj", size.hidden, size.intermediate)?,
        })
    }

    /// `x [batch, tokens, hidden]` → the same shape. With a cache (batch 1), `x` continues the tokens in it.
    pub fn forward(&self, x: &Tensor, tables: &RotaryTables, cache: Option<&mut Option<KeyValueCache>>) -> Result<Tensor> {
        let (batch, tokens) = (x.size(0), x.size(1));
        let normed = self.norm(x, &self.attention_norm)?;
        let heads =
            |projection: &Projection, count: usize| projection.forward(&normed)?.reshape(&[batch, tokens, count, self.size.head_dimension]);
        let query = heads(&self.query, self.size.heads)?.rotate_half(&tables.query_cos, &tables.query_sin)?;
        let mut key = heads(&self.key, self.size.key_value_heads)?.rotate_half(&tables.key_cos, &tables.key_sin)?;
        let mut value = heads(&self.value, self.size.key_value_heads)?;
        let mut offset = 0;
        if let Some(cache) = cache {
            if batch != 1 {
                return Err(Error::Shape { operation: "cached attention", detail: format!("batch {batch}, a cache holds one sequence") });
            }
            if let Some(earlier) = cache.as_ref() {
                offset = earlier.key.size(1);
                key = Tensor::concat(&[&earlier.key, &key], 1)?;
                value = Tensor::concat(&[&earlier.value, &value], 1)?;
            }
            *cache = Some(KeyValueCache { key: key.clone(), value: value.clone() });
        }
        let scale = 1.0 / (self.size.head_dimension as f32).sqrt();
        let attended = query.attention(&key, &value, &Attention { scale, mask: AttentionMask::Causal { offset } })?;
        let attended = attended.reshape(&[batch, tokens, self.size.heads * self.size.head_dimension])?;
        let x = self.output.forward_onto(&attended, x, None)?;
        let normed = self.norm(&x, &self.unit_norm)?;
        let unit = self.gate.forward(&normed)?.gated_unit(&self.up.forward(&normed)?, Activation::Silu)?;
        self.down.forward_onto(&unit, &x, None)
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        x.norm(&Norm { kind: NormKind::Rms, weight: Some(weight), bias: None, modulation: None, epsilon: self.size.epsilon })
    }
}
