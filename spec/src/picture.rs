/// An 8-bit sRGB picture, `[height, width, 3]`, row major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// The pixel buffer does not have `width * height * 3` bytes, or a side is zero.
#[derive(Debug, thiserror::Error)]
#[error("a {width}×{height} picture needs width × height × 3 bytes, got {length} / {width}×{height} 的图片像素数据长度不符：{length}")]
pub struct PictureError {
    width: u32,
    height: u32,
    length: usize,
}

impl Picture {
    /// Wraps `pixels`, `[height, width, 3]`.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, PictureError> {
        let expected = (width as usize).checked_mul(height as usize).and_then(|area| area.checked_mul(3));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            return Err(PictureError { width, height, length: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `[height, width, 3]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// `[height, width, 3]`.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }
}
