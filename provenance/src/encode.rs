use crate::colour::{self, Colours};
use crate::decode::{self, MOST_SIDE, PictureFault};
use crate::loss::Loss;
use crate::{Error, png};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, Rgba32FImage};
use spec::{FileFormat, Picture, Threads};

/// High enough that the explicit label keeps clean edges and blocks do not show.
const JPEG_QUALITY: u8 = 95;

/// The picture's file, without metadata. PNG and WebP keep every pixel. Deterministic, on any number of threads, of which PNG alone uses
/// more than one.
pub(crate) fn encode(picture: &Picture, format: FileFormat, threads: Threads) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let (pixels, width, height) = (picture.pixels(), picture.width(), picture.height());
    let colour = ExtendedColorType::Rgb8;
    match format {
        FileFormat::Png => bytes = png::encode(picture, threads).ok_or(Error::EmbeddingFailed)?,
        FileFormat::Jpeg => {
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(pixels, width, height, colour)?;
        }
        FileFormat::Webp => WebPEncoder::new_lossless(&mut bytes).write_image(pixels, width, height, colour)?,
        other => return Err(Error::NotAPictureFormat(other)),
    }
    Ok(bytes)
}

/// Pixels as a format can hold them, and what that cost.
pub(crate) struct Fitted {
    pub(crate) pixels: DynamicImage,
    pub(crate) colours: Colours,
    pub(crate) losses: Vec<Loss>,
}

/// The pixels of a picture as files of `format` can hold them: with their depth, transparency and profile where it has a place for these, and in
/// sRGB where it has none for what says what the colours mean.
pub(crate) fn fit_to(format: FileFormat, pixels: DynamicImage, colours: Colours) -> Fitted {
    if format == FileFormat::Png && (!colours.matters() || !colours.png_chunks(&pixels).is_empty()) {
        return Fitted { pixels, colours, losses: Vec::new() };
    }
    let mut losses = Vec::new();
    // WebP has no grey pixels, so that a profile for them has no place in it.
    let is_kept = colours.profile_for(&pixels).is_some() && (format == FileFormat::Jpeg || pixels.color().has_color());
    let (mut pixels, colours) = if is_kept || !colours.matters() {
        (pixels, colours)
    } else {
        let (converted, changed) = colours.in_srgb(pixels);
        losses.extend(changed.then_some(Loss::ColourSpace));
        (converted, Colours::default())
    };
    if format == FileFormat::Png {
        return Fitted { pixels, colours, losses };
    }
    if colour::is_deep(&pixels) {
        losses.push(Loss::Depth);
    }
    if format == FileFormat::Jpeg {
        losses.extend(colour::is_transparent(&pixels).then_some(Loss::Transparency));
        pixels = colour::on_white(pixels);
    }
    let pixels = match format {
        FileFormat::Jpeg if !pixels.color().has_color() => pixels.into_luma8().into(),
        FileFormat::Webp if pixels.color().has_alpha() => pixels.into_rgba8().into(),
        _ => pixels.into_rgb8().into(),
    };
    Fitted { pixels, colours, losses }
}

/// The file of pixels that [`fit_to`] fitted to that format, with what says what their colours mean.
pub(crate) fn encode_fitted(pixels: &DynamicImage, colours: &Colours, format: FileFormat) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let profile = colours.profile_for(pixels).map(<[u8]>::to_vec);
    match format {
        FileFormat::Png => {
            let (width, height) = (pixels.width(), pixels.height());
            if let DynamicImage::ImageRgb8(pixels) = pixels {
                bytes = png::encode_pixels(pixels.as_raw(), width, height, Threads::ONE).ok_or(Error::EmbeddingFailed)?;
            } else {
                // Of the encoder's settings the one that is nearest to ours in time and size.
                let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Level(3), PngFilter::Adaptive);
                pixels.write_with_encoder(encoder)?;
            }
            return png::with_chunks(&bytes, &colours.png_chunks(pixels)).ok_or(Error::EmbeddingFailed);
        }
        FileFormat::Jpeg => write_with(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY), profile, pixels)?,
        FileFormat::Webp => write_with(WebPEncoder::new_lossless(&mut bytes), profile, pixels)?,
        other => return Err(Error::NotAPictureFormat(other)),
    }
    Ok(bytes)
}

fn write_with(mut encoder: impl ImageEncoder, profile: Option<Vec<u8>>, pixels: &DynamicImage) -> Result<(), Error> {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).map_err(|_| Error::EmbeddingFailed)?;
    }
    Ok(pixels.write_with_encoder(encoder)?)
}

/// The pixels at another size, by a filter that keeps edges; unchanged at the same size.
pub(crate) fn scale(pixels: DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage, Error> {
    if (pixels.width(), pixels.height()) == (width, height) {
        return Ok(pixels);
    }
    decode::check_size(width, height, pixels.color().bytes_per_pixel()).map_err(Error::PictureUnreadable)?;
    if width.max(height) > MOST_SIDE {
        return Err(Error::PictureUnreadable(PictureFault::TooLarge { width, height }));
    }
    if !pixels.color().has_alpha() {
        return Ok(pixels.resize_exact(width, height, FilterType::Lanczos3));
    }
    // What cannot be seen must not bleed into what can: colours count as much as they cover.
    let kind = pixels.color();
    let mut floats: Rgba32FImage = pixels.into_rgba32f();
    for pixel in floats.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        pixel.0 = [red * alpha, green * alpha, blue * alpha, alpha];
    }
    let mut scaled = image::imageops::resize(&floats, width, height, FilterType::Lanczos3);
    for pixel in scaled.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let share = |level: f32| if alpha > 0.0 { (level / alpha).clamp(0.0, 1.0) } else { 0.0 };
        pixel.0 = [share(red), share(green), share(blue), alpha.clamp(0.0, 1.0)];
    }
    let scaled = DynamicImage::from(scaled);
    Ok(match kind {
        image::ColorType::La8 => scaled.into_luma_alpha8().into(),
        image::ColorType::La16 => scaled.into_luma_alpha16().into(),
        image::ColorType::Rgba16 => scaled.into_rgba16().into(),
        _ => scaled.into_rgba8().into(),
    })
}
