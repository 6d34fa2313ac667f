use crate::{Error, Result};
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use spec::Picture;
use std::io::Cursor;

/// Longest side and memory of a picture that is read; beyond them a small file may be a bomb.
const MAXIMUM_SIDE: u32 = 16_384;
const MAXIMUM_BYTES: u64 = 1 << 30;

/// A picture that a user brings, for example to start from: PNG, JPEG or WebP, told by content. It is as people see it, turned as its
/// metadata says, and on white where it is transparent. What `policy::ArtifactGate::examine` says of it holds for what is used. An error for anything else, and for moving pictures, of which one frame would say little.
pub fn read_picture(bytes: &[u8]) -> Result<Picture> {
    let damaged = |error: image::ImageError| Error::Picture(format!("the picture cannot be read: {error} / 无法读取图片：{error}"));
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| damaged(error.into()))?;
    let is_moving = match reader.format() {
        Some(ImageFormat::Png) => PngDecoder::new(Cursor::new(bytes)).and_then(|decoder| decoder.is_apng()).map_err(damaged)?,
        Some(ImageFormat::WebP) => WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?.has_animation(),
        Some(ImageFormat::Jpeg) => false,
        _ => return Err(Error::Picture("the file is no PNG, JPEG or WebP picture / 文件不是 PNG、JPEG 或 WebP 图片".into())),
    };
    if is_moving {
        return Err(Error::Picture("moving pictures are not supported: give single frames / 不支持动图：请提供单帧图片".into()));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAXIMUM_SIDE);
    limits.max_image_height = Some(MAXIMUM_SIDE);
    limits.max_alloc = Some(MAXIMUM_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    decoded.apply_orientation(orientation);
    let (width, height) = (decoded.width(), decoded.height());
    let pixels = match decoded.color().has_alpha() {
        false => decoded.into_rgb8().into_raw(),
        true => decoded.into_rgba8().pixels().flat_map(|pixel| on_white(pixel.0)).collect(),
    };
    Picture::new(width, height, pixels).map_err(|error| Error::Picture(error.to_string()))
}

fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    [red, green, blue].map(|value| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::read_picture;
    use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
    use std::io::Cursor;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = RgbaImage::from_fn(5, 3, |x, _| Rgba([200, 0, 0, if x == 0 { 0 } else { 255 }]));
        let picture = DynamicImage::from(picture);
        let picture = if format == ImageFormat::Jpeg { picture.into_rgb8().into() } else { picture };
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn pictures_are_read_as_people_see_them() {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let picture = read_picture(&encoded(format)).unwrap();
            assert_eq!((picture.width(), picture.height()), (5, 3));
            assert_eq!(picture.pixels()[..6], [255, 255, 255, 200, 0, 0], "{format:?}: what is transparent is white");
        }
        assert_eq!(read_picture(&encoded(ImageFormat::Jpeg)).unwrap().width(), 5);
    }

    #[test]
    fn what_is_no_still_picture_is_an_error() {
        let whole = encoded(ImageFormat::Png);
        let mut moving = whole.clone();
        // An animation control chunk (two frames) behind the header; its checksum is over its type and data.
        let chunk =
            [&8_u32.to_be_bytes()[..], b"acTL", &2_u32.to_be_bytes(), &0_u32.to_be_bytes(), &0xf38d_9370_u32.to_be_bytes()].concat();
        moving.splice(33..33, chunk);
        for bytes in [&b""[..], b"GIF89a", b"not a picture", &whole[..whole.len() / 2], &moving] {
            assert!(read_picture(bytes).is_err(), "{:?}", &bytes[..bytes.len().min(8)]);
        }
        // A header that claims more than any picture has.
        let mut huge = whole;
        huge[16..20].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
        assert!(read_picture(&huge).is_err());
    }
}
