//! How alike two pictures are.

/// Peak signal-to-noise ratio in decibels of values in 0..1; infinite for equal pictures.
pub fn psnr(picture: &[f32], reference: &[f32]) -> f64 {
    let squares: f64 = picture.iter().zip(reference).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    -10.0 * (squares / picture.len().max(1) as f64).log10()
}

/// Standard deviation of the window, in pixels.
const SIGMA: f64 = 1.5;
/// Pixels from a window's middle to its edge: 11 × 11 in all.
const REACH: usize = 5;
/// Keep the ratios finite where a window is flat.
const STABILISERS: (f64, f64) = (0.01 * 0.01, 0.03 * 0.03);

/// Rows and columns of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// Mean structural similarity (Wang et al. 2004) of the luma of two pictures `[height, width, 3]` of values in 0..1, with the paper's
/// Gaussian window; 1 for equal pictures. Pictures smaller than the window are compared by whatever of it fits.
pub fn ssim(picture: &[f32], reference: &[f32], size: PictureSize) -> f64 {
    let (a, b) = (luma(picture), luma(reference));
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let mean = |values: &[f64]| blur(values, size);
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let (squares_a, squares_b, products) = (mean(&product(&a, &a)), mean(&product(&b, &b)), mean(&product(&a, &b)));
    let total: f64 = (0..a.len())
        .map(|pixel| {
            let (m, n) = (mean_a[pixel], mean_b[pixel]);
            let (variance_a, variance_b, covariance) = (squares_a[pixel] - m * m, squares_b[pixel] - n * n, products[pixel] - m * n);
            let (c1, c2) = STABILISERS;
            ((2.0 * m * n + c1) * (2.0 * covariance + c2)) / ((m * m + n * n + c1) * (variance_a + variance_b + c2))
        })
        .sum();
    total / a.len().max(1) as f64
}

/// ITU-R BT.601.
fn luma(picture: &[f32]) -> Vec<f64> {
    picture.chunks_exact(3).map(|pixel| 0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2])).collect()
}

/// Means under the Gaussian window; at the borders the weights that fall inside are scaled up.
fn blur(values: &[f64], size: PictureSize) -> Vec<f64> {
    let PictureSize { height, width } = size;
    let weight = |distance: usize| (-((distance * distance) as f64) / (2.0 * SIGMA * SIGMA)).exp();
    let along = |values: &[f64], (count, length): (usize, usize), at: &dyn Fn(usize, usize) -> usize| {
        let mut out = vec![0.0; values.len()];
        for line in 0..count {
            for place in 0..length {
                let (mut sum, mut weights) = (0.0, 0.0);
                for other in place.saturating_sub(REACH)..(place + REACH + 1).min(length) {
                    let weight = weight(other.abs_diff(place));
                    sum += weight * values[at(line, other)];
                    weights += weight;
                }
                out[at(line, place)] = sum / weights;
            }
        }
        out
    };
    let across = along(values, (height, width), &|row, column| row * width + column);
    along(&across, (width, height), &|column, row| row * width + column)
}

#[cfg(test)]
mod tests {
    use super::{PictureSize, psnr, ssim};

    const SMALL: PictureSize = PictureSize { height: 20, width: 30 };

    fn wave(phase: f32, height: usize, width: usize) -> Vec<f32> {
        let value = |row: usize, column: usize| 0.5 + 0.4 * (0.7 * row as f32 + 0.3 * column as f32 + phase).sin();
        (0..height * width).flat_map(|pixel| [value(pixel / width, pixel % width); 3]).collect()
    }

    #[test]
    fn equal_pictures_are_as_alike_as_can_be() {
        let picture = wave(0.0, 20, 30);
        assert!(psnr(&picture, &picture).is_infinite());
        assert!((ssim(&picture, &picture, SMALL) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn known_differences_have_known_values() {
        let picture = wave(0.0, 20, 30);
        let brighter: Vec<f32> = picture.iter().map(|value| value + 0.01).collect();
        assert!((psnr(&brighter, &picture) - 40.0).abs() < 1e-3);
        // A constant shift leaves the structure: only the means differ.
        assert!(ssim(&brighter, &picture, SMALL) > 0.99);
        // The inverse has the opposite structure everywhere.
        let inverse: Vec<f32> = picture.iter().map(|value| 1.0 - value).collect();
        assert!(ssim(&inverse, &picture, SMALL) < -0.5);
        // Two constants: 2ab + c1 over a² + b² + c1.
        let flat = |value: f32| vec![value; 16 * 16 * 3];
        let expected = (2.0 * 0.2 * 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4);
        assert!((ssim(&flat(0.2), &flat(0.6), PictureSize { height: 16, width: 16 }) - expected).abs() < 1e-5);
    }
}
