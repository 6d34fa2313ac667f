//! The same object in another colour: the hue that covers most of it is replaced, shading and other hues stay.

use super::sprite::Sprite;
use std::ops::RangeInclusive;

/// Hue bins, 10° each.
const BINS: usize = 36;
/// Distance in degrees from the main hue up to which a pixel is replaced whole, and from which it stays.
const HUE_BAND: RangeInclusive<f32> = 32.0..=55.0;
/// Saturation below which a pixel stays, and from which it is replaced whole.
const SATURATION_BAND: RangeInclusive<f32> = 0.12..=0.30;

/// `sprite` with its main colour replaced by `rgb`.
pub fn recoloured(sprite: &Sprite, rgb: [u8; 3]) -> Sprite {
    let target = Hsv::of(rgb.map(|value| f32::from(value) / 255.0));
    let Some(main) = main_colour(sprite.largest()) else { return sprite.clone() };
    sprite.map_pixels(|pixel| {
        let alpha = f32::from(pixel[3]);
        if alpha == 0.0 {
            return pixel;
        }
        let straight: [f32; 3] = std::array::from_fn(|channel| (f32::from(pixel[channel]) / alpha).min(1.0));
        let own = Hsv::of(straight);
        let share = (1.0 - ramp(hue_distance(own.hue, main.hue), HUE_BAND)) * ramp(own.saturation, SATURATION_BAND);
        // Shading is kept as the ratio to the main colour; a highlight of a dark colour stays a highlight.
        let saturation = (target.saturation * own.saturation / main.saturation).min(1.0);
        let value = (target.value * own.value / main.value + 0.5 * (own.value - main.value).max(0.0)).min(1.0);
        let replaced = Hsv { hue: target.hue, saturation, value }.rgb();
        let mixed: [f32; 3] = std::array::from_fn(|channel| straight[channel] + (replaced[channel] - straight[channel]) * share);
        let byte = |channel: usize| (mixed[channel] * alpha).round() as u8;
        [byte(0), byte(1), byte(2), pixel[3]]
    })
}

/// Mean of the pixels of the most frequent hue; nothing where the sprite has no colour.
fn main_colour(pixels: &[u8]) -> Option<Hsv> {
    let colours: Vec<(Hsv, f32)> = pixels
        .chunks_exact(4)
        .filter(|pixel| pixel[3] > 127)
        .map(|pixel| {
            let alpha = f32::from(pixel[3]);
            let colour = Hsv::of(std::array::from_fn(|channel| (f32::from(pixel[channel]) / alpha).min(1.0)));
            (colour, ramp(colour.saturation, SATURATION_BAND))
        })
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    let mut counts = [0.0_f32; BINS];
    for (colour, weight) in &colours {
        counts[(colour.hue / 360.0 * BINS as f32) as usize % BINS] += weight;
    }
    let around = |bin: usize| counts[(bin + BINS - 1) % BINS] + counts[bin] + counts[(bin + 1) % BINS];
    let best = (0..BINS).reduce(|best, bin| if around(bin) > around(best) { bin } else { best })?;
    let hue = (best as f32 + 0.5) * 360.0 / BINS as f32;
    let (mut saturation, mut value, mut total) = (0.0, 0.0, 0.0);
    for (colour, weight) in colours.iter().filter(|(colour, _)| hue_distance(colour.hue, hue) < *HUE_BAND.start()) {
        saturation += weight * colour.saturation;
        value += weight * colour.value;
        total += weight;
    }
    (total > 0.0).then(|| Hsv { hue, saturation: saturation / total, value: value / total })
}

/// 0 below the band, 1 above, linear within.
fn ramp(value: f32, band: RangeInclusive<f32>) -> f32 {
    let (low, high) = band.into_inner();
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

fn hue_distance(a: f32, b: f32) -> f32 {
    let distance = (a - b).abs() % 360.0;
    distance.min(360.0 - distance)
}

/// Hue in degrees, saturation and value 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Hsv {
    hue: f32,
    saturation: f32,
    value: f32,
}

impl Hsv {
    fn of([red, green, blue]: [f32; 3]) -> Self {
        let (high, low) = (red.max(green).max(blue), red.min(green).min(blue));
        let range = high - low;
        let sector = if range == 0.0 {
            0.0
        } else if red >= green && red >= blue {
            (green - blue) / range
        } else if green >= blue {
            (blue - red) / range + 2.0
        } else {
            (red - green) / range + 4.0
        };
        let saturation = if high == 0.0 { 0.0 } else { range / high };
        Self { hue: (60.0 * sector).rem_euclid(360.0), saturation, value: high }
    }

    fn rgb(self) -> [f32; 3] {
        [5.0, 3.0, 1.0].map(|offset: f32| {
            let place = (offset + self.hue / 60.0) % 6.0;
            self.value * (1.0 - self.saturation * place.min(4.0 - place).clamp(0.0, 1.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Hsv, recoloured};
    use crate::data::sprite::Sprite;

    #[test]
    fn hsv_and_back() {
        for rgb in [[1.0, 0.2, 0.3], [0.1, 0.9, 0.4], [0.3, 0.2, 0.8], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.9]] {
            for (a, b) in rgb.into_iter().zip(Hsv::of(rgb).rgb()) {
                assert!((a - b).abs() < 1e-5, "{rgb:?}");
            }
        }
    }

    #[test]
    fn the_main_colour_changes_and_the_others_stay() {
        // Mostly red, some of it half transparent, with blue and gray parts.
        let pixel = |i: usize| match i % 8 {
            0 => [30, 60, 220, 255],
            1 => [128, 128, 128, 255],
            2 => [110, 10, 10, 128],
            _ => [220, 20, 20, 255],
        };
        let sprite = Sprite::from_pixels((0..128 * 128).flat_map(pixel).collect());
        let green = recoloured(&sprite, [60, 170, 75]);
        for (i, new) in green.largest().chunks_exact(4).enumerate() {
            let old = pixel(i);
            match i % 8 {
                0 | 1 => assert_eq!(new, old),
                _ => assert!(new[1] > new[0] && new[1] > new[2] && new[3] == old[3], "{new:?}"),
            }
        }
        let gray = Sprite::from_pixels([90, 90, 90, 255].repeat(128 * 128));
        assert_eq!(recoloured(&gray, [255, 0, 0]).largest(), gray.largest());
    }
}
