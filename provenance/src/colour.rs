//! What the numbers of a picture's pixels mean: ICC profiles, and what PNG has besides.

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, GenericImageView as _, ImageBuffer, Pixel, PixelWithColorType};
use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, MatrixCoefficients,
    TransferCharacteristics, TransformOptions, XyY, curve_from_gamma,
};
use std::io::{Read as _, Write as _};

/// Longest profile that is unpacked or read: those of printers reach a few megabytes.
const MOST_PROFILE: u64 = 16 << 20;
/// The exponent, times 100,000, that stands for sRGB's curve in PNG files, and how far from it a writer's rounding may lie.
const SRGB_GAMMA: u32 = 45_455;
const ROUNDING: u32 = 500;

/// What the numbers of the pixels mean. Where a file says nothing, they are sRGB.
#[derive(Debug, Clone, Default)]
pub(crate) struct Colours {
    icc: Option<Vec<u8>>,
    /// Chunks of a PNG file, whole, in their order.
    chunks: Vec<u8>,
    /// What the chunks say where it is no profile.
    stated: Option<Stated>,
}

/// A statement about colours that only PNG has.
#[derive(Debug, Clone, Copy)]
enum Stated {
    /// Code points of ITU-T H.273: primaries and transfer.
    Codes { primaries: u8, transfer: u8 },
    /// The exponent times 100,000, and x and y of white, red, green and blue, times 100,000 too.
    Gamma { exponent: Option<u32>, points: Option<[u32; 8]> },
}

impl Colours {
    pub(crate) fn of_profile(icc: Option<Vec<u8>>) -> Self {
        Self { icc, ..Self::default() }
    }

    /// Of a PNG file with these chunks.
    pub(crate) fn of_png(chunks: &[&[u8]]) -> Self {
        let find = |kind: &[u8; 4]| {
            chunks.iter().find(|chunk| chunk.get(4..8) == Some(kind)).and_then(|chunk| chunk.get(8..chunk.len().checked_sub(4)?))
        };
        let number = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let gamma = find(b"gAMA").and_then(number);
        let points = find(b"cHRM").and_then(|data| {
            let mut points = [0; 8];
            for (point, bytes) in points.iter_mut().zip(data.chunks_exact(4)) {
                *point = number(bytes)?;
            }
            (data.len() == 32).then_some(points)
        });
        // The order of precedence of clause 13.14.
        let (icc, stated) = match (find(b"cICP"), find(b"iCCP").and_then(unpacked), find(b"sRGB")) {
            (Some([primaries, transfer, ..]), ..) => (None, Some(Stated::Codes { primaries: *primaries, transfer: *transfer })),
            (_, Some(icc), _) => (Some(icc), None),
            (.., Some(_)) => (None, None),
            _ if gamma.is_some() || points.is_some() => (None, Some(Stated::Gamma { exponent: gamma, points })),
            _ => (None, None),
        };
        Self { icc, chunks: chunks.concat(), stated }
    }

    /// The profile to convert by; nothing where the numbers are sRGB, or what they are cannot be read.
    fn profile(&self) -> Option<ColorProfile> {
        match self.stated {
            Some(Stated::Codes { primaries, transfer }) => {
                let profile = CicpProfile {
                    color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
                    transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
                    matrix_coefficients: MatrixCoefficients::Identity,
                    full_range: true,
                };
                let is_srgb = (primaries, transfer) == (1, 13);
                (!is_srgb).then(|| ColorProfile::new_from_cicp(profile))
            }
            Some(Stated::Gamma { exponent, points }) => by_gamma(exponent, points),
            None => ColorProfile::new_from_slice(self.icc.as_deref().filter(|icc| icc.len() as u64 <= MOST_PROFILE)?).ok(),
        }
    }

    /// The pixels in sRGB, as RGB of eight bits a channel, on white.
    pub(crate) fn as_seen(&self, pixels: DynamicImage) -> Vec<u8> {
        on_white(self.in_srgb(pixels).0).into_rgb8().into_raw()
    }

    /// The pixels in sRGB, and whether they were changed for it.
    pub(crate) fn in_srgb(&self, pixels: DynamicImage) -> (DynamicImage, bool) {
        let converted = self.profile().and_then(|profile| converted(&pixels, &profile));
        match converted {
            Some(converted) => (converted, true),
            None => (pixels, false),
        }
    }

    /// The profile, where it is one for pixels of that kind and the other formats can carry it.
    pub(crate) fn profile_for(&self, pixels: &DynamicImage) -> Option<&[u8]> {
        let space: &[u8] = if pixels.color().has_color() { b"RGB " } else { b"GRAY" };
        self.icc.as_deref().filter(|icc| icc.get(16..20) == Some(space))
    }

    /// Whether pixels of that kind mean something else without this.
    pub(crate) fn matters(&self) -> bool {
        self.icc.is_some() || self.stated.is_some()
    }

    /// What a PNG file says of its pixels' colours, as chunks.
    pub(crate) fn png_chunks(&self, pixels: &DynamicImage) -> Vec<u8> {
        if !self.chunks.is_empty() {
            return self.chunks.clone();
        }
        self.profile_for(pixels).and_then(packed).unwrap_or_default()
    }
}

/// The profile in an iCCP chunk: a name, the method of compression, and zlib's stream.
fn unpacked(data: &[u8]) -> Option<Vec<u8>> {
    let name = data.iter().position(|byte| *byte == 0)?;
    let stream = data.get(name + 2..)?;
    let mut profile = Vec::new();
    ZlibDecoder::new(stream).take(MOST_PROFILE).read_to_end(&mut profile).ok()?;
    Some(profile)
}

/// An iCCP chunk with that profile.
fn packed(profile: &[u8]) -> Option<Vec<u8>> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::default());
    stream.write_all(profile).ok()?;
    let content = [b"iCCPICC profile\0\0".as_slice(), &stream.finish().ok()?].concat();
    let length = u32::try_from(content.len() - 4).ok()?;
    Some([&length.to_be_bytes(), content.as_slice(), &crc32fast::hash(&content).to_be_bytes()].concat())
}

/// An RGB space with that exponent and those points, where it differs from sRGB.
fn by_gamma(exponent: Option<u32>, points: Option<[u32; 8]>) -> Option<ColorProfile> {
    /// sRGB's own, as PNG files have them.
    const SRGB_POINTS: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
    let exponent = exponent.filter(|exponent| *exponent != 0 && exponent.abs_diff(SRGB_GAMMA) > ROUNDING);
    let points = points.filter(|points| points.iter().zip(SRGB_POINTS).any(|(point, srgb)| point.abs_diff(srgb) > ROUNDING));
    if exponent.is_none() && points.is_none() {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    // sRGB's own code points would count for more than what follows.
    profile.cicp = None;
    if let Some(exponent) = exponent {
        let curve = Some(curve_from_gamma(100_000.0 / exponent as f32));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    }
    if let Some(points) = points {
        let share = |point: u32| point as f32 / 100_000.0;
        let [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] = points.map(share);
        let point = |x, y| Chromaticity { x, y };
        if [white_y, red_y, green_y, blue_y].contains(&0.0) {
            return None;
        }
        let primaries = ColorPrimaries { red: point(red_x, red_y), green: point(green_x, green_y), blue: point(blue_x, blue_y) };
        profile.update_rgb_colorimetry(XyY { x: white_x.into(), y: white_y.into(), yb: 1.0 }, primaries);
    }
    Some(profile)
}

/// The pixels in sRGB, at their own depth and with their transparency; nothing where the profile is not for such pixels.
fn converted(pixels: &DynamicImage, profile: &ColorProfile) -> Option<DynamicImage> {
    let is_grey = match profile.color_space {
        DataColorSpace::Rgb => false,
        DataColorSpace::Gray if !pixels.color().has_color() => true,
        _ => return None,
    };
    let (from, to) = match (is_grey, pixels.color().has_alpha()) {
        (true, false) => (Layout::Gray, Layout::Rgb),
        (true, true) => (Layout::GrayAlpha, Layout::Rgba),
        (false, false) => (Layout::Rgb, Layout::Rgb),
        (false, true) => (Layout::Rgba, Layout::Rgba),
    };
    let (srgb, options, size) = (ColorProfile::new_srgb(), TransformOptions::default(), pixels.dimensions());
    let has_alpha = to == Layout::Rgba;
    if is_deep(pixels) {
        let source = match (from, pixels) {
            (Layout::Gray, _) => pixels.to_luma16().into_raw(),
            (Layout::GrayAlpha, _) => pixels.to_luma_alpha16().into_raw(),
            (Layout::Rgb, _) => pixels.to_rgb16().into_raw(),
            _ => pixels.to_rgba16().into_raw(),
        };
        let transform = profile.create_transform_16bit(from, &srgb, to, options).ok()?;
        let mut target = vec![0; target_length(size, has_alpha)];
        transform.transform(&source, &mut target).ok()?;
        if has_alpha {
            buffer::<image::Rgba<u16>>(size, target).map(Into::into)
        } else {
            buffer::<image::Rgb<u16>>(size, target).map(Into::into)
        }
    } else {
        let source = match from {
            Layout::Gray => pixels.to_luma8().into_raw(),
            Layout::GrayAlpha => pixels.to_luma_alpha8().into_raw(),
            Layout::Rgb => pixels.to_rgb8().into_raw(),
            _ => pixels.to_rgba8().into_raw(),
        };
        let transform = profile.create_transform_8bit(from, &srgb, to, options).ok()?;
        let mut target = vec![0; target_length(size, has_alpha)];
        transform.transform(&source, &mut target).ok()?;
        if has_alpha {
            buffer::<image::Rgba<u8>>(size, target).map(Into::into)
        } else {
            buffer::<image::Rgb<u8>>(size, target).map(Into::into)
        }
    }
}

fn target_length((width, height): (u32, u32), has_alpha: bool) -> usize {
    width as usize * height as usize * if has_alpha { 4 } else { 3 }
}

fn buffer<P: Pixel + PixelWithColorType>(
    (width, height): (u32, u32),
    samples: Vec<P::Subpixel>,
) -> Option<ImageBuffer<P, Vec<P::Subpixel>>> {
    ImageBuffer::from_raw(width, height, samples)
}

/// Whether the pixels have more than eight bits a channel.
pub(crate) fn is_deep(pixels: &DynamicImage) -> bool {
    pixels.color().bytes_per_pixel() > pixels.color().channel_count()
}

/// Whether something shines through anywhere.
pub(crate) fn is_transparent(pixels: &DynamicImage) -> bool {
    match pixels {
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().any(|pixel| pixel.0[1] != u8::MAX),
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().any(|pixel| pixel.0[3] != u8::MAX),
        DynamicImage::ImageLumaA16(pixels) => pixels.pixels().any(|pixel| pixel.0[1] != u16::MAX),
        DynamicImage::ImageRgba16(pixels) => pixels.pixels().any(|pixel| pixel.0[3] != u16::MAX),
        _ => false,
    }
}

/// Without transparency, of eight bits a channel where it had one: what shines through is white.
pub(crate) fn on_white(pixels: DynamicImage) -> DynamicImage {
    if !pixels.color().has_alpha() {
        return pixels;
    }
    let pixels = pixels.into_rgba8();
    let (width, height) = pixels.dimensions();
    let mut flat = image::RgbImage::new(width, height);
    for (target, pixel) in flat.pixels_mut().zip(pixels.pixels()) {
        let [red, green, blue, alpha] = pixel.0;
        let alpha = u32::from(alpha);
        target.0 = [red, green, blue].map(|level| ((u32::from(level) * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    flat.into()
}
