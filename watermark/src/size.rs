use crate::Error;

/// Pixels that a side of a picture needs to carry the mark.
pub const LEAST_SIDE: u32 = 128;
/// Largest picture, in pixels, that is marked or searched.
pub const MOST_PIXELS: u64 = 1 << 26;

/// Width and height once the buffer is known to hold them.
pub fn checked(pixels: &[u8], width: u32, height: u32) -> Result<(usize, usize), Error> {
    let count = u64::from(width) * u64::from(height);
    if count > MOST_PIXELS {
        return Err(Error::TooLarge { width, height });
    }
    if count == 0 || pixels.len() as u64 != 3 * count {
        return Err(Error::BufferMismatch { width, height, length: pixels.len() });
    }
    Ok((width as usize, height as usize))
}
