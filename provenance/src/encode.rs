use crate::{Error, png};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{ExtendedColorType, ImageDecoder as _, ImageEncoder as _};
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

/// Whether `bytes` decode to `picture`: to the same pixels in the lossless formats, to the same size in JPEG.
pub(crate) fn decodes_to(bytes: &[u8], picture: &Picture, format: FileFormat) -> Result<bool, Error> {
    let codec = match format {
        FileFormat::Png => image::ImageFormat::Png,
        FileFormat::Jpeg => image::ImageFormat::Jpeg,
        FileFormat::Webp => image::ImageFormat::WebP,
        other => return Err(Error::NotAPictureFormat(other)),
    };
    let decoded = image::load_from_memory_with_format(bytes, codec)?.into_rgb8();
    let same_size = decoded.dimensions() == (picture.width(), picture.height());
    Ok(same_size && (format == FileFormat::Jpeg || decoded.as_raw() == picture.pixels()))
}

/// Largest side and memory of a picture that is decoded to look for its watermark.
const MAXIMUM_SIDE: u32 = 16_384;
const MAXIMUM_BYTES: u64 = 1 << 30;

/// The pixels of a picture file of any supported format, turned as its EXIF says and with transparency on white; nothing where it is
/// damaged or absurdly large.
pub(crate) fn decode(bytes: &[u8]) -> Option<image::RgbImage> {
    decode_turned(bytes).map(|(picture, _)| picture)
}

/// As [`decode`], and whether the picture was turned.
pub(crate) fn decode_turned(bytes: &[u8]) -> Option<(image::RgbImage, bool)> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAXIMUM_SIDE);
    limits.max_image_height = Some(MAXIMUM_SIDE);
    limits.max_alloc = Some(MAXIMUM_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = image::DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    let turned = orientation != Orientation::NoTransforms;
    if !picture.color().has_alpha() {
        return Some((picture.into_rgb8(), turned));
    }
    let transparent = picture.into_rgba8();
    let (width, height) = transparent.dimensions();
    let over_white = |pixel: &[u8]| match pixel {
        [colour @ .., alpha] => colour
            .iter()
            .map(|level| (u16::from(*level) * u16::from(*alpha) + 255 * (255 - u16::from(*alpha)) + 127) / 255)
            .map(|level| level as u8)
            .collect(),
        [] => Vec::new(),
    };
    let flat = image::RgbImage::from_raw(width, height, transparent.as_raw().chunks_exact(4).flat_map(over_white).collect())?;
    Some((flat, turned))
}

/// The pixels at another size, by a filter that keeps edges; unchanged at the same size.
pub(crate) fn scale(picture: image::RgbImage, (width, height): (u32, u32)) -> Result<Picture, Error> {
    let scaled = if picture.dimensions() == (width, height) { picture } else { resize(&picture, width, height, FilterType::Lanczos3) };
    Picture::new(width, height, scaled.into_raw()).map_err(|_| Error::EmbeddingFailed)
}
