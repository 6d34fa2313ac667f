use crate::pattern::{Pattern, Peak, Reading};
use crate::size::checked;
use crate::view::{Plane, View};
use crate::{Error, Id, Key};
use spec::Threads;

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
pub const MOST_READINGS: usize = (1 + PLACES + CANDIDATES) * crate::polar::LIST;

/// Places of the pilot that are tried at scale 1.
const PLACES: usize = 3;
/// A side, in pixels, shorter than which nothing is found: half of the tile.
const LEAST_SEARCHED: usize = 32;
/// A little more than the promised 0.5 to 2.
const LEAST_SCALE: f32 = 0.45;
const MOST_SCALE: f32 = 2.2;
/// Pixels each way in which scales are searched at first.
const SEARCHED: usize = 512;
/// Height of a pilot that is worth decoding: chance alone reaches it in one map of a few hundred, a readable mark nearly always.
const LEAST_HEIGHT: f32 = 4.2;
/// Scales that are tried at most.
const CANDIDATES: usize = 24;

/// Looks for a mark made with `key`, without the unmarked picture.
///
/// `pixels` is `[height, width, 3]`. Errors: [`Error::BufferMismatch`], [`Error::TooLarge`].
pub fn detect(pixels: &[u8], width: u32, height: u32, key: &Key) -> Result<Option<Detection>, Error> {
    let (columns, rows) = checked(pixels, width, height)?;
    if columns.min(rows) < LEAST_SEARCHED {
        return Ok(None);
    }
    let plane = Plane::luminance(pixels, columns, rows);
    let pattern = Pattern::new(key);
    let reading = unscaled(&plane, &pattern).or_else(|| scaled(&plane, &pattern));
    Ok(reading.map(|reading| Detection { id: reading.id, confidence: reading.agreement }))
}

/// The picture in its own size, whole or cropped.
fn unscaled(plane: &Plane, pattern: &Pattern) -> Option<Reading> {
    let lines = pattern.spectrum.analyse(&View::new(plane, 1.0, Threads::ONE).fold(1.0));
    let read = |peak: Peak| pattern.read(&pattern.spectrum.unshift(&lines, peak.x, peak.y));
    pattern.read(&lines).or_else(|| pattern.peaks(&lines, PLACES).into_iter().find_map(read))
}

fn scaled(plane: &Plane, pattern: &Pattern) -> Option<Reading> {
    let middle = plane.middle(SEARCHED);
    let side = middle.width.max(middle.height) as f32;
    let mut candidates: Vec<(f32, f32)> = Vec::new();
    let mut scale = LEAST_SCALE;
    let mut view: Option<(f32, View)> = None;
    while scale < MOST_SCALE {
        let suits = view.as_ref().is_some_and(|(made_for, _)| scale / made_for < 1.12);
        if !suits {
            let made_for = scale * 1.12;
            view = Some((made_for, View::new(&middle, made_for, Threads::ONE)));
        }
        if let Some((_, view)) = &view {
            let lines = pattern.spectrum.analyse(&view.fold(scale));
            candidates.extend(pattern.peaks(&lines, 1).iter().map(|peak| (peak.height, scale)));
        }
        scale *= 1.0 + step(scale, side);
    }
    candidates.retain(|candidate| candidate.0 > LEAST_HEIGHT);
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    candidates.truncate(CANDIDATES);
    candidates.into_iter().find_map(|(_, scale)| refined(plane, pattern, scale))
}

/// Relative distance of scales at which the pattern's edges stay within a pixel and a quarter.
fn step(scale: f32, side: f32) -> f32 {
    (5.0 * scale / side).min(0.05)
}

/// Narrows a scale down on ever larger parts of the picture, then reads the whole.
fn refined(plane: &Plane, pattern: &Pattern, coarse: f32) -> Option<Reading> {
    let longest = plane.width.max(plane.height);
    let mut scale = coarse;
    let mut side = SEARCHED.min(longest);
    let mut view = View::new(&plane.middle(side), scale, Threads::ONE);
    let mut best;
    loop {
        let reach = step(scale, side as f32) * 0.75;
        let found = (-4..=4).filter_map(|at| {
            let tried = scale * (1.0 + reach * at as f32 / 4.0);
            let lines = pattern.spectrum.analyse(&view.fold(tried));
            let peak = pattern.peaks(&lines, 1).first().copied()?;
            Some((peak, tried, lines))
        });
        best = found.max_by(|a, b| a.0.height.total_cmp(&b.0.height))?;
        scale = best.1;
        if side >= longest {
            break;
        }
        side = (2 * side).min(longest);
        view = View::new(&plane.middle(side), scale, Threads::ONE);
    }
    let (peak, _, lines) = best;
    let peak = pattern.settle(&lines, peak);
    pattern.read(&pattern.spectrum.unshift(&lines, peak.x, peak.y))
}
