use crate::pattern::{Pattern, Peak, Reading};
use crate::size::checked;
use crate::view::{Plane, View};
use crate::{Error, Id, Key};
use spec::Threads;
use std::cell::LazyCell;

/// A mark that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Detection {
    /// What it says.
    pub id: Id,
    /// Share of the 512 code bits that agree with it, from about 0.65 (barely) to 1.
    pub confidence: f32,
}

/// Messages that one call checks at most; see the crate's page for what follows from it.
pub const MOST_READINGS: usize = (3 * (1 + PLACES) + CANDIDATES) * crate::polar::LIST;

/// Places of the pilot that are tried at scale 1.
const PLACES: usize = 3;
/// A side, in pixels, shorter than which nothing is found: half of the tile.
const LEAST_SEARCHED: usize = 32;
/// A little more than the promised 0.5 to 2.
const LEAST_SCALE: f32 = 0.45;
const MOST_SCALE: f32 = 2.2;
/// Pixels each way in which scales are searched at first.
const SEARCHED: usize = 256;
/// Pixels from which on a copy of half the size says almost as much, at a quarter of the cost.
const LARGE: usize = 320 * 320;
/// Scale from which on a copy of half the size still holds the finest lines of the mark.
const HALVED_SCALE: f32 = 0.9;
/// Height of a pilot that is worth decoding: chance alone reaches it in one map of a few hundred, a readable mark nearly always.
const LEAST_HEIGHT: f32 = 4.2;
/// The same for a part of a large picture: a larger part then tells chance from a mark.
const LEAST_HEIGHT_OF_PART: f32 = 3.9;
/// Height of a pilot in the copy of half the size below which the picture in its own size is not worth the time either.
const LEAST_HOPE: f32 = 3.6;
/// Scales that are tried at most, and of large pictures.
const CANDIDATES: usize = 16;
const CANDIDATES_OF_LARGE: usize = 5;
// A large picture's scale is read on two levels, which the smaller number makes up for.
const _: () = assert!(2 * CANDIDATES_OF_LARGE <= CANDIDATES);

/// Looks for a mark made with `key`, without the unmarked picture.
///
/// `pixels` is `[height, width, 3]`. Errors: [`Error::BufferMismatch`], [`Error::TooLarge`].
pub fn detect(pixels: &[u8], width: u32, height: u32, key: &Key) -> Result<Option<Detection>, Error> {
    let (columns, rows) = checked(pixels, width, height)?;
    if columns.min(rows) < LEAST_SEARCHED {
        return Ok(None);
    }
    let pattern = Pattern::new(key);
    let picture = Picture { pixels, columns, rows, pattern: &pattern };
    let reading = if columns * rows < LARGE { picture.small() } else { picture.large() };
    Ok(reading.map(|reading| Detection { id: reading.id, confidence: reading.agreement }))
}

struct Picture<'a> {
    pixels: &'a [u8],
    columns: usize,
    rows: usize,
    pattern: &'a Pattern,
}

/// A scale at which the pilot stands out.
struct Candidate {
    height: f32,
    /// Pixels of the plane that was searched per pixel of the marked picture.
    scale: f32,
}

/// As many candidates as are tried, highest first.
fn highest<T>(mut candidates: Vec<(Candidate, T)>, most: usize) -> impl Iterator<Item = (Candidate, T)> {
    candidates.sort_by(|(a, _), (b, _)| b.height.total_cmp(&a.height));
    candidates.into_iter().take(most)
}

impl Picture<'_> {
    fn small(&self) -> Option<Reading> {
        let whole = self.luminance();
        let (reading, _) = self.unscaled(&whole, 1.0);
        reading.or_else(|| {
            let candidates = self.search(&whole, [LEAST_SCALE, MOST_SCALE], LEAST_HEIGHT).map(|candidate| (candidate, ()));
            highest(candidates.collect(), CANDIDATES).find_map(|(candidate, ())| self.refined(&whole, candidate.scale).0)
        })
    }

    fn large(&self) -> Option<Reading> {
        let half = Plane::halved(self.pixels, self.columns, self.rows);
        let middle = half.middle(SEARCHED);
        let reading = self.unscaled(&middle, 0.5).0;
        if reading.is_some() {
            return reading;
        }
        let (reading, height) = self.unscaled(&half, 0.5);
        if reading.is_some() {
            return reading;
        }
        let whole = LazyCell::new(|| self.luminance());
        if height > LEAST_HOPE {
            let reading = self.unscaled(&whole, 1.0).0;
            if reading.is_some() {
                return reading;
            }
        }
        let fine = Plane::luminance_of_middle(self.pixels, self.columns, self.rows, SEARCHED);
        let of_half = self.search(&middle, [HALVED_SCALE / 2.0, MOST_SCALE / 2.0], LEAST_HEIGHT_OF_PART);
        let of_whole = self.search(&fine, [LEAST_SCALE, HALVED_SCALE], LEAST_HEIGHT_OF_PART);
        let candidates = of_half.map(|candidate| (candidate, true)).chain(of_whole.map(|candidate| (candidate, false)));
        highest(candidates.collect(), CANDIDATES_OF_LARGE).find_map(|(candidate, is_halved)| {
            if !is_halved {
                return self.refined(&whole, candidate.scale).0;
            }
            let (reading, scale) = self.refined(&half, candidate.scale);
            reading.or_else(|| self.refined(&whole, 2.0 * scale?).0)
        })
    }

    fn luminance(&self) -> Plane {
        Plane::luminance(self.pixels, self.columns, self.rows)
    }

    /// A picture in its own size, whole or cropped, and the height of the pilot in it.
    fn unscaled(&self, plane: &Plane, scale: f32) -> (Option<Reading>, f32) {
        let lines = self.pattern.spectrum.analyse(&View::new(plane, scale, Threads::ONE).fold(scale));
        let peaks = self.pattern.peaks(&lines, PLACES);
        let height = peaks.first().map_or(0.0, |peak| peak.height);
        let read = |peak: Peak| self.pattern.read(&self.pattern.spectrum.unshift(&lines, peak.x, peak.y));
        (self.pattern.read(&lines).or_else(|| peaks.into_iter().find_map(read)), height)
    }

    /// The scales between `from` and `to` at which the pilot stands out.
    fn search(&self, plane: &Plane, [from, to]: [f32; 2], least: f32) -> impl Iterator<Item = Candidate> {
        let side = plane.width.max(plane.height) as f32;
        let mut candidates = Vec::new();
        let mut scale = from;
        let mut view: Option<(f32, View)> = None;
        while scale < to {
            if view.as_ref().is_none_or(|(made_for, _)| scale / made_for >= 1.12) {
                let made_for = scale * 1.12;
                view = Some((made_for, View::new(plane, made_for, Threads::ONE)));
            }
            if let Some((_, view)) = &view {
                let height = self.pattern.peak(&self.pattern.spectrum.analyse(&view.fold(scale))).height;
                if height > least {
                    candidates.push(Candidate { height, scale });
                }
            }
            scale *= 1.0 + step(scale, side);
        }
        candidates.into_iter()
    }

    /// Narrows a scale down on ever larger parts of the picture, then reads the whole. Also gives the scale, if the pilot stands out to
    /// the end: chance does not grow with the part, a mark does.
    fn refined(&self, plane: &Plane, coarse: f32) -> (Option<Reading>, Option<f32>) {
        let pattern = self.pattern;
        let longest = plane.width.max(plane.height);
        let mut scale = coarse;
        // What is larger than the searched part starts with more than that, where chance is told from a mark by few looks.
        let mut side = (2 * SEARCHED).min(longest);
        let mut reach = step(scale, SEARCHED.min(longest) as f32) * 0.75;
        loop {
            let view = View::new(&plane.middle(side), scale, Threads::ONE);
            let looks = if side < longest { 3 } else { 4 };
            let found = (-looks..=looks).map(|at| {
                let tried = scale * (1.0 + reach * at as f32 / looks as f32);
                let lines = pattern.spectrum.analyse(&view.fold(tried));
                (pattern.peak(&lines), tried, lines)
            });
            let Some((peak, best, lines)) = found.max_by(|a, b| a.0.height.total_cmp(&b.0.height)) else { return (None, None) };
            if peak.height < LEAST_HEIGHT {
                return (None, None);
            }
            scale = best;
            if side >= longest {
                let peak = pattern.settle(&lines, peak);
                return (pattern.read(&pattern.spectrum.unshift(&lines, peak.x, peak.y)), Some(scale));
            }
            reach = step(scale, side as f32) * 0.75;
            side = (2 * side).min(longest);
        }
    }
}

/// Relative distance of scales at which the pattern's edges stay within a pixel and a quarter.
fn step(scale: f32, side: f32) -> f32 {
    (5.0 * scale / side).min(0.05)
}
