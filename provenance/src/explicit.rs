use crate::Error;
use crate::colour::{self, Colours};
use crate::contrast::{LEAST_CONTRAST, Luminance, ratio};
use crate::lettering::{self, Lettering};
use image::DynamicImage;
use spec::Picture;

/// GB 45438-2025 §5.2: the text is at least 5 % of the shortest side high.
const LEAST_SHARE_PERCENT: u32 = 5;
/// Pixels. Below this the strokes of 成 run together, whatever the share.
const LEAST_INK_HEIGHT: u32 = 12;
/// Opacity of the plate: on it, white text has a contrast of at least 4.5 with whatever lies beneath a black plate (0.534
/// would do), and black text on a white one (0.456).
const PLATE_OPACITY: f32 = 0.55;

const BLACK: u8 = 0;
const WHITE: u8 = 255;

/// Where the label stands: GB 45438-2025 §5.2 asks for an edge or a corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Corner {
    LowerRight,
    LowerLeft,
}

/// What goes beneath the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plate {
    /// A translucent plate where the text would not read without.
    WhereNeeded,
    /// One that hides what it covers, such as an earlier label.
    Solid,
}

/// Draws `text` into that corner.
///
/// Black or white, whichever reads better there. Where some pixel under it would come nearer than [`LEAST_CONTRAST`], a translucent
/// plate of the opposite colour goes beneath; on a flat area it never has to, as one of the two always reads.
pub(crate) fn draw(picture: &mut Picture, text: &str, corner: Corner, plate: Plate) -> Result<(), Error> {
    let (layout, lettering) = lay_out_in(corner, picture.width(), picture.height(), text)?;
    let ink = choose_ink(&layout.cut(picture.pixels()));
    layout.draw(Pixels { samples: picture.pixels_mut(), channels: RGB, has_alpha: false }, &lettering, plate, &ink);
    Ok(())
}

/// Draws `text` as [`draw`] does into pixels of any kind, whose colours mean what `colours` says. Where something shines through, a plate
/// that hides it goes beneath, since nobody knows on what the picture will lie.
pub(crate) fn draw_on(pixels: &mut DynamicImage, colours: &Colours, text: &str, corner: Corner, plate: Plate) -> Result<(), Error> {
    let (layout, lettering) = lay_out_in(corner, pixels.width(), pixels.height(), text)?;
    let beneath = pixels.crop_imm(layout.left as u32, layout.top as u32, layout.width as u32, layout.height as u32);
    let plate = if colour::is_transparent(&beneath) { Plate::Solid } else { plate };
    let ink = choose_ink(&colours.as_seen(beneath));
    macro_rules! draw_by_kind {
        ($($kind:ident $channels:literal $has_alpha:literal,)*) => {
            match pixels {
                $(DynamicImage::$kind(pixels) => {
                    layout.draw(Pixels { samples: &mut **pixels, channels: $channels, has_alpha: $has_alpha }, &lettering, plate, &ink);
                })*
                // No decoder of ours makes others.
                _ => return Err(Error::EmbeddingFailed),
            }
        };
    }
    draw_by_kind! {
        ImageLuma8 1 false, ImageLumaA8 2 true, ImageRgb8 3 false, ImageRgba8 4 true,
        ImageLuma16 1 false, ImageLumaA16 2 true, ImageRgb16 3 false, ImageRgba16 4 true,
    }
    Ok(())
}

/// Where `text` goes in that corner, and its letters.
fn lay_out_in(corner: Corner, width: u32, height: u32, text: &str) -> Result<(Layout, Lettering), Error> {
    let (mut layout, lettering) = lay_out(width, height, text)?;
    if corner == Corner::LowerLeft {
        layout.left = Layout::margin(least_ink_height(width, height));
    }
    Ok((layout, lettering))
}

/// Where `text` goes on a `width × height` picture, and its letters; an error if the picture is too small for it.
pub(crate) fn lay_out(width: u32, height: u32, text: &str) -> Result<(Layout, Lettering), Error> {
    let ink_height = least_ink_height(width, height);
    let lettering = lettering::set(text, ink_height)?;
    let Some(layout) = Layout::new((width, height), &lettering, ink_height) else {
        let (needed_width, needed_height) = Layout::needed(&lettering, ink_height);
        return Err(Error::PictureTooSmall {
            width,
            height,
            text: text.to_owned(),
            needed_width: needed_width as u32,
            needed_height: needed_height as u32,
        });
    };
    Ok((layout, lettering))
}

/// Pixels of ink that a `width × height` picture asks for.
pub(crate) fn least_ink_height(width: u32, height: u32) -> u32 {
    let share = u64::from(width.min(height)) * u64::from(LEAST_SHARE_PERCENT);
    LEAST_INK_HEIGHT.max(share.div_ceil(100) as u32)
}

/// Where the label goes. The plate is the text's box and `padding` around it, `margin` away from the edges.
pub(crate) struct Layout {
    picture_width: usize,
    /// Upper left corner of the plate.
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    padding: usize,
}

impl Layout {
    fn padding(ink_height: u32) -> usize {
        (ink_height as usize / 4).max(2)
    }

    fn margin(ink_height: u32) -> usize {
        (ink_height as usize / 5).max(2)
    }

    fn needed(lettering: &Lettering, ink_height: u32) -> (usize, usize) {
        let around = 2 * (Self::padding(ink_height) + Self::margin(ink_height));
        (lettering.width + around, lettering.height + around)
    }

    fn new((width, height): (u32, u32), lettering: &Lettering, ink_height: u32) -> Option<Self> {
        let (padding, margin) = (Self::padding(ink_height), Self::margin(ink_height));
        let (needed_width, needed_height) = Self::needed(lettering, ink_height);
        let (picture_width, picture_height) = (width as usize, height as usize);
        Some(Self {
            picture_width,
            left: picture_width.checked_sub(needed_width)? + margin,
            top: picture_height.checked_sub(needed_height)? + margin,
            width: needed_width - 2 * margin,
            height: needed_height - 2 * margin,
            padding,
        })
    }

    /// The plate's pixels of an RGB picture.
    fn cut(&self, pixels: &[u8]) -> Vec<u8> {
        let rows = pixels.chunks_exact(self.picture_width * RGB).skip(self.top).take(self.height);
        rows.flat_map(|row| row.chunks_exact(RGB).skip(self.left).take(self.width)).flatten().copied().collect()
    }

    fn draw<S: Sample>(&self, mut pixels: Pixels<'_, S>, lettering: &Lettering, plate: Plate, ink: &Ink) {
        match (plate, ink.plate) {
            (Plate::Solid, _) => self.draw_plate(&mut pixels, BLACK + WHITE - ink.text, 1.0),
            (Plate::WhereNeeded, Some(level)) => self.draw_plate(&mut pixels, level, PLATE_OPACITY),
            (Plate::WhereNeeded, None) => {}
        }
        self.draw_text(&mut pixels, lettering, ink.text);
    }

    /// Calls `blend` with each pixel of the plate and its place within it.
    fn for_each<S>(&self, pixels: &mut Pixels<'_, S>, mut blend: impl FnMut(&mut [S], usize, usize)) {
        let channels = pixels.channels;
        let rows = pixels.samples.chunks_exact_mut(self.picture_width * channels);
        for (y, row) in rows.skip(self.top).take(self.height).enumerate() {
            let columns = row.chunks_exact_mut(channels).skip(self.left).take(self.width);
            for (x, pixel) in columns.enumerate() {
                blend(pixel, x, y);
            }
        }
    }

    fn draw_plate<S: Sample>(&self, pixels: &mut Pixels<'_, S>, level: u8, opacity: f32) {
        // Corners as round as the padding is wide leave the text's own box covered.
        let (radius, has_alpha) = (self.padding as f32, pixels.has_alpha);
        self.for_each(pixels, |pixel, x, y| {
            let inset = |at: usize, length: usize| {
                let from_edge = at.min(length - 1 - at) as f32 + 0.5;
                (radius - from_edge).max(0.0)
            };
            let distance = inset(x, self.width).hypot(inset(y, self.height));
            let coverage = (radius + 0.5 - distance).clamp(0.0, 1.0);
            blend(pixel, has_alpha, level, opacity * coverage);
        });
    }

    fn draw_text<S: Sample>(&self, pixels: &mut Pixels<'_, S>, lettering: &Lettering, level: u8) {
        let has_alpha = pixels.has_alpha;
        self.for_each(pixels, |pixel, x, y| {
            let (Some(column), Some(row)) = (x.checked_sub(self.padding), y.checked_sub(self.padding)) else {
                return;
            };
            if column < lettering.width
                && let Some(coverage) = lettering.coverage.get(row * lettering.width + column)
            {
                blend(pixel, has_alpha, level, *coverage);
            }
        });
    }
}

/// Channels of an RGB picture.
const RGB: usize = 3;

/// Pixels to draw on, row by row, their channels side by side, transparency last.
struct Pixels<'a, S> {
    samples: &'a mut [S],
    channels: usize,
    has_alpha: bool,
}

/// A channel's level, of eight or sixteen bits.
trait Sample: Copy {
    /// The level of white.
    const MOST: f32;
    fn level(self) -> f32;
    fn of(level: f32) -> Self;
}

impl Sample for u8 {
    const MOST: f32 = 255.0;

    fn level(self) -> f32 {
        f32::from(self)
    }

    fn of(level: f32) -> Self {
        level.round() as Self
    }
}

impl Sample for u16 {
    const MOST: f32 = 65_535.0;

    fn level(self) -> f32 {
        f32::from(self)
    }

    fn of(level: f32) -> Self {
        level.round() as Self
    }
}

/// `level` is of eight bits: black or white, whatever the pixel's own depth.
fn blend<S: Sample>(pixel: &mut [S], has_alpha: bool, level: u8, opacity: f32) {
    let level = f32::from(level) * (S::MOST / 255.0);
    let (colours, alpha) = if has_alpha { pixel.split_at_mut(pixel.len() - 1) } else { (pixel, &mut [][..]) };
    let beneath = alpha.first().map_or(1.0, |alpha| alpha.level() / S::MOST);
    // What was there counts as much as it covers (Porter and Duff's "over"); all of it, where it covers all.
    let kept = beneath * (1.0 - opacity);
    let covered = kept + opacity;
    if covered > 0.0 {
        for channel in colours {
            let mixed = channel.level() * kept + level * opacity;
            *channel = S::of(if has_alpha { mixed / covered } else { mixed });
        }
        if let Some(alpha) = alpha.first_mut() {
            *alpha = S::of(covered * S::MOST);
        }
    }
}

/// Levels of the text and, if it needs one, of the plate.
struct Ink {
    text: u8,
    plate: Option<u8>,
}

/// For the plate's pixels as people see them, RGB.
fn choose_ink(seen: &[u8]) -> Ink {
    let luminance = Luminance::new();
    // Pixels too near to the colour, and the sum of contrasts, for each colour.
    let (mut near_black, mut near_white) = (0_usize, 0_usize);
    let (mut black_sum, mut white_sum) = (0.0_f64, 0.0_f64);
    for pixel in seen.chunks_exact(RGB) {
        let here = luminance.of(pixel);
        let (black, white) = (ratio(here, 0.0), ratio(here, 1.0));
        near_black += usize::from(black < LEAST_CONTRAST);
        near_white += usize::from(white < LEAST_CONTRAST);
        black_sum += f64::from(black);
        white_sum += f64::from(white);
    }
    let prefers_white = near_white < near_black || near_white == near_black && white_sum >= black_sum;
    let (text, opposite, near) = if prefers_white { (WHITE, BLACK, near_white) } else { (BLACK, WHITE, near_black) };
    Ink { text, plate: (near > 0).then_some(opposite) }
}
