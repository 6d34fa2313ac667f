/// Least contrast of the label with what lies around it: WCAG 2.2 success criterion 1.4.3. The standard itself only says
/// 清晰可辨 (clearly legible); the number is ours.
pub(crate) const LEAST_CONTRAST: f32 = 4.5;

/// Relative luminance of every 8-bit sRGB level, 0 to 1 (WCAG 2.2, from IEC 61966-2-1).
pub(crate) struct Luminance {
    linear: Vec<f32>,
}

impl Luminance {
    pub(crate) fn new() -> Self {
        let linear = (0..=255_u16)
            .map(|level| {
                let encoded = f32::from(level) / 255.0;
                if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
            })
            .collect();
        Self { linear }
    }

    pub(crate) fn of(&self, pixel: &[u8]) -> f32 {
        const WEIGHTS: [f32; 3] = [0.2126, 0.7152, 0.0722];
        pixel.iter().zip(WEIGHTS).map(|(level, weight)| weight * self.linear.get(usize::from(*level)).unwrap_or(&0.0)).sum()
    }
}

/// Contrast ratio of two relative luminances, 1 to 21.
pub(crate) fn ratio(one: f32, other: f32) -> f32 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::{LEAST_CONTRAST, Luminance, ratio};

    #[test]
    fn black_on_white_is_21_and_one_of_them_reads_on_any_grey() {
        let luminance = Luminance::new();
        let (black, white) = (luminance.of(&[0; 3]), luminance.of(&[255; 3]));
        assert!((ratio(black, white) - 21.0).abs() < 1e-3);
        for level in 0..=255 {
            let grey = luminance.of(&[level; 3]);
            assert!(ratio(grey, black).max(ratio(grey, white)) >= LEAST_CONTRAST, "{level}");
        }
    }
}
