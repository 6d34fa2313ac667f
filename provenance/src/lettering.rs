use crate::Error;
use ab_glyph::{Font as _, FontRef, OutlinedGlyph, PxScale, ScaleFont as _, point};

const FONT: &[u8] = include_bytes!("../fonts/NotoSansSC-Medium-label.ttf");

/// Coverage from which a pixel counts as ink when a glyph's height is measured.
const INK: f32 = 0.5;

/// A line of text, rasterised.
#[derive(Debug, Clone)]
pub(crate) struct Lettering {
    /// Pixels.
    pub(crate) width: usize,
    /// Pixels.
    pub(crate) height: usize,
    /// How much of each pixel is ink, 0 to 1, `[height, width]`.
    pub(crate) coverage: Vec<f32>,
}

/// Whether the font has every character of `text`.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    let font = font()?;
    let missing = text.chars().find(|&character| font.glyph_id(character).0 == 0);
    match missing {
        Some(character) => Err(Error::GlyphMissing { text: text.to_owned(), character }),
        None => Ok(()),
    }
}

/// Sets `text` in the smallest size at which the ink of *every* letter, digit and ideograph in it is at least `least_ink_height`
/// pixels high. The standard does not say which height it means, and Latin capitals are the lowest of them.
pub(crate) fn set(text: &str, least_ink_height: u32) -> Result<Lettering, Error> {
    let font = font()?;
    let need = least_ink_height as usize;
    // Ink of capitals is about half of the line height that a size means here; the search goes up from below.
    let mut size = least_ink_height as f32;
    loop {
        let glyphs = outline(&font, text, size);
        let lowest = text
            .chars()
            .zip(&glyphs)
            .filter(|(character, _)| character.is_alphanumeric())
            .map(|(_, glyph)| glyph.as_ref().map_or(0, ink_rows))
            .min();
        match lowest {
            Some(lowest) if lowest >= need => return Ok(compose(&glyphs)),
            Some(1..) if size < least_ink_height as f32 * 8.0 => {
                // Far below, jump most of the way; near, creep by a quarter pixel.
                let missing = need as f32 / lowest.unwrap_or(1) as f32;
                size = (size * (1.0 + (missing - 1.0) * 0.8)).max(size + 0.25);
            }
            _ => return Err(Error::FontInvalid),
        }
    }
}

fn font() -> Result<FontRef<'static>, Error> {
    FontRef::try_from_slice(FONT).map_err(|_| Error::FontInvalid)
}

fn outline(font: &FontRef<'_>, text: &str, size: f32) -> Vec<Option<OutlinedGlyph>> {
    let scale = PxScale::from(size);
    let scaled = font.as_scaled(scale);
    let mut pen = 0.0;
    text.chars()
        .map(|character| {
            let id = font.glyph_id(character);
            let glyph = id.with_scale_and_position(scale, point(pen, 0.0));
            pen += scaled.h_advance(id).round();
            font.outline_glyph(glyph)
        })
        .collect()
}

fn ink_rows(glyph: &OutlinedGlyph) -> usize {
    let bounds = glyph.px_bounds();
    let mut inked = vec![false; bounds.height() as usize];
    glyph.draw(|_, y, coverage| {
        if coverage >= INK
            && let Some(row) = inked.get_mut(y as usize)
        {
            *row = true;
        }
    });
    let first = inked.iter().position(|row| *row);
    let last = inked.iter().rposition(|row| *row);
    first.zip(last).map_or(0, |(first, last)| last - first + 1)
}

fn compose(glyphs: &[Option<OutlinedGlyph>]) -> Lettering {
    let all = || glyphs.iter().flatten().map(OutlinedGlyph::px_bounds);
    let left = all().map(|bounds| bounds.min.x).fold(f32::MAX, f32::min);
    let top = all().map(|bounds| bounds.min.y).fold(f32::MAX, f32::min);
    let right = all().map(|bounds| bounds.max.x).fold(f32::MIN, f32::max);
    let bottom = all().map(|bounds| bounds.max.y).fold(f32::MIN, f32::max);
    // Floats saturate on conversion, so no glyphs give an empty lettering.
    let (width, height) = ((right - left) as usize, (bottom - top) as usize);
    let mut coverage = vec![0.0_f32; width.saturating_mul(height)];
    for glyph in glyphs.iter().flatten() {
        let bounds = glyph.px_bounds();
        let (x_offset, y_offset) = ((bounds.min.x - left) as usize, (bounds.min.y - top) as usize);
        glyph.draw(|x, y, ink| {
            let index = (y as usize + y_offset) * width + x as usize + x_offset;
            if let Some(pixel) = coverage.get_mut(index) {
                *pixel = pixel.max(ink.clamp(0.0, 1.0));
            }
        });
    }
    Lettering { width, height, coverage }
}
