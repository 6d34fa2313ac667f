use super::Generator;
use half::bf16;
use std::f64::consts::TAU;

/// PyTorch fills tensors of at least this many values block-wise, smaller ones value by value.
const BLOCK: usize = 16;
/// A block holds radii in its first half and angles in its second.
const HALF: usize = BLOCK / 2;

impl Generator {
    /// `torch.randn(count, dtype=torch.float32)`; a shape does not matter, values come in row-major order.
    pub fn normal_f32(&mut self, count: usize) -> Vec<f32> {
        if count < BLOCK {
            return (0..count).map(|_| self.normal_scalar() as f32).collect();
        }
        self.normal_blocks(count, count)
    }

    /// `torch.randn(count, dtype=torch.bfloat16)`: f32 values, rounded. It is the f32 stream of the same seed where `count` is
    /// a multiple of sixteen or below sixteen; otherwise PyTorch draws nothing for the ragged end that it then draws anew.
    pub fn normal_bf16(&mut self, count: usize) -> Vec<bf16> {
        let values = if count < BLOCK { self.normal_f32(count) } else { self.normal_blocks(count, count / BLOCK * BLOCK) };
        values.into_iter().map(bf16::from_f32).collect()
    }

    /// `count` values, of which the first `drawn` get a draw before the tail is dealt with.
    fn normal_blocks(&mut self, count: usize, drawn: usize) -> Vec<f32> {
        let mut values: Vec<f32> = (0..drawn).map(|_| self.uniform()).collect();
        values.resize(count, 0.0);
        for block in values.as_chunks_mut::<BLOCK>().0 {
            box_muller(block);
        }
        // A tail is not a shorter block: the last sixteen values are drawn anew, over those already made.
        if !count.is_multiple_of(BLOCK)
            && let Some(tail) = values.last_chunk_mut::<BLOCK>()
        {
            tail.fill_with(|| self.uniform());
            box_muller(tail);
        }
        values
    }

    fn normal_scalar(&mut self) -> f64 {
        if let Some(sample) = self.next_normal.take() {
            return sample;
        }
        let first = self.uniform_f64();
        let second = self.uniform_f64();
        let radius = (-2.0 * (-second).ln_1p()).sqrt();
        let (sine, cosine) = (TAU * first).sin_cos();
        self.next_normal = Some(radius * sine);
        radius * cosine
    }
}

fn box_muller(block: &mut [f32; BLOCK]) {
    for index in 0..HALF {
        // PyTorch's vectorised logarithm and sine differ in their last bits between processors; f64 lies amid them.
        let radius = (-2.0 * f64::from(1.0 - block[index]).ln()).sqrt();
        let (sine, cosine) = (TAU * f64::from(block[index + HALF])).sin_cos();
        block[index] = (radius * cosine) as f32;
        block[index + HALF] = (radius * sine) as f32;
    }
}
