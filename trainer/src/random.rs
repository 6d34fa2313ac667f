//! Random numbers by place instead of by history: the generator for a step is made from the seed and the step, so a resumed
//! run draws what the uninterrupted one would have drawn.

/// xoshiro256++ (Blackman & Vigna, 2019), seeded through SplitMix64.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
    spare: Option<f32>,
}

impl Random {
    /// The generator of one place: `seed` of the run, `stream` of the purpose, `index` of the step or sample.
    pub fn at(seed: u64, stream: u64, index: u64) -> Self {
        let mut mixed = mix(mix(mix(seed) ^ stream) ^ index);
        let state = std::array::from_fn(|_| {
            mixed = mixed.wrapping_add(GOLDEN_GAMMA);
            mix(mixed)
        });
        Self { state, spare: None }
    }

    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        // 24 bits fill the mantissa of an f32.
        (self.next_u64() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Standard normal (Box & Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sine, cosine) = (std::f32::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }

    /// `count` standard normal values.
    pub fn normals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal()).collect()
    }
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea & Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN_GAMMA);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn normals_have_zero_mean_and_unit_variance() {
        let values = Random::at(1, 2, 3).normals(200_000);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn places_are_independent() {
        assert_ne!(Random::at(1, 0, 0).next_u64(), Random::at(1, 0, 1).next_u64());
        assert_ne!(Random::at(1, 0, 1).next_u64(), Random::at(1, 1, 0).next_u64());
    }
}
