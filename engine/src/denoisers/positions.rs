//! What tells an ERNIE-Image denoiser where a token is, and when.

use super::ErnieImageConfig;
use crate::error::Result;
use crate::waist::{Device, Tensor};

/// Tokens of a picture, down and across.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub rows: usize,
    pub columns: usize,
}

impl Grid {
    /// Tokens in all.
    pub fn tokens(self) -> usize {
        self.rows * self.columns
    }
}

/// Cosines and sines of the joint sequence, `[batch, tokens, rotary]`. Image tokens sit at (text length, row, column), text tokens at
/// (index, 0, 0). Each angle stands twice, next to itself, though the rotation pairs the halves of a head: the model was trained so.
pub(super) fn rotary_tables(
    config: &ErnieImageConfig,
    grid: Grid,
    lengths: &[usize],
    text_tokens: usize,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    let Grid { rows, columns } = grid;
    let rotary: usize = config.rope_axes_dim.iter().sum();
    let tokens = rows * columns + text_tokens;
    let frequencies: Vec<(usize, f32)> = config
        .rope_axes_dim
        .iter()
        .enumerate()
        .flat_map(|(axis, size)| (0..size / 2).map(move |index| (axis, 1.0 / config.rope_theta.powf(2.0 * index as f32 / *size as f32))))
        .collect();
    let (mut cos, mut sin) = (Vec::with_capacity(lengths.len() * tokens * rotary), Vec::with_capacity(lengths.len() * tokens * rotary));
    for length in lengths {
        let image = (0..rows * columns).map(|token| [*length as f32, (token / columns) as f32, (token % columns) as f32]);
        let text = (0..text_tokens).map(|token| [token as f32, 0.0, 0.0]);
        for position in image.chain(text) {
            for (axis, frequency) in &frequencies {
                let angle = position[*axis] * frequency;
                cos.extend([angle.cos(); 2]);
                sin.extend([angle.sin(); 2]);
            }
        }
    }
    let shape = [lengths.len(), tokens, rotary];
    Ok((Tensor::from_f32(cos, &shape, device)?, Tensor::from_f32(sin, &shape, device)?))
}

/// Sinusoidal features of timesteps, `[timesteps, width]`: sines, then cosines, of frequencies from 1 down to 1/10000 (diffusers'
/// `Timesteps` with `flip_sin_to_cos=False` and `downscale_freq_shift=0`).
pub(super) fn time_features(timesteps: &[f32], width: usize, device: &Device) -> Result<Tensor> {
    let half = width / 2;
    let frequencies: Vec<f32> = (0..half).map(|index| (-(10_000.0_f32.ln()) * index as f32 / half as f32).exp()).collect();
    let mut values = Vec::with_capacity(timesteps.len() * width);
    for timestep in timesteps {
        values.extend(frequencies.iter().map(|frequency| (timestep * frequency).sin()));
        values.extend(frequencies.iter().map(|frequency| (timestep * frequency).cos()));
    }
    Tensor::from_f32(values, &[timesteps.len(), width], device)
}
