use engine::{Attention, AttentionMask, Result, Tensor};
use kernels::attention::{AttentionOperands, AttentionShape, Mask, attention_backward};
use kernels::element::Precision;

/// An attention with its operands.
pub(crate) struct SavedAttention {
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: f32,
    mask: SavedMask,
    precision: Precision,
}

enum SavedMask {
    None,
    Causal { offset: usize },
    KeyLengths(Vec<usize>),
}

impl SavedAttention {
    pub(crate) fn new([query, key, value]: [Tensor; 3], attention: &Attention<'_>, precision: Precision) -> Self {
        let mask = match attention.mask {
            AttentionMask::None => SavedMask::None,
            AttentionMask::Causal { offset } => SavedMask::Causal { offset },
            AttentionMask::KeyLengths(lengths) => SavedMask::KeyLengths(lengths.to_vec()),
        };
        Self { query, key, value, scale: attention.scale, mask, precision }
    }
}

/// Gradients of query, key and value.
pub(crate) fn attention(gradient: &Tensor, saved: &SavedAttention) -> Result<[Tensor; 3]> {
    let (query, key, value) = (&saved.query, &saved.key, &saved.value);
    let shape = AttentionShape {
        batch: query.size(0),
        heads: query.size(2),
        key_value_heads: key.size(2),
        query_length: query.size(1),
        key_length: key.size(1),
        head_dimension: query.size(3),
        scale: saved.scale,
        mask: match &saved.mask {
            SavedMask::None => Mask::None,
            SavedMask::Causal { offset } => Mask::Causal { offset: *offset },
            SavedMask::KeyLengths(lengths) => Mask::KeyLengths(lengths),
        },
    };
    let operands = AttentionOperands { q: query.f32()?, k: key.f32()?, v: value.f32()? };
    let (mut to_query, mut to_key, mut to_value) = (vec![0.0; query.elements()], vec![0.0; key.elements()], vec![0.0; value.elements()]);
    attention_backward(&operands, gradient.f32()?, (&shape, saved.precision), (&mut to_query, &mut to_key, &mut to_value));
    Ok([
        Tensor::from_f32(to_query, query.shape(), gradient.device())?,
        Tensor::from_f32(to_key, key.shape(), gradient.device())?,
        Tensor::from_f32(to_value, value.shape(), gradient.device())?,
    ])
}
