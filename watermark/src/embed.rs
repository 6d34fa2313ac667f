use crate::blur::{Rows as _, in_bands};
use crate::channels::{Channels, Copy};
use crate::pattern::{Pattern, levels};
use crate::size::{LEAST_SIDE, checked};
use crate::tile::{LINES, Line};
use crate::view::View;
use crate::{Error, Id, Key};
use spec::Threads;

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
/// A brighter copy, in levels: 5 % of white.
const BRIGHTER: f32 = 13.0;
/// Size, in multiples of [`SMALL`], above which what a brighter copy loses is not looked at: 512×512.
const ENOUGH: f32 = 4.0;
/// Pixels from which on more than one thread pays.
const LARGE: usize = 1 << 17;

/// Marks an RGB picture in place; large ones on several threads, whose number changes no byte.
///
/// `pixels` is `[height, width, 3]`. On an error the pixels are untouched.
pub fn embed(pixels: &mut [u8], width: u32, height: u32, key: &Key, id: Id, threads: Threads) -> Result<Embedded, Error> {
    let (columns, rows) = checked(pixels, width, height)?;
    if width.min(height) < LEAST_SIDE {
        return Err(Error::TooSmall { width, height, least: LEAST_SIDE });
    }
    let threads = if columns * rows < LARGE { Threads::ONE } else { threads };
    let picture = Picture::new(Pattern::new(key), id, Channels::split(pixels, columns), threads);
    let size = (columns * rows) as f32 / SMALL;
    let gentle = Strength { psnr: LEAST_PSNR + MARGIN + SPARED * size.log(4.0).max(0.0), most: MOST_CHANGE };
    let strong = Strength { psnr: LEAST_PSNR + MARGIN, most: MOST_CHANGE_AT_NEED };
    // Large pictures have enough places that are neither black nor white.
    let enough = |marked: &Marked| size > ENOUGH || picture.reads(&marked.channels, BRIGHTER);
    let marked = picture.marked(&gentle);
    let marked = match marked.as_ref().is_some_and(enough) {
        true => marked,
        // What does not help is not worth being seen.
        false => picture.marked(&strong).filter(enough).or(marked),
    };
    let marked = marked.ok_or(Error::Unmarkable)?;
    marked.channels.join(pixels);
    Ok(Embedded { psnr: 10.0 * (255.0 * 255.0 / marked.distortion.max(f32::MIN_POSITIVE)).log10() })
}

/// How much a picture may change.
struct Strength {
    /// Least, in decibels.
    psnr: f32,
    /// Levels of luminance.
    most: f32,
}

struct Marked {
    channels: Channels,
    /// Mean squared difference from the original.
    distortion: f32,
}

struct Picture {
    pattern: Pattern,
    id: Id,
    original: Channels,
    /// Share of the mark that every pixel takes.
    room: Vec<f32>,
    threads: Threads,
}

impl Picture {
    fn new(pattern: Pattern, id: Id, original: Channels, threads: Threads) -> Self {
        let extreme = |level: f32| !(EXTREME..=255.0 - EXTREME).contains(&level);
        let (luminance, mut room) = (Copy { channels: &original, brighter: None }, vec![0.0; original.count()]);
        let width = luminance.size().0;
        in_bands(&mut room, width, threads, |first, band| {
            for (y, row) in (first..).zip(band.chunks_mut(width)) {
                luminance.read(y, row);
                for value in row {
                    *value = if extreme(*value) { EXTREME_SHARE } else { 1.0 };
                }
            }
        });
        Self { pattern, id, original, room, threads }
    }

    /// The marked pixels, if the mark can be read from them.
    fn marked(&self, strength: &Strength) -> Option<Marked> {
        let budget = 255f32 * 255.0 / 10f32.powf(strength.psnr / 10.0);
        let chips = self.pattern.chips(self.id);
        let mut view = View::new(&Copy { channels: &self.original, brighter: None }, 1.0, self.threads);
        let totals = view.totals(1.0);
        let mut lines = self.pattern.spectrum.analyse(&view.mean(1.0, &totals));
        let mut strengths = vec![[0f32; 2]; LINES];
        let mut marked = Marked { channels: self.original.clone(), distortion: 0.0 };
        let mut change = vec![0.0; self.original.count()];
        for round in 0..self.rounds() {
            press(&mut strengths, &chips, &lines, &levels(&lines));
            let product = |(strength, chip): (&Line, &Line)| [strength[0] * chip[0], strength[1] * chip[1]];
            let wanted: Vec<(usize, Line)> = strengths.iter().zip(&chips).map(product).enumerate().collect();
            let energy = view.unfold(&self.pattern.spectrum.synthesise(&wanted), &totals, &self.room, &mut change);
            let changed = |gain, channels: &mut Channels| self.original.changed(&change, gain, strength.most, channels, self.threads);
            marked.distortion = apply(energy, budget, |gain| changed(gain, &mut marked.channels));
            // In turn, what a brighter copy loses is made up for elsewhere.
            let brighter = if round % 2 == 1 { BRIGHTER } else { 0.0 };
            view.look_at(&Copy { channels: &marked.channels, brighter: Some(brighter) });
            lines = self.pattern.spectrum.analyse(&view.mean(1.0, &totals));
        }
        self.reads(&marked.channels, 0.0).then_some(marked)
    }

    /// Whether the mark can be read from a copy that is brighter by some levels.
    fn reads(&self, marked: &Channels, brighter: f32) -> bool {
        let view = View::new(&Copy { channels: marked, brighter: Some(brighter) }, 1.0, self.threads);
        let lines = self.pattern.spectrum.analyse(&view.fold(1.0));
        self.pattern.read(&lines).is_some_and(|reading| reading.id == self.id)
    }

    /// The larger the picture, the less its own content weighs in the sums, and the less there is to correct.
    fn rounds(&self) -> usize {
        match self.original.count() as f32 / SMALL {
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

/// Finds the gain at which a change of mean square `energy` costs the mean squared difference `budget`. `changed` makes the marked
/// picture of a gain and returns what it costs; the last one stays. Returns its cost.
fn apply(energy: f32, budget: f32, mut changed: impl FnMut(f32) -> f32) -> f32 {
    let mut gain = (budget / energy.max(f32::MIN_POSITIVE)).sqrt();
    let mut distortion = changed(gain);
    for _ in 0..3 {
        // Black and white cannot take all of it; what is left of the budget goes where it can.
        gain *= (budget / distortion.max(budget / 4.0)).sqrt();
        distortion = changed(gain);
    }
    while distortion > budget {
        gain *= 0.98;
        distortion = changed(gain);
    }
    distortion
}
