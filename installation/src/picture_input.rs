use crate::Result;
use spec::Picture;

/// A picture that a user brings, for example to start from, as `provenance::read_picture` reads it. What `policy::ArtifactGate::examine` says of it
/// holds for what is used.
pub fn read_picture(bytes: &[u8]) -> Result<Picture> {
    Ok(provenance::read_picture(bytes)?)
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
