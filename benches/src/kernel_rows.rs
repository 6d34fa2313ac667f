//! Single kernels, which write into memory that stays. The time of int8 has the quantising of the activations in it.
use crate::{Work, options};
use anyhow::{Result, bail};
use kernels::attention::{AttentionShape, Mask};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d};
use kernels::element::{Activation, Elements, Precision};
use kernels::gemm::Epilogue;
use kernels::int8::{ChannelSteps, QuantizedFilter, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use serde_json::Value;

fn precision(order: &Value) -> Result<Precision> {
    match options::text(order, "dtype")? {
        "f32" => Ok(Precision::F32),
        "bf16" => Ok(Precision::Bf16),
        other => bail!("no kernel row in {other}"),
    }
}

/// `[m, k] × [k, n]`.
pub fn gemm(order: &Value) -> Result<Work> {
    let (m, k, n) = (options::number(order, "m")?, options::number(order, "k")?, options::number(order, "n")?);
    let (x, weight) = (options::values(m * k), options::values(k * n));
    if options::text(order, "dtype")? == "int8" {
        let packed = QuantizedMatrix::quantize(&MatrixView::new(&weight, k, n));
        let mut out = vec![0.0; m * n];
        return Ok(Box::new(move |_| {
            kernels::int8::gemm(&MatrixView::new(&x, m, k), &packed, &Epilogue::default(), &mut out);
            Ok(())
        }));
    }
    let packed = PackedMatrix::pack(&MatrixView::new(&weight, k, n), precision(order)?);
    let mut out = vec![0.0; m * n];
    Ok(Box::new(move |_| {
        kernels::gemm::gemm(&MatrixView::new(&x, m, k), &packed, &Epilogue::default(), &mut out);
        Ok(())
    }))
}

/// 3 × 3, `channels` to `channels`, `side` × `side` pixels.
pub fn conv(order: &Value) -> Result<Work> {
    let (side, channels) = (options::number(order, "side")?, options::number(order, "channels")?);
    let (x, weight) = (options::values(side * side * channels), options::values(channels * channels * 9));
    let shape = ConvShape {
        batch: 1,
        height: side,
        width: side,
        in_channels: channels,
        out_channels: channels,
        kernel: 3,
        stride: 1,
        padding: Padding { top: 1, left: 1, bottom: 1, right: 1 },
    };
    let mut out = vec![0.0; x.len()];
    if options::text(order, "dtype")? == "int8" {
        let integers: Vec<i8> = weight.iter().map(|weight| (weight * 127.0) as i8).collect();
        let steps = ChannelSteps { factors: vec![64.0; channels], zeros: vec![128; channels] };
        let filter = QuantizedFilter::from_integers(&integers, (channels, channels, 3), &vec![1e-4; channels], &steps);
        return Ok(Box::new(move |_| {
            kernels::int8::conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
            Ok(())
        }));
    }
    let filter = PackedFilter::pack(&Elements::F32(&weight), (channels, channels, 3), precision(order)?);
    Ok(Box::new(move |_| {
        conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
        Ok(())
    }))
}

/// Self-attention of `heads` heads over `tokens` tokens, `width` values a head.
pub fn attention(order: &Value) -> Result<Work> {
    let (heads, tokens, width) = (options::number(order, "heads")?, options::number(order, "tokens")?, options::number(order, "width")?);
    let precision = precision(order)?;
    let (q, mut out) = (options::values(heads * tokens * width), vec![0.0; heads * tokens * width]);
    Ok(Box::new(move |_| {
        let shape = AttentionShape {
            batch: 1,
            heads,
            key_value_heads: heads,
            query_length: tokens,
            key_length: tokens,
            head_dimension: width,
            scale: 1.0 / (width as f32).sqrt(),
            mask: Mask::None,
        };
        kernels::attention::attention(&q, &q, &q, (&shape, precision), &mut out);
        Ok(())
    }))
}

/// SiLU of f32 values that fill `bytes` bytes.
pub fn silu(order: &Value) -> Result<Work> {
    let x = options::values(options::number(order, "bytes")? / 4);
    let mut out = vec![0.0; x.len()];
    Ok(Box::new(move |_| {
        kernels::elementwise::activation(&x, Activation::Silu, &mut out);
        Ok(())
    }))
}
