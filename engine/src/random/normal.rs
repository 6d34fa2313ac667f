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
        let mut values: Vec<f32> = (0..count).map(|_| self.uniform()).collect();
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

    /// `torch.randn(count, dtype=torch.bfloat16)`: another stream than f32 rounded, because PyTorch draws and transforms in
    /// bfloat16 there.
    pub fn normal_bf16(&mut self, count: usize) -> Vec<bf16> {
        if count < BLOCK {
            return (0..count).map(|_| bf16::from_f64(self.normal_scalar())).collect();
        }
        let mut values: Vec<bf16> = (0..count).map(|_| self.uniform_bf16()).collect();
        for block in values.as_chunks_mut::<BLOCK>().0 {
            box_muller_bf16(block);
        }
        if !count.is_multiple_of(BLOCK)
            && let Some(tail) = values.last_chunk_mut::<BLOCK>()
        {
            tail.fill_with(|| self.uniform_bf16());
            box_muller_bf16(tail);
        }
        values
    }

    fn uniform_bf16(&mut self) -> bf16 {
        const DIGITS: u32 = bf16::MANTISSA_DIGITS;
        bf16::from_f32((self.next_u32() & ((1 << DIGITS) - 1)) as f32 / (1_u32 << DIGITS) as f32)
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

fn box_muller_bf16(block: &mut [bf16; BLOCK]) {
    for index in 0..HALF {
        let round = |value: f32| bf16::from_f32(value).to_f32();
        let first = round(1.0 - block[index].to_f32());
        let second = block[index + HALF].to_f32();
        let radius = round(round(-2.0 * round(first.ln())).sqrt());
        let angle = round((TAU * f64::from(second)) as f32);
        block[index] = bf16::from_f32(radius * round(angle.cos()));
        block[index + HALF] = bf16::from_f32(radius * round(angle.sin()));
    }
}
