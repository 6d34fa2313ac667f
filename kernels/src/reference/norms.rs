use super::activation;
use crate::element::Activation;
use crate::norm::NormKind;
use crate::rope::RopeShape;

/// The parameters of a norm over the last axis, all given.
#[derive(Debug, Clone, Copy)]
pub struct NormParameters<'a> {
    /// The statistic.
    pub kind: NormKind,
    /// `[channels]`.
    pub weight: &'a [f64],
    /// `[channels]`.
    pub bias: &'a [f64],
    /// `[groups, channels]`.
    pub scale: &'a [f64],
    /// `[groups, channels]`.
    pub shift: &'a [f64],
    /// Rows that share a scale and shift.
    pub rows_per_group: usize,
    /// Added to the variance.
    pub epsilon: f64,
}

/// `(norm(x) * weight + bias) * (1 + scale) + shift` over rows of `x`.
pub fn norm(x: &[f64], parameters: &NormParameters<'_>) -> Vec<f64> {
    let channels = parameters.weight.len();
    let mut out = Vec::with_capacity(x.len());
    for (row, x) in x.chunks_exact(channels).enumerate() {
        let mean = if parameters.kind == NormKind::Layer { x.iter().sum::<f64>() / channels as f64 } else { 0.0 };
        let variance = x.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / channels as f64;
        let deviation = (variance + parameters.epsilon).sqrt();
        for (channel, value) in x.iter().enumerate() {
            let at = row / parameters.rows_per_group * channels + channel;
            let inner = (value - mean) / deviation * parameters.weight[channel] + parameters.bias[channel];
            out.push(inner * (1.0 + parameters.scale[at]) + parameters.shift[at]);
        }
    }
    out
}

/// The parameters of a group norm.
#[derive(Debug, Clone, Copy)]
pub struct GroupNormParameters<'a> {
    /// Pictures.
    pub batch: usize,
    /// Groups that the channels fall into.
    pub groups: usize,
    /// `[channels]`.
    pub weight: &'a [f64],
    /// `[channels]`.
    pub bias: &'a [f64],
    /// Added to the variance.
    pub epsilon: f64,
    /// Applied last.
    pub activation: Activation,
}

/// Group norm over `x [batch, pixels, channels]`.
pub fn group_norm(x: &[f64], parameters: &GroupNormParameters<'_>) -> Vec<f64> {
    let channels = parameters.weight.len();
    let pixels = x.len() / (parameters.batch * channels);
    let width = channels / parameters.groups;
    let mut out = vec![0.0; x.len()];
    for picture in 0..parameters.batch {
        for group in 0..parameters.groups {
            let members: Vec<usize> = (0..pixels)
                .flat_map(|pixel| (0..width).map(move |offset| (picture * pixels + pixel) * channels + group * width + offset))
                .collect();
            let count = members.len() as f64;
            let mean = members.iter().map(|&at| x[at]).sum::<f64>() / count;
            let variance = members.iter().map(|&at| (x[at] - mean).powi(2)).sum::<f64>() / count;
            for at in members {
                let normalised = (x[at] - mean) / (variance + parameters.epsilon).sqrt();
                let channel = at % channels;
                out[at] = activation(parameters.activation, normalised * parameters.weight[channel] + parameters.bias[channel]);
            }
        }
    }
    out
}

/// Rotary embedding in the half-split form.
pub fn rotate_half(x: &[f64], cos: &[f64], sin: &[f64], shape: &RopeShape) -> Vec<f64> {
    let half = shape.rotary / 2;
    x.iter()
        .enumerate()
        .map(|(index, value)| {
            let d = index % shape.dimension;
            if d >= shape.rotary {
                return *value;
            }
            let row = index / (shape.heads * shape.dimension) % shape.table_rows;
            let partner = if d < half { -x[index + half] } else { x[index - half] };
            value * cos[row * shape.rotary + d] + partner * sin[row * shape.rotary + d]
        })
        .collect()
}
