//! A short polar code (Arıkan 2009) with successive-cancellation list decoding (Tal & Vardy 2015).
//!
//! Positions are ordered by polarisation weight (He et al. 2017), which needs no channel estimate.

/// Bits of a code word.
pub const CODE_BITS: usize = 512;
/// Bits of a message.
pub const MESSAGE_BITS: usize = 80;
/// Messages that [`Polar::decode`] proposes: beyond eight, a list gains less than a tenth of a decibel at this rate.
pub const LIST: usize = 8;

const LAYERS: usize = CODE_BITS.trailing_zeros() as usize;

/// Which positions carry the message.
pub struct Polar {
    carries: [bool; CODE_BITS],
}

impl Polar {
    pub fn new() -> Self {
        let weight = |index: usize| -> f64 { (0..LAYERS).filter(|bit| index >> bit & 1 == 1).map(|bit| 2f64.powf(bit as f64 / 4.0)).sum() };
        let mut order: Vec<usize> = (0..CODE_BITS).collect();
        order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)).then(b.cmp(&a)));
        let mut carries = [false; CODE_BITS];
        order.iter().take(MESSAGE_BITS).for_each(|&index| carries[index] = true);
        Self { carries }
    }

    /// Lowest [`MESSAGE_BITS`] bits of `message`, encoded.
    pub fn encode(&self, message: u128) -> [bool; CODE_BITS] {
        let mut word = [false; CODE_BITS];
        let positions = (0..CODE_BITS).filter(|&index| self.carries[index]);
        positions.enumerate().for_each(|(bit, index)| word[index] = message >> bit & 1 == 1);
        let mut half = 1;
        while half < CODE_BITS {
            for start in (0..CODE_BITS).step_by(2 * half) {
                for index in start..start + half {
                    word[index] ^= word[index + half];
                }
            }
            half *= 2;
        }
        word
    }

    /// The likeliest messages, best first, from log-likelihood ratios that are positive where a bit is 0. Their common
    /// scale does not matter.
    pub fn decode(&self, ratios: &[f32; CODE_BITS]) -> Vec<u128> {
        let mut paths = vec![Path::new(ratios)];
        let mut bit = 0;
        for index in 0..CODE_BITS {
            for path in &mut paths {
                path.descend(index);
            }
            if !self.carries[index] {
                for path in &mut paths {
                    path.decide(index, false);
                }
                continue;
            }
            let mut choices: Vec<(f32, usize, bool)> =
                paths.iter().enumerate().flat_map(|(at, path)| [(path.cost(false), at, false), (path.cost(true), at, true)]).collect();
            choices.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            choices.truncate(LIST);
            let next = choices.iter().map(|&(_, at, value)| {
                let mut path = paths[at].clone();
                path.message |= u128::from(value) << bit;
                path.decide(index, value);
                path
            });
            paths = next.collect();
            bit += 1;
        }
        paths.sort_by(|a, b| a.metric.total_cmp(&b.metric));
        paths.into_iter().map(|path| path.message).collect()
    }
}

/// One candidate: the ratios and partial sums of every layer, the layer of length n at offset n.
#[derive(Clone)]
struct Path {
    ratios: Vec<f32>,
    sums: Vec<bool>,
    metric: f32,
    message: u128,
}

impl Path {
    fn new(channel: &[f32; CODE_BITS]) -> Self {
        let mut ratios = vec![0.0; 2 * CODE_BITS];
        ratios[CODE_BITS..].copy_from_slice(channel);
        Self { ratios, sums: vec![false; 2 * CODE_BITS], metric: 0.0, message: 0 }
    }

    /// Ratios down to the leaf `index`.
    fn descend(&mut self, index: usize) {
        let mut half = if index == 0 { CODE_BITS / 2 } else { 1 << index.trailing_zeros() };
        let mut right = index != 0;
        while half >= 1 {
            let (below, above) = self.ratios.split_at_mut(2 * half);
            let (first, second) = above[..2 * half].split_at(half);
            let target = &mut below[half..];
            for at in 0..half {
                let (a, b) = (first[at], second[at]);
                target[at] = match right {
                    true if self.sums[half + at] => b - a,
                    true => b + a,
                    false => a.abs().min(b.abs()) * a.signum() * b.signum(),
                };
            }
            right = false;
            half /= 2;
        }
    }

    fn cost(&self, value: bool) -> f32 {
        let ratio = self.ratios[1];
        if (ratio < 0.0) == value { self.metric } else { self.metric + ratio.abs() }
    }

    fn decide(&mut self, index: usize, value: bool) {
        self.metric = self.cost(value);
        let mut current = vec![value];
        for layer in 0..LAYERS {
            let length = 1 << layer;
            let left = &mut self.sums[length..2 * length];
            if index >> layer & 1 == 0 {
                left.copy_from_slice(&current);
                return;
            }
            let mut joined: Vec<bool> = left.iter().zip(&current).map(|(a, b)| a ^ b).collect();
            joined.append(&mut current);
            current = joined;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(state: &mut u64) -> f32 {
        let uniform = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 40) as f32 / (1u32 << 24) as f32
        };
        (0..12).map(|_| uniform(state)).sum::<f32>() - 6.0
    }

    #[test]
    fn messages_survive_noise_as_strong_as_the_signal() {
        let polar = Polar::new();
        let mut state = 7;
        let mut recovered = 0;
        for trial in 0..60u128 {
            let message = trial.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060) & ((1 << MESSAGE_BITS) - 1);
            let word = polar.encode(message);
            let ratios: [f32; CODE_BITS] = std::array::from_fn(|at| if word[at] { -1.0 } else { 1.0 } + noise(&mut state));
            recovered += usize::from(polar.decode(&ratios).contains(&message));
        }
        assert!(recovered >= 59, "{recovered} of 60");
    }
}
