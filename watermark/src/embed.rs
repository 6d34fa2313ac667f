use crate::pattern::Pattern;
use crate::size::{LEAST_SIDE, checked};
use crate::tile::{LINES, Line};
use crate::view::{LUMINANCE, Plane, View};
use crate::{Error, Id, Key};

/// What marking did.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Embedded {
    /// Peak signal-to-noise ratio of the marked picture against the unmarked, over all three channels, in decibels.
    pub psnr: f32,
}

/// Least peak signal-to-noise ratio.
const LEAST_PSNR: f32 = 42.1;
const ROUNDS: usize = 12;

/// Marks an RGB picture in place.
pub fn embed(pixels: &mut [u8], width: u32, height: u32, key: &Key, id: Id) -> Result<Embedded, Error> {
    let (columns, rows) = checked(pixels, width, height)?;
    if width.min(height) < LEAST_SIDE {
        return Err(Error::TooSmall { width, height, least: LEAST_SIDE });
    }
    let pattern = Pattern::new(key);
    let chips = pattern.chips(id);
    let budget = 255f32 * 255.0 / 10f32.powf(LEAST_PSNR / 10.0);
    let original = pixels.to_vec();
    let mut view = View::new(&Plane::luminance(&original, columns, rows), 1.0);
    let mut lines = pattern.spectrum.analyse(&view.fold(1.0));
    let mut strengths = vec![[0f32; 2]; LINES];
    let mut marked = original.clone();
    for round in 0..ROUNDS {
        press(&mut strengths, &chips, &lines, &pattern.levels(&lines));
        let wanted: Vec<(usize, Line)> =
            strengths.iter().zip(&chips).map(|(strength, chip)| [strength[0] * chip[0], strength[1] * chip[1]]).enumerate().collect();
        let change = view.unfold(&pattern.spectrum.synthesise(&wanted));
        marked = apply(&original, &change, budget);
        if round + 1 < ROUNDS {
            view.refiltered(&Plane::luminance(&marked, columns, rows));
            lines = pattern.spectrum.analyse(&view.fold(1.0));
        }
    }
    let psnr = 10.0 * (255.0 * 255.0 / distortion(&original, &marked).max(1e-9)).log10();
    pixels.copy_from_slice(&marked);
    Ok(Embedded { psnr })
}

/// Presses harder where a part is wrong or close to it.
fn press(strengths: &mut [Line], chips: &[Line], lines: &[Line], levels: &[f32]) {
    for (((strength, chip), line), level) in strengths.iter_mut().zip(chips).zip(lines).zip(levels) {
        for part in 0..2 {
            let margin = chip[part] * line[part] / level;
            strength[part] += 1.0 / (1.0 + (3.0 * (margin - 0.8)).exp());
        }
    }
}

/// `original` changed along `change`, as strongly as the distortion permits.
fn apply(original: &[u8], change: &[f32], budget: f32) -> Vec<u8> {
    let energy = change.iter().map(|value| value * value).sum::<f32>() / change.len() as f32;
    // The least change of the three channels that has a given luminance.
    let norm: f32 = LUMINANCE.iter().map(|weight| weight * weight).sum();
    let mut gain = (budget * 3.0 * norm / energy.max(f32::MIN_POSITIVE)).sqrt();
    let mut marked = changed(original, change, gain);
    for _ in 0..3 {
        // Clipping at black and white takes energy away; what is left of the budget goes where it can.
        gain *= (budget / distortion(original, &marked).max(budget / 4.0)).sqrt();
        marked = changed(original, change, gain);
    }
    while distortion(original, &marked) > budget {
        gain *= 0.98;
        marked = changed(original, change, gain);
    }
    marked
}

fn changed(original: &[u8], change: &[f32], gain: f32) -> Vec<u8> {
    let norm: f32 = LUMINANCE.iter().map(|weight| weight * weight).sum();
    let pixel = |(pixel, change): (&[u8], &f32)| -> [u8; 3] {
        std::array::from_fn(|channel| (f32::from(pixel[channel]) + gain * change * LUMINANCE[channel] / norm).round().clamp(0.0, 255.0) as u8)
    };
    original.chunks_exact(3).zip(change).flat_map(pixel).collect()
}

/// Mean squared difference.
fn distortion(a: &[u8], b: &[u8]) -> f32 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    (sum as f64 / a.len() as f64) as f32
}
