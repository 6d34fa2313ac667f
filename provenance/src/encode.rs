use crate::Error;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use spec::{ImageFormat, Picture};

/// High enough that the explicit label keeps clean edges and blocks do not show.
const JPEG_QUALITY: u8 = 95;

/// The picture's file, without metadata. PNG and WebP keep every pixel. Deterministic.
pub(crate) fn encode(picture: &Picture, format: ImageFormat) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let (pixels, width, height) = (picture.pixels(), picture.width(), picture.height());
    let colour = ExtendedColorType::Rgb8;
    match format {
        ImageFormat::Png => PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
            .write_image(pixels, width, height, colour)?,
        ImageFormat::Jpeg => {
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(pixels, width, height, colour)?;
        }
        ImageFormat::Webp => WebPEncoder::new_lossless(&mut bytes).write_image(pixels, width, height, colour)?,
    }
    Ok(bytes)
}

/// Whether `bytes` decode to `picture`: to the same pixels in the lossless formats, to the same size in JPEG.
pub(crate) fn decodes_to(bytes: &[u8], picture: &Picture, format: ImageFormat) -> Result<bool, Error> {
    let codec = match format {
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
        ImageFormat::Webp => image::ImageFormat::WebP,
    };
    let decoded = image::load_from_memory_with_format(bytes, codec)?.into_rgb8();
    let same_size = decoded.dimensions() == (picture.width(), picture.height());
    Ok(same_size && (format == ImageFormat::Jpeg || decoded.as_raw() == picture.pixels()))
}
