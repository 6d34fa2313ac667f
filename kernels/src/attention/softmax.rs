use crate::gemm::microkernel::{Sums, VECTOR};
use crate::gemm::packing::bf16_bits;
use crate::matrix::BLOCK_COLUMNS;
use crate::vectorise::vectorised;

/// A query's softmax so far.
#[derive(Clone, Copy)]
pub(super) struct Softmax {
    pub maximum: f32,
    pub sum: f32,
}

vectorised! {
    /// Goes on with a query's softmax: of a chunk's logits, in blocks that lie `distance` apart, the first `seen` become
    /// `exp(scale · logit - maximum)`, the rest of the blocks zero. Returns what sums of earlier chunks are to be multiplied by.
    pub(super) fn exponentials(logits: &mut [Sums], distance: usize, seen: usize, scale: f32, state: &mut Softmax) -> f32 {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let mut lanes = [f32::NEG_INFINITY; BLOCK_COLUMNS];
        for (block, values) in logits.iter().step_by(distance).enumerate() {
            let count = seen.saturating_sub(block * BLOCK_COLUMNS);
            if count >= BLOCK_COLUMNS {
                for lane in 0..BLOCK_COLUMNS { lanes[lane] = larger(lanes[lane], values[lane] * scale); }
            } else {
                for lane in 0..BLOCK_COLUMNS {
                    lanes[lane] = larger(lanes[lane], if lane < count { values[lane] * scale } else { f32::NEG_INFINITY });
                }
            }
        }
        for half in [32, 16, 8, 4, 2, 1] {
            let (low, high) = lanes.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) { *low = larger(*low, *high); }
        }
        let before = state.maximum;
        let maximum = larger(before, lanes[0]);
        state.maximum = maximum;
        let mut sums = [0.0; VECTOR];
        for (block, values) in logits.iter_mut().step_by(distance).enumerate() {
            let count = seen.saturating_sub(block * BLOCK_COLUMNS);
            if count >= BLOCK_COLUMNS {
                for values in values.as_chunks_mut::<VECTOR>().0 {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *value = crate::element::exponential(value.mul_add(scale, -maximum));
                        *sum += *value;
                    }
                }
            } else {
                for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
                    for lane in 0..VECTOR {
                        let value = crate::element::exponential(values[lane].mul_add(scale, -maximum));
                        values[lane] = if vector * VECTOR + lane < count { value } else { 0.0 };
                        sums[lane] += values[lane];
                    }
                }
            }
        }
        let factor = if maximum > before { crate::element::exponential(before - maximum) } else { 1.0 };
        state.sum = state.sum * factor + sums.iter().sum::<f32>();
        factor
    }

    /// Rounds values to bfloat16 and exchanges the two of each pair, as their words are expanded.
    pub(super) fn round_pairs(rows: &mut [Sums], distance: usize) {
        for values in rows.iter_mut().step_by(distance) {
            for pair in values.as_chunks_mut::<2>().0 {
                *pair = [f32::from_bits(bf16_bits(pair[1]) << 16), f32::from_bits(bf16_bits(pair[0]) << 16)];
            }
        }
    }

    pub(super) fn scale(values: &mut Sums, factor: f32) {
        for value in values { *value *= factor; }
    }

    pub(super) fn scale_into(values: &[f32], factor: f32, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) { *out = value * factor; }
    }
}
