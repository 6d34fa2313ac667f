//! Random numbers that reproduce `torch.Generator("cpu").manual_seed(seed)`: the same integers in the same order, and
//! normal samples equal to the last bits that PyTorch itself varies by processor.

mod mersenne_twister;
mod normal;

use mersenne_twister::MersenneTwister;

/// The stream of one CPU generator of PyTorch. Successive calls go on where the last one stopped.
#[derive(Clone)]
pub struct Generator {
    engine: MersenneTwister,
    /// The second half of the last scalar Box–Muller pair, which PyTorch keeps for the next scalar call.
    next_normal: Option<f64>,
}

impl Generator {
    /// `torch.Generator("cpu").manual_seed(seed)`; like PyTorch, the engine takes the low 32 bits.
    pub fn seeded(seed: u64) -> Self {
        Self { engine: MersenneTwister::new(seed as u32), next_normal: None }
    }

    /// 32 bits of the engine.
    pub fn next_u32(&mut self) -> u32 {
        self.engine.next()
    }

    /// 64 bits: the first draw is the high half.
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        high << 32 | u64::from(self.next_u32())
    }

    /// `torch.rand`: one f32 in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        const DIGITS: u32 = f32::MANTISSA_DIGITS;
        (self.next_u32() & ((1 << DIGITS) - 1)) as f32 / (1_u32 << DIGITS) as f32
    }

    fn uniform_f64(&mut self) -> f64 {
        const DIGITS: u32 = f64::MANTISSA_DIGITS;
        (self.next_u64() & ((1 << DIGITS) - 1)) as f64 / (1_u64 << DIGITS) as f64
    }
}
