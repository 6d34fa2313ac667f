//! Rotation of the inner dimension, so that one large channel becomes many small ones before rounding (QuaRot, Ashkboos et al. 2024;
//! in groups by the regular Hadamard matrix: ConvRot, arXiv 2512.03673).

use crate::pool::parallel_chunks_mut;
use crate::vectorise::vectorised;

/// Values of a task, in whole rows.
const TASK_VALUES: usize = 16_384;

/// Whether groups of this many values can be rotated: a power of four.
pub fn is_rotation(group: usize) -> bool {
    group >= 4 && group.is_power_of_two() && group.trailing_zeros().is_multiple_of(2)
}

/// Multiplies every group of `group` values of every row of `values [rows, width]` by the normalised Kronecker power of the regular
/// Hadamard matrix of order four, which is its own inverse. Panics unless `group` is a power of four that divides `width`.
pub fn rotate_rows(values: &mut [f32], width: usize, group: usize) {
    assert!(is_rotation(group) && width.is_multiple_of(group), "groups of {group} in rows of {width}");
    assert!(values.len().is_multiple_of(width), "whole rows");
    parallel_chunks_mut(values, width * (TASK_VALUES / width).max(1), &|_, rows| {
        for group in rows.chunks_exact_mut(group) {
            let mut stride = 1;
            while stride < group.len() {
                stage(group, stride);
                stride *= 4;
            }
        }
    });
}

vectorised! {
    /// One factor: values `stride` apart meet. Each row of the matrix takes one value off half the sum of all, twice.
    fn stage(values: &mut [f32], stride: usize) {
        for block in values.chunks_exact_mut(4 * stride) {
            let (front, back) = block.split_at_mut(2 * stride);
            let ((a, b), (c, d)) = (front.split_at_mut(stride), back.split_at_mut(stride));
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                let half = 0.5 * ((*a + *b) + (*c + *d));
                (*a, *b, *c, *d) = (half - *d, half - *c, half - *b, half - *a);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix by its definition.
    fn hadamard(order: usize) -> Vec<Vec<f32>> {
        const FOUR: [[f32; 4]; 4] = [[0.5, 0.5, 0.5, -0.5], [0.5, 0.5, -0.5, 0.5], [0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, 0.5, 0.5]];
        let mut matrix = vec![vec![1.0]];
        while matrix.len() < order {
            let size = matrix.len();
            matrix = (0..4 * size)
                .map(|row| (0..4 * size).map(|column| matrix[row / 4][column / 4] * FOUR[row % 4][column % 4]).collect())
                .collect();
        }
        matrix
    }

    #[test]
    fn is_the_product_with_the_matrix_and_its_own_inverse() {
        for group in [4, 16, 64, 256] {
            let width = 2 * group;
            let before = crate::reference::values(3 * width, 5);
            let mut values = before.clone();
            rotate_rows(&mut values, width, group);
            let matrix = hadamard(group);
            for (index, value) in values.iter().enumerate() {
                let first = index / group * group;
                let expected: f64 =
                    (0..group).map(|column| f64::from(matrix[index % group][column]) * f64::from(before[first + column])).sum();
                assert!((f64::from(*value) - expected).abs() < 1e-5, "{group}: {value} and {expected}");
            }
            rotate_rows(&mut values, width, group);
            let before: Vec<f64> = before.into_iter().map(f64::from).collect();
            crate::reference::assert_close(&values, &before, 1e-5, "twice");
        }
    }

    #[test]
    fn only_powers_of_four() {
        let good: Vec<usize> = (0..300).filter(|group| is_rotation(*group)).collect();
        assert_eq!(good, [4, 16, 64, 256]);
    }
}
