//! PNG files of RGB pictures: rows are filtered and deflated in strips, side by side, and the strips joined to one zlib stream
//! (RFC 1950) as `pigz` joins its blocks.
//!
//! Where strips begin depends on the picture's size alone, so that the bytes are the same on any number of threads.
use crate::deflate::{END, deflate};
use spec::{Picture, Threads};
use std::ops::Range;

/// Bytes of pixels in a strip: many times deflate's window of 32 KiB, so that beginning anew costs little.
const STRIP: usize = 256 << 10;
const CHANNELS: usize = 3;

/// The file, without metadata. `None` where deflating fails, which it does not.
pub fn encode(picture: &Picture, threads: Threads) -> Option<Vec<u8>> {
    encode_pixels(picture.pixels(), picture.width(), picture.height(), threads)
}

/// The file of RGB pixels, `[height, width, 3]`, without metadata.
pub fn encode_pixels(pixels: &[u8], width: u32, height: u32, threads: Threads) -> Option<Vec<u8>> {
    let stride = CHANNELS * width as usize;
    let rows = (STRIP / stride).max(1);
    let count = pixels.len().div_ceil(rows * stride);
    let mut strips: Vec<Option<Strip>> = (0..count).map(|_| None).collect();
    threads.each(strips.iter_mut().enumerate().collect(), |(index, strip)| {
        let filtered = filtered(pixels, stride, index * rows..(index + 1) * rows);
        *strip = deflate(&filtered).map(|bytes| Strip { bytes, length: filtered.len(), checksum: adler32(&filtered) });
    });
    let strips: Vec<Strip> = strips.into_iter().collect::<Option<_>>()?;

    let mut header = Vec::with_capacity(13);
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits a channel, RGB, deflate, adaptive filters, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    let checksum = strips.iter().fold(1, |before, strip| joined(before, strip.checksum, strip.length));
    // Deflate with a window of 32 KiB, fastest; the five lowest bits make it a multiple of 31.
    let mut data = vec![0x78, 0x01];
    data.reserve(strips.iter().map(|strip| strip.bytes.len()).sum::<usize>() + END.len() + 4);
    for strip in &strips {
        data.extend_from_slice(&strip.bytes);
    }
    data.extend(END);
    data.extend(checksum.to_be_bytes());

    let mut file = Vec::with_capacity(data.len() + 57);
    file.extend(b"\x89PNG\r\n\x1a\n");
    for (kind, content) in [(b"IHDR", header), (b"IDAT", data), (b"IEND", Vec::new())] {
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(kind);
        checksum.update(&content);
        file.extend(u32::try_from(content.len()).ok()?.to_be_bytes());
        file.extend(kind);
        file.extend(content);
        file.extend(checksum.finalize().to_be_bytes());
    }
    Some(file)
}

/// The file with whole chunks behind its header.
pub fn with_chunks(file: &[u8], chunks: &[u8]) -> Option<Vec<u8>> {
    /// Signature, and the header with its length, kind and checksum.
    const HEAD: usize = 8 + 25;
    let (head, rest) = file.split_at_checked(HEAD)?;
    Some([head, chunks, rest].concat())
}

struct Strip {
    bytes: Vec<u8>,
    /// Before it was deflated.
    length: usize,
    checksum: u32,
}

/// These rows, each as the filter leaves it that makes its bytes smallest, after that filter's number.
fn filtered(pixels: &[u8], stride: usize, rows: Range<usize>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * (stride + 1));
    // Above the first row the standard sees black.
    let first = vec![0; stride];
    let above = std::iter::once(first.as_slice()).chain(pixels.chunks_exact(stride));
    let mut candidates = FILTERS.map(|(number, filter)| (number, filter, vec![0; stride]));
    for (row, above) in pixels.chunks_exact(stride).zip(above).skip(rows.start).take(rows.len()) {
        let tried = candidates.iter_mut().map(|(number, filter, candidate)| {
            filter(row, above, candidate);
            (cost(candidate), *number, candidate)
        });
        if let Some((_, number, candidate)) = tried.min_by_key(|(cost, ..)| *cost) {
            bytes.push(number);
            bytes.extend_from_slice(candidate);
        }
    }
    bytes
}

/// Of bytes taken as signed numbers: what is close to nothing deflates well.
fn cost(bytes: &[u8]) -> u64 {
    // Sums that are short enough for 32 bits, which the processor adds faster.
    bytes.chunks(1 << 16).map(|bytes| u64::from(bytes.iter().map(|byte| u32::from(byte.cast_signed().unsigned_abs())).sum::<u32>())).sum()
}

type Filter = fn(&[u8], &[u8], &mut [u8]);

/// Their numbers in the file (PNG, clause 9.2).
const FILTERS: [(u8, Filter); 4] = [(1, sub), (2, up), (3, average), (4, paeth)];

fn sub(row: &[u8], _above: &[u8], target: &mut [u8]) {
    let ((first, others), (first_target, targets)) = (row.split_at(CHANNELS), target.split_at_mut(CHANNELS));
    first_target.copy_from_slice(first);
    targets.iter_mut().zip(others.iter().zip(row)).for_each(|(target, (value, left))| *target = value.wrapping_sub(*left));
}

fn up(row: &[u8], above: &[u8], target: &mut [u8]) {
    target.iter_mut().zip(row.iter().zip(above)).for_each(|(target, (value, above))| *target = value.wrapping_sub(*above));
}

fn average(row: &[u8], above: &[u8], target: &mut [u8]) {
    let ((first, others), (first_above, others_above)) = (row.split_at(CHANNELS), above.split_at(CHANNELS));
    let (first_target, targets) = target.split_at_mut(CHANNELS);
    let inputs = first.iter().zip(first_above);
    first_target.iter_mut().zip(inputs).for_each(|(target, (value, above))| *target = value.wrapping_sub(above / 2));
    let inputs = others.iter().zip(row).zip(others_above);
    targets.iter_mut().zip(inputs).for_each(|(target, ((value, left), above))| {
        *target = value.wrapping_sub(u16::midpoint((*left).into(), (*above).into()) as u8);
    });
}

fn paeth(row: &[u8], above: &[u8], target: &mut [u8]) {
    let ((first, others), (first_above, others_above)) = (row.split_at(CHANNELS), above.split_at(CHANNELS));
    let (first_target, targets) = target.split_at_mut(CHANNELS);
    up(first, first_above, first_target);
    let inputs = others.iter().zip(row).zip(others_above.iter().zip(above));
    targets.iter_mut().zip(inputs).for_each(|(target, ((value, left), (above, corner)))| {
        *target = value.wrapping_sub(nearest(*left, *above, *corner));
    });
}

/// Whichever is nearest to left + above − corner; the first of them where several are.
fn nearest(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let (by_left, by_above, by_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    // In two steps, which become choices without jumps.
    let (other, by_other) = if by_above <= by_corner { (above, by_above) } else { (corner, by_corner) };
    if by_left <= by_other { left } else { other }
}

/// The largest prime below 2¹⁶.
const MODULUS: u32 = 65_521;

/// RFC 1950's checksum.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    // Of at most so many bytes both sums fit 32 bits.
    for bytes in bytes.chunks(5552) {
        for byte in bytes {
            low += u32::from(*byte);
            high += low;
        }
        (low, high) = (low % MODULUS, high % MODULUS);
    }
    high << 16 | low
}

/// The checksum of bytes with checksum `first` followed by `length` bytes with checksum `second`.
fn joined(first: u32, second: u32, length: usize) -> u32 {
    let modulus = u64::from(MODULUS);
    let parts = |sum: u32| (u64::from(sum & 0xFFFF), u64::from(sum >> 16));
    let ((low, high), (then_low, then_high)) = (parts(first), parts(second));
    // Every byte that follows adds the first low sum once more; both low sums begin with 1.
    let high = (high + then_high + (length as u64 % modulus) * (low + modulus - 1)) % modulus;
    let low = (low + then_low + modulus - 1) % modulus;
    (high as u32) << 16 | low as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        // Flat, smooth and noisy rows, so that every filter is somewhere the best.
        let value = |at: u32| {
            let (x, y) = (at / 3 % width, at / 3 / width);
            match y % 5 {
                0 => 200,
                1 => x as u8,
                2 => (at.wrapping_mul(2_654_435_761) >> 24) as u8,
                3 => (y * 3) as u8,
                _ => (x * y + at % 3) as u8,
            }
        };
        Picture::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
    }

    #[test]
    fn another_decoder_reads_the_pixels_back_whatever_the_number_of_threads() {
        for (width, height) in [(1, 1), (1, 300), (2, 3), (500, 1), (129, 67), (640, 700), (100_000, 3)] {
            let picture = picture(width, height);
            let file = encode(&picture, Threads::ONE).unwrap();
            let read = image::load_from_memory(&file).unwrap();
            assert_eq!(read.color(), image::ColorType::Rgb8);
            assert!(read.into_rgb8().as_raw() == picture.pixels(), "{width}×{height}");
            assert!(encode(&picture, Threads::new(5)).unwrap() == file, "{width}×{height}");
        }
    }

    #[test]
    fn checksums_of_parts_join() {
        let bytes: Vec<u8> = (0..200_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        for at in [0, 1, 5552, 65_521, 131_072, bytes.len()] {
            let (first, second) = bytes.split_at(at);
            assert_eq!(joined(adler32(first), adler32(second), second.len()), adler32(&bytes), "{at}");
        }
    }
}
