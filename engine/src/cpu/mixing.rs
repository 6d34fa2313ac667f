//! Attention, and the rotation of its queries and keys.

use super::{misfit, require_shape};
use crate::error::Result;
use crate::waist::{Attention, AttentionMask, Tensor};
use kernels::attention as kernel;
use kernels::element::Precision;
use kernels::memory;
use kernels::rope::{self, RopeShape};

pub(super) fn attention(query: &Tensor, key: &Tensor, value: &Tensor, attention: &Attention<'_>, precision: Precision) -> Result<Tensor> {
    let shape = attention_shape(query, key, value, attention)?;
    let mut values = memory::zeros(query.elements());
    if !values.is_empty() {
        kernel::attention(query.f32()?, key.f32()?, value.f32()?, (&shape, precision), &mut values);
    }
    Tensor::from_f32(values, query.shape(), query.device())
}

fn attention_shape<'a>(query: &Tensor, key: &Tensor, value: &Tensor, attention: &Attention<'a>) -> Result<kernel::AttentionShape<'a>> {
    let detail = || format!("query {:?}, key {:?}, value {:?}, {:?}", query.shape(), key.shape(), value.shape(), attention.mask);
    let misfit = || misfit("attention", detail());
    let (&[batch, query_length, heads, head_dimension], &[key_batch, key_length, key_value_heads, key_dimension]) =
        (query.shape(), key.shape())
    else {
        return Err(misfit());
    };
    let mask = match attention.mask {
        AttentionMask::None => kernel::Mask::None,
        AttentionMask::Causal { offset } => kernel::Mask::Causal { offset },
        AttentionMask::KeyLengths(lengths) => {
            if lengths.len() != batch || lengths.iter().any(|&length| length > key_length) {
                return Err(misfit());
            }
            kernel::Mask::KeyLengths(lengths)
        }
    };
    let is_grouped = key_value_heads > 0 && heads.is_multiple_of(key_value_heads);
    if key.shape() != value.shape() || key_batch != batch || key_dimension != head_dimension || !is_grouped {
        return Err(misfit());
    }
    Ok(kernel::AttentionShape { batch, heads, key_value_heads, query_length, key_length, head_dimension, scale: attention.scale, mask })
}

pub(super) fn rotate_half(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    const OPERATION: &str = "rotate_half";
    let [batch, tokens, heads, dimension] = *x.shape() else {
        return Err(misfit(OPERATION, format!("x has shape {:?}, expected [batch, tokens, heads, dimension]", x.shape())));
    };
    require_shape(OPERATION, "sin", sin, cos.shape())?;
    let rotary = cos.last();
    let (shared, own) = ([tokens, rotary], [batch, tokens, rotary]);
    let fits = cos.shape() == shared || cos.shape() == own;
    if !fits || rotary > dimension || !rotary.is_multiple_of(2) {
        return Err(misfit(OPERATION, format!("tables of shape {:?} for x {:?}", cos.shape(), x.shape())));
    }
    let table_rows = if cos.shape() == shared { tokens } else { batch * tokens };
    let shape = RopeShape { rows: batch * tokens, table_rows, heads, dimension, rotary };
    let mut values = memory::zeros(x.elements());
    if !values.is_empty() {
        rope::rotate_half(x.f32()?, cos.f32()?, sin.f32()?, &shape, &mut values);
    }
    Tensor::from_f32(values, x.shape(), x.device())
}
