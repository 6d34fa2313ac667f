use crate::pattern::{Pattern, levels};
use crate::size::{LEAST_SIDE, checked};
use crate::tile::{LINES, Line};
use crate::view::{Plane, View};
use crate::{Error, Id, Key};

/// What marking did.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Embedded {
    /// Peak signal-to-noise ratio of the marked picture against the unmarked, over all three channels, in decibels.
    pub psnr: f32,
}

/// Least peak signal-to-noise ratio, in decibels: what small pictures get.
pub const LEAST_PSNR: f32 = 42.0;
/// Above [`LEAST_PSNR`], so that rounding never falls below.
const MARGIN: f32 = 0.1;
/// Pixels up to which a picture needs all the distortion that is permitted.
const SMALL: f32 = 256.0 * 256.0;
/// Decibels that a picture of four times the pixels is spared. More would sink below JPEG's steps at quality 50.
const SPARED: f32 = 1.0;
/// Most that a pixel's luminance changes, in levels: a mark that gathers in the few smooth places of a picture shows there.
const MOST_CHANGE: f32 = 6.0;
/// The same for pictures of which a brighter copy would lose the mark otherwise.
const MOST_CHANGE_AT_NEED: f32 = 9.0;
/// Levels near black and white where a brighter or darker copy loses the mark, and the share of the mark that goes there.
const EXTREME: f32 = 14.0;
const EXTREME_SHARE: f32 = 0.2;
/// Change of red, green and blue for one level of luminance: half-way between grey, which shows least on saturated colours, and
/// [`LUMINANCE`] over its square, which distorts least.
const SHARES: [f32; 3] = [0.834, 1.157, 0.627];
/// A brighter copy, in levels: 5 % of white.
const BRIGHTER: f32 = 13.0;

/// Marks an RGB picture in place.
///
/// `pixels` is `[height, width, 3]`. On an error the pixels are untouched.
pub fn embed(pixels: &mut [u8], width: u32, height: u32, key: &Key, id: Id) -> Result<Embedded, Error> {
    let (columns, rows) = checked(pixels, width, height)?;
    if width.min(height) < LEAST_SIDE {
        return Err(Error::TooSmall { width, height, least: LEAST_SIDE });
    }
    let plane = Plane::luminance(pixels, columns, rows);
    let picture = Picture { pattern: Pattern::new(key), id, original: pixels, plane };
    let size = picture.plane.values.len() as f32 / SMALL;
    let gentle = Strength { psnr: LEAST_PSNR + MARGIN + SPARED * size.log(4.0).max(0.0), most: MOST_CHANGE };
    let strong = Strength { psnr: LEAST_PSNR + MARGIN, most: MOST_CHANGE_AT_NEED };
    // Large pictures have enough places that are neither black nor white.
    let enough = |marked: &Vec<u8>| size > 1.0 || picture.reads(marked, BRIGHTER);
    let marked = picture.marked(&gentle);
    let marked = match marked.as_ref().is_some_and(enough) {
        true => marked,
        // What does not help is not worth being seen.
        false => picture.marked(&strong).filter(enough).or(marked),
    };
    let marked = marked.ok_or(Error::Unmarkable)?;
    let psnr = 10.0 * (255.0 * 255.0 / distortion(pixels, &marked).max(f32::MIN_POSITIVE)).log10();
    pixels.copy_from_slice(&marked);
    Ok(Embedded { psnr })
}

/// How much a picture may change.
struct Strength {
    /// Least, in decibels.
    psnr: f32,
    /// Levels of luminance.
    most: f32,
}

struct Picture<'a> {
    pattern: Pattern,
    id: Id,
    original: &'a [u8],
    plane: Plane,
}

impl Picture<'_> {
    /// The marked pixels, if the mark can be read from them.
    fn marked(&self, strength: &Strength) -> Option<Vec<u8>> {
        let budget = 255f32 * 255.0 / 10f32.powf(strength.psnr / 10.0);
        let chips = self.pattern.chips(self.id);
        let extreme = |level: f32| !(EXTREME..=255.0 - EXTREME).contains(&level);
        let room: Vec<f32> = self.plane.values.iter().map(|&level| if extreme(level) { EXTREME_SHARE } else { 1.0 }).collect();
        let mut view = View::new(&self.plane, 1.0);
        let mut lines = self.pattern.spectrum.analyse(&view.fold(1.0));
        let mut strengths = vec![[0f32; 2]; LINES];
        let mut marked = Vec::new();
        for round in 0..self.rounds() {
            press(&mut strengths, &chips, &lines, &levels(&lines));
            let product = |(strength, chip): (&Line, &Line)| [strength[0] * chip[0], strength[1] * chip[1]];
            let wanted: Vec<(usize, Line)> = strengths.iter().zip(&chips).map(product).enumerate().collect();
            let mut change = view.unfold(&self.pattern.spectrum.synthesise(&wanted));
            change.iter_mut().zip(&room).for_each(|(change, room)| *change *= room);
            marked = apply(self.original, &change, budget, strength.most);
            // In turn, what a brighter copy loses is made up for elsewhere.
            view.look_at(&self.copy(&marked, if round % 2 == 1 { BRIGHTER } else { 0.0 }));
            lines = self.pattern.spectrum.analyse(&view.fold(1.0));
        }
        self.reads(&marked, 0.0).then_some(marked)
    }

    /// Luminance of marked pixels, brighter by some levels.
    fn copy(&self, marked: &[u8], brighter: f32) -> Plane {
        let mut plane = Plane::luminance(marked, self.plane.width, self.plane.height);
        plane.values.iter_mut().for_each(|value| *value = (*value + brighter).min(255.0));
        plane
    }

    /// Whether the mark can be read from such a copy.
    fn reads(&self, marked: &[u8], brighter: f32) -> bool {
        let lines = self.pattern.spectrum.analyse(&View::new(&self.copy(marked, brighter), 1.0).fold(1.0));
        self.pattern.read(&lines).is_some_and(|reading| reading.id == self.id)
    }

    /// The larger the picture, the less its own content weighs in the sums, and the less there is to correct.
    fn rounds(&self) -> usize {
        match self.plane.values.len() as f32 / SMALL {
            ..=1.0 => 12,
            ..=4.0 => 6,
            _ => 3,
        }
    }
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

/// `original` changed along `change`, as strongly as the mean squared difference `budget` and `most` permit.
fn apply(original: &[u8], change: &[f32], budget: f32, most: f32) -> Vec<u8> {
    let energy = change.iter().map(|value| f64::from(value * value)).sum::<f64>() as f32 / change.len() as f32;
    let mut gain = (budget / energy.max(f32::MIN_POSITIVE)).sqrt();
    let mut marked = changed(original, change, gain, most);
    for _ in 0..3 {
        // Black and white cannot take all of it; what is left of the budget goes where it can.
        gain *= (budget / distortion(original, &marked).max(budget / 4.0)).sqrt();
        marked = changed(original, change, gain, most);
    }
    while distortion(original, &marked) > budget {
        gain *= 0.98;
        marked = changed(original, change, gain, most);
    }
    marked
}

fn changed(original: &[u8], change: &[f32], gain: f32, most: f32) -> Vec<u8> {
    let mut marked = original.to_vec();
    for (pixel, change) in marked.chunks_exact_mut(3).zip(change) {
        let wanted = gain * change;
        // A soft limit, of the shape of the hyperbolic tangent.
        let change = wanted / (1.0 + (wanted / most).powi(2)).sqrt();
        for (value, share) in pixel.iter_mut().zip(SHARES) {
            *value = (f32::from(*value) + share * change).round().clamp(0.0, 255.0) as u8;
        }
    }
    marked
}

/// Mean squared difference.
fn distortion(a: &[u8], b: &[u8]) -> f32 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    (sum as f64 / a.len() as f64) as f32
}
