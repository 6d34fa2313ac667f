//! Reading a picture file's pixels: one road for all who look at them, whether to screen, to convert, or to look for a watermark.
//!
//! A file that is damaged or cut short is an error, also where a viewer would show the part that is there: what was not seen cannot be
//! judged. (JPEG has no checksums: a scan that lacks data before a well-formed end is seen only where its codes no longer fit.) Its size is read from the header and refused before any pixel is decoded.

mod whole;

use crate::colour::Colours;
use crate::{Error, container};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, Limits};
use spec::{FileFormat, Picture};
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Longest side of a picture that is decoded, in pixels: what WebP can hold. Beyond it a small file may be a bomb.
pub const MOST_SIDE: u32 = 16_384;
/// Most memory of decoded pixels, in bytes: four channels of eight bits at the longest sides.
pub const MOST_BYTES: u64 = 1 << 30;

/// Why a file's pixels cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFault {
    /// None of the formats that are decoded.
    NotAPicture,
    /// Damaged, cut short, or of a kind that the decoder does not know.
    Damaged,
    /// It has more than one frame.
    Moving,
    /// More pixels than are decoded.
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Its colours are amounts of ink.
    Inks,
}

impl PictureFault {
    /// What is wrong, and what to do.
    pub fn english(self) -> String {
        match self {
            Self::NotAPicture => "it is no PNG, JPEG or WebP picture".to_owned(),
            Self::Damaged => "it is damaged, cut short, or of a variant that is not decoded".to_owned(),
            Self::Moving => "it is a moving picture, of which one frame would say little: give single frames".to_owned(),
            Self::TooLarge { width, height } => {
                format!(
                    "{width}×{height} is more than is decoded: at most {MOST_SIDE} pixels a side and {} MiB of pixels",
                    MOST_BYTES >> 20
                )
            }
            Self::Inks => "it is a CMYK picture, whose colours depend on inks: save it as RGB first".to_owned(),
        }
    }

    /// What is wrong, and what to do, in Chinese.
    pub fn chinese(self) -> String {
        match self {
            Self::NotAPicture => "不是 PNG、JPEG 或 WebP 图片".to_owned(),
            Self::Damaged => "文件损坏、不完整，或为不支持的变体".to_owned(),
            Self::Moving => "不支持动图：请提供单帧图片".to_owned(),
            Self::TooLarge { width, height } => {
                format!("{width}×{height} 超过可解码的上限：每边最多 {MOST_SIDE} 像素，像素数据最多 {} MiB", MOST_BYTES >> 20)
            }
            Self::Inks => "这是 CMYK 图片，颜色取决于油墨：请先另存为 RGB".to_owned(),
        }
    }
}

/// The pixels of a picture file and what belongs to them.
pub(crate) struct DecodedPicture {
    /// Upright, at the file's own depth and with its transparency; of moving pictures the first frame.
    pub(crate) pixels: DynamicImage,
    /// Whether the metadata had it turned.
    pub(crate) is_turned: bool,
    /// What its numbers mean.
    pub(crate) colours: Colours,
    /// Why these pixels are not all there is to the picture: it moves, or its numbers were amounts of ink, which the decoder turned into light by
    /// a rule of thumb.
    pub(crate) unfit: Option<PictureFault>,
    pub(crate) has_exif: bool,
}

/// Decodes PNG, JPEG or WebP, told by content.
pub(crate) fn decode(bytes: &[u8]) -> Result<DecodedPicture, Error> {
    decode_any(bytes).map_err(Error::PictureUnreadable)
}

/// A picture that a user brings: PNG, JPEG or WebP, told by content. It is as people see it: turned as its metadata says, in sRGB, and on white
/// where it is transparent. An error for anything else, for damaged files, and for moving pictures.
pub fn read_picture(bytes: &[u8]) -> Result<Picture, Error> {
    let decoded = decode(bytes)?;
    match decoded.unfit {
        Some(fault @ PictureFault::Moving) => Err(Error::PictureUnreadable(fault)),
        _ => as_seen(decoded),
    }
}

/// The pixels in sRGB, eight bits a channel, on white.
pub(crate) fn as_seen(decoded: DecodedPicture) -> Result<Picture, Error> {
    let (width, height) = (decoded.pixels.width(), decoded.pixels.height());
    let pixels = decoded.colours.as_seen(decoded.pixels);
    Picture::new(width, height, pixels).map_err(|_| Error::PictureUnreadable(PictureFault::TooLarge { width, height }))
}

/// Whether `bytes` decode to `pixels`: to the same pixels in the lossless formats, to the same size in JPEG.
pub(crate) fn decodes_to(bytes: &[u8], pixels: Pixels<'_>) -> Result<bool, Error> {
    let decoded = decode(bytes)?.pixels;
    if (decoded.width(), decoded.height()) != (pixels.width, pixels.height) {
        return Ok(false);
    }
    let is_lossy = container::format_of(bytes) == Some(FileFormat::Jpeg);
    Ok(is_lossy || decoded.color() == pixels.kind && decoded.as_bytes() == pixels.bytes)
}

/// Pixels to compare with.
#[derive(Clone, Copy)]
pub(crate) struct Pixels<'a> {
    width: u32,
    height: u32,
    kind: image::ColorType,
    bytes: &'a [u8],
}

impl<'a> From<&'a Picture> for Pixels<'a> {
    fn from(picture: &'a Picture) -> Self {
        Self { width: picture.width(), height: picture.height(), kind: image::ColorType::Rgb8, bytes: picture.pixels() }
    }
}

impl<'a> From<&'a DynamicImage> for Pixels<'a> {
    fn from(pixels: &'a DynamicImage) -> Self {
        Self { width: pixels.width(), height: pixels.height(), kind: pixels.color(), bytes: pixels.as_bytes() }
    }
}

fn decode_any(bytes: &[u8]) -> Result<DecodedPicture, PictureFault> {
    match container::format_of(bytes) {
        Some(FileFormat::Png) => {
            let chunks = whole::png(bytes).ok_or(PictureFault::Damaged)?;
            check_size(chunks.width, chunks.height, 1)?;
            let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits()).map_err(|_| PictureFault::Damaged)?;
            let unfit = chunks.is_moving.then_some(PictureFault::Moving);
            Ok(DecodedPicture { unfit, colours: Colours::of_png(&chunks.colours), ..decode_with(decoder)? })
        }
        Some(FileFormat::Webp) => {
            whole::webp(bytes).ok_or(PictureFault::Damaged)?;
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| PictureFault::Damaged)?;
            let unfit = decoder.has_animation().then_some(PictureFault::Moving);
            Ok(DecodedPicture { unfit, ..decode_with(decoder)? })
        }
        Some(FileFormat::Jpeg) => {
            whole::jpeg(bytes).ok_or(PictureFault::Damaged)?;
            decode_jpeg(bytes)
        }
        _ => Err(PictureFault::NotAPicture),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST_SIDE), Some(MOST_SIDE));
    limits.max_alloc = Some(MOST_BYTES);
    limits
}

/// Refuses what has more pixels than are decoded, by the header alone.
pub(crate) fn check_size(width: u32, height: u32, bytes_per_pixel: u8) -> Result<(), PictureFault> {
    let length = u64::from(width) * u64::from(height) * u64::from(bytes_per_pixel);
    if width > MOST_SIDE || height > MOST_SIDE || length > MOST_BYTES {
        return Err(PictureFault::TooLarge { width, height });
    }
    Ok(())
}

fn decode_with(mut decoder: impl ImageDecoder) -> Result<DecodedPicture, PictureFault> {
    let (width, height) = decoder.dimensions();
    check_size(width, height, decoder.color_type().bytes_per_pixel())?;
    decoder.set_limits(limits()).map_err(|_| PictureFault::TooLarge { width, height })?;
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let colours = Colours::of_profile(decoder.icc_profile().ok().flatten());
    let pixels = DynamicImage::from_decoder(decoder).map_err(|_| PictureFault::Damaged)?;
    Ok(upright(pixels, orientation, colours, exif.is_some()))
}

/// By the decoder itself rather than through `image`, which has it fill with grey what is missing.
fn decode_jpeg(bytes: &[u8]) -> Result<DecodedPicture, PictureFault> {
    let damaged = |_| PictureFault::Damaged;
    let side = MOST_SIDE as usize;
    // Beyond these the decoder's own answer would not say why: the header is asked first.
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or(PictureFault::Damaged)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let input = decoder.input_colorspace().ok_or(PictureFault::Damaged)?;
    let (output, channels) = if input == ColorSpace::Luma { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    check_size(width, height, channels)?;
    decoder.set_options(options.set_max_width(side).set_max_height(side).jpeg_set_out_colorspace(output));
    let mut samples = vec![0; width as usize * height as usize * usize::from(channels)];
    decoder.decode_into(&mut samples).map_err(damaged)?;
    let pixels = match output {
        ColorSpace::Luma => image::GrayImage::from_raw(width, height, samples).map(DynamicImage::from),
        _ => image::RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
    };
    let exif = decoder.exif();
    let orientation = exif.and_then(|exif| Orientation::from_exif_chunk(exif)).unwrap_or(Orientation::NoTransforms);
    let colours = Colours::of_profile(decoder.icc_profile());
    let decoded = upright(pixels.ok_or(PictureFault::Damaged)?, orientation, colours, exif.is_some());
    let unfit = matches!(input, ColorSpace::CMYK | ColorSpace::YCCK).then_some(PictureFault::Inks);
    Ok(DecodedPicture { unfit, ..decoded })
}

fn upright(mut pixels: DynamicImage, orientation: Orientation, colours: Colours, has_exif: bool) -> DecodedPicture {
    pixels.apply_orientation(orientation);
    let is_turned = orientation != Orientation::NoTransforms;
    DecodedPicture { pixels, is_turned, colours, unfit: None, has_exif }
}
