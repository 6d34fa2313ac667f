//! Deflate (RFC 1951) of filtered pixels. What filters leave of a photograph, or of a picture with an invisible watermark, is noise
//! around zero: looking for repetitions takes most of the time there and makes files larger than its even coding would, so
//! that only places that do repeat themselves are searched.
#![expect(clippy::indexing_slicing, reason = "tables indexed by bytes and code lengths; nothing of a foreign file is read here")]
use flate2::{Compress, Compression, FlushCompress};

/// What a search for repetitions is judged by: as far as deflate looks back.
const SAMPLE: usize = 32 << 10;
/// How hard it looks: levels above take twice as long for a few parts in a hundred.
const LEVEL: Compression = Compression::new(3);
/// Bytes of one block, after which frequencies are counted anew.
const BLOCK: usize = 64 << 10;
/// Zeros from which on a run is written as such: even at one bit each, fewer are no longer than a run.
const LEAST_RUN: usize = 24;
/// An empty stored block that is the last one.
pub const END: [u8; 5] = [1, 0, 0, 0xFF, 0xFF];

/// Deflated bytes that end on a whole byte and not with a last block, so that others may follow, and [`END`] in the end.
pub fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let sample = &bytes[bytes.len().saturating_sub(SAMPLE) / 2..][..SAMPLE.min(bytes.len())];
    // Slower, and so it has to be worth it.
    if searched(sample)?.len() * 20 < Block::new(sample).bits() / 8 * 19 {
        return searched(bytes);
    }
    let mut writer = Writer { bytes: Vec::with_capacity(bytes.len() / 2), buffer: 0, filled: 0 };
    bytes.chunks(BLOCK).for_each(|bytes| Block::new(bytes).write(&mut writer));
    // An empty stored block.
    writer.put(0, 3);
    writer.align();
    writer.bytes.extend([0, 0, 0xFF, 0xFF]);
    Some(writer.bytes)
}

fn searched(bytes: &[u8]) -> Option<Vec<u8>> {
    // What does not shrink grows by five bytes in 32 KiB at most.
    let (mut compress, mut target) = (Compress::new(LEVEL, false), Vec::with_capacity(bytes.len() + bytes.len() / 1024 + 128));
    compress.compress_vec(bytes, &mut target, FlushCompress::Sync).ok()?;
    (compress.total_in() == bytes.len() as u64 && target.len() < target.capacity()).then_some(target)
}

const LITERALS: usize = 286;
const END_OF_BLOCK: usize = 256;
const LONGEST_RUN: usize = 258;

/// Bytes to be coded by their frequencies alone, but for runs of zeros.
struct Block<'a> {
    bytes: &'a [u8],
    /// Where runs begin and end.
    runs: Vec<(usize, usize)>,
    frequencies: [u32; LITERALS],
    lengths: [u8; LITERALS],
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let runs = runs(bytes);
        let mut frequencies = [0; LITERALS];
        let mut start = 0;
        for &(from, to) in &runs {
            count(&bytes[start..from], &mut frequencies);
            pieces(to - from, |piece| frequencies[piece.map_or(0, |length| run_code(length).0)] += 1);
            start = to;
        }
        count(&bytes[start..], &mut frequencies);
        frequencies[END_OF_BLOCK] = 1;
        let lengths = code_lengths(&frequencies, 15);
        Self { bytes, runs, frequencies, lengths }
    }

    /// About how many it takes: all but the header and the bits that say how long a run is.
    fn bits(&self) -> usize {
        self.frequencies.iter().zip(self.lengths).map(|(frequency, length)| *frequency as usize * usize::from(length)).sum()
    }

    fn write(&self, writer: &mut Writer) {
        // Not the last; with codes of its own.
        writer.put(0b100, 3);
        write_codes(&self.lengths, writer);
        let codes = codes(&self.lengths);
        let mut start = 0;
        for &(from, to) in &self.runs {
            writer.literals(&self.bytes[start..from], &codes);
            pieces(to - from, |piece| {
                let Some(length) = piece else { return writer.put_code(codes[0]) };
                let (symbol, extra, bits) = run_code(length);
                writer.put_code(codes[symbol]);
                // The value, and the distance 1, whose code is a zero.
                writer.put(extra as u64, bits + 1);
            });
            start = to;
        }
        writer.literals(&self.bytes[start..], &codes);
        writer.put_code(codes[END_OF_BLOCK]);
    }
}

fn runs(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut end = 0;
    for (index, word) in bytes.chunks_exact(8).enumerate() {
        let start = 8 * index;
        if start < end || word != [0; 8] {
            continue;
        }
        end = bytes[start..].iter().position(|byte| *byte != 0).map_or(bytes.len(), |length| start + length);
        if end - start >= LEAST_RUN {
            runs.push((start, end));
        }
    }
    runs
}

/// A run as a zero, repetitions of it, and zeros (`None`) where too few are left to be one.
fn pieces(length: usize, mut each: impl FnMut(Option<usize>)) {
    each(None);
    let mut left = length - 1;
    while left >= 3 {
        let piece = left.min(LONGEST_RUN);
        each(Some(piece));
        left -= piece;
    }
    (0..left).for_each(|_| each(None));
}

/// Symbol of a length, and the value and number of the bits that follow it (RFC 1951, clause 3.2.5).
fn run_code(length: usize) -> (usize, usize, u32) {
    match length - 3 {
        255 => (285, 0, 0),
        few @ 0..8 => (257 + few, 0, 0),
        many => {
            let bits = many.ilog2() - 2;
            (257 + 4 * (bits as usize + 1) + (many >> bits & 3), many & ((1 << bits) - 1), bits)
        }
    }
}

fn count(bytes: &[u8], frequencies: &mut [u32; LITERALS]) {
    // Four tables, so that equal neighbours do not wait for each other.
    let mut tables = [[0u32; 256]; 4];
    for four in bytes.chunks(4) {
        four.iter().zip(&mut tables).for_each(|(byte, table)| table[usize::from(*byte)] += 1);
    }
    for table in &tables {
        frequencies.iter_mut().zip(table).for_each(|(sum, part)| *sum += part);
    }
}

/// Lengths of a Huffman code of at most `most` bits; 0 for what does not occur.
fn code_lengths<const COUNT: usize>(frequencies: &[u32; COUNT], most: usize) -> [u8; COUNT] {
    let mut leaves: Vec<(u32, usize)> =
        frequencies.iter().enumerate().filter(|(_, frequency)| **frequency > 0).map(|(symbol, frequency)| (*frequency, symbol)).collect();
    leaves.sort_unstable();
    let mut lengths = [0; COUNT];
    if leaves.len() < 2 {
        for (_, symbol) in &leaves {
            lengths[*symbol] = 1;
        }
        return lengths;
    }
    // Leaves by rising weight, then inner nodes, which come about by rising weight too: the lightest is first in one of both lines.
    let mut weights: Vec<u64> = leaves.iter().map(|(frequency, _)| u64::from(*frequency)).collect();
    let mut parents = vec![0; 2 * leaves.len() - 1];
    let (mut leaf, mut inner) = (0, leaves.len());
    for node in leaves.len()..parents.len() {
        let mut weight = 0;
        for _ in 0..2 {
            let from_leaf = leaf < leaves.len() && (inner >= node || weights[leaf] <= weights[inner]);
            let lightest = if from_leaf { &mut leaf } else { &mut inner };
            weight += weights[*lightest];
            parents[*lightest] = node;
            *lightest += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0usize; parents.len()];
    for node in (0..parents.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    let mut counts = [0usize; 16];
    depths[..leaves.len()].iter().for_each(|depth| counts[(*depth).min(most)] += 1);
    // Cut to `most` bits there may be more codes than bits tell apart: each step makes room for one by lengthening another.
    let mut taken: usize = (1..=most).map(|length| counts[length] << (most - length)).sum();
    while taken > 1 << most {
        let Some(shorter) = (1..most).rev().find(|length| counts[*length] > 0) else { break };
        counts[most] -= 1;
        counts[shorter] -= 1;
        counts[shorter + 1] += 2;
        taken -= 1;
    }
    let by_length = (1..=most).rev().flat_map(|length| std::iter::repeat_n(length as u8, counts[length]));
    leaves.iter().zip(by_length).for_each(|((_, symbol), length)| lengths[*symbol] = length);
    lengths
}

#[derive(Clone, Copy, Default)]
struct Code {
    bits: u16,
    length: u8,
}

/// The code that lengths stand for, its bits in the order of the file.
fn codes<const COUNT: usize>(lengths: &[u8; COUNT]) -> [Code; COUNT] {
    let mut codes = [Code::default(); COUNT];
    let mut next = 0u16;
    for length in 1..=15u8 {
        next <<= 1;
        for (code, _) in codes.iter_mut().zip(lengths).filter(|(_, of)| **of == length) {
            *code = Code { bits: next.reverse_bits() >> (16 - length), length };
            next += 1;
        }
    }
    codes
}

/// Writes the lengths of the literals' codes, and of two distances' codes (RFC 1951, clause 3.2.7): one bit each, of which the first
/// alone is used. Some decoders refuse a single one.
fn write_codes(lengths: &[u8; LITERALS], writer: &mut Writer) {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let used = lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1);
    let all: Vec<u8> = lengths[..used].iter().copied().chain([1, 1]).collect();
    // Symbol, and value and number of the bits that follow it.
    let mut symbols: Vec<(usize, usize, u32)> = Vec::new();
    for same in all.chunk_by(|a, b| a == b) {
        let value = usize::from(same[0]);
        let mut left = same.len();
        if value > 0 {
            symbols.push((value, 0, 0));
            left -= 1;
        }
        while left > 0 {
            let (taken, symbol) = match left {
                11.. if value == 0 => (left.min(138), (18, left.min(138) - 11, 7)),
                3.. if value == 0 => (left, (17, left - 3, 3)),
                3.. => (left.min(6), (16, left.min(6) - 3, 2)),
                _ => (1, (value, 0, 0)),
            };
            symbols.push(symbol);
            left -= taken;
        }
    }
    let mut frequencies = [0; 19];
    for (symbol, ..) in &symbols {
        frequencies[*symbol] += 1;
    }
    let lengths = code_lengths(&frequencies, 7);
    let sent = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).map_or(4, |last| (last + 1).max(4));
    writer.put((used - 257) as u64, 5);
    writer.put(1, 5);
    writer.put((sent - 4) as u64, 4);
    ORDER[..sent].iter().for_each(|symbol| writer.put(u64::from(lengths[*symbol]), 3));
    let codes = codes(&lengths);
    for (symbol, value, bits) in symbols {
        writer.put_code(codes[symbol]);
        writer.put(value as u64, bits);
    }
}

/// Bits from the lowest of each byte on.
struct Writer {
    bytes: Vec<u8>,
    buffer: u64,
    /// Bits in the buffer, fewer than eight between calls.
    filled: u32,
}

impl Writer {
    /// At most 56 bits.
    fn put(&mut self, value: u64, bits: u32) {
        self.buffer |= value << self.filled;
        self.filled += bits;
        self.flush();
    }

    fn put_code(&mut self, code: Code) {
        self.put(u64::from(code.bits), u32::from(code.length));
    }

    fn literals(&mut self, bytes: &[u8], codes: &[Code; LITERALS]) {
        let mut chunks = bytes.chunks_exact(3);
        for three in &mut chunks {
            for byte in three {
                let code = codes[usize::from(*byte)];
                self.buffer |= u64::from(code.bits) << self.filled;
                self.filled += u32::from(code.length);
            }
            self.flush();
        }
        chunks.remainder().iter().for_each(|byte| self.put_code(codes[usize::from(*byte)]));
    }

    fn flush(&mut self) {
        let whole = (self.filled / 8) as usize;
        self.bytes.extend_from_slice(&self.buffer.to_le_bytes());
        self.bytes.truncate(self.bytes.len() - 8 + whole);
        self.buffer >>= 8 * whole;
        self.filled %= 8;
    }

    fn align(&mut self) {
        self.filled = self.filled.next_multiple_of(8);
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn inflated(mut deflated: Vec<u8>) -> Vec<u8> {
        deflated.extend(END);
        let mut bytes = Vec::new();
        flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn noise(length: usize, of: impl Fn(u32) -> u8) -> Vec<u8> {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        (0..length).map(|_| of(random())).collect()
    }

    #[test]
    fn what_was_deflated_inflates() {
        let mut runs = noise(40_000, |random| (random >> 24) as u8);
        for (place, length) in
            [(0, 23), (100, 24), (200, 25), (800, 3), (1000, 258), (2000, 259), (3000, 260), (4000, 261), (5000, 262), (6000, 9000)]
        {
            runs[place..place + length].fill(0);
        }
        let cases = [
            vec![],
            vec![7],
            vec![0; 8],
            vec![0; 200_000],
            runs,
            noise(200_000, |random| (random >> 24) as u8),
            noise(100_001, |random| (random >> 24).leading_zeros() as u8),
            // Frequencies of powers of two, whose codes would be longer than deflate permits.
            (0..22u8).flat_map(|symbol| vec![symbol; 1 << (symbol / 4 * 3).min(16)]).collect(),
            (0..100_000u32).map(|at| (at % 777 * (at % 13)) as u8).collect(),
        ];
        for case in cases {
            assert!(inflated(deflate(&case).unwrap()) == case, "{} bytes", case.len());
        }
    }

    #[test]
    fn codes_are_short_enough_and_complete() {
        for most in [7, 15] {
            let mut fibonacci = [0u32; 40];
            (fibonacci[0], fibonacci[1]) = (1, 1);
            (2..40).for_each(|at| fibonacci[at] = fibonacci[at - 1] + fibonacci[at - 2]);
            let lengths = code_lengths(&fibonacci, most);
            assert!(lengths.iter().all(|length| (1..=most).contains(&usize::from(*length))));
            assert_eq!(lengths.iter().map(|length| 1u32 << (most - usize::from(*length))).sum::<u32>(), 1 << most);
            assert!(lengths.is_sorted_by(|a, b| a >= b), "what is more frequent has a shorter code");
        }
    }

    #[test]
    fn noise_is_coded_by_frequency_and_repetitions_are_searched() {
        let noise = noise(200_000, |random| (random >> 24).leading_zeros() as u8);
        assert!(deflate(&noise).unwrap().len() < searched(&noise).unwrap().len());
        let pattern: Vec<u8> = (0..200_000u32).map(|at| (at % 777 * (at % 13)) as u8).collect();
        assert!(deflate(&pattern).unwrap() == searched(&pattern).unwrap());
    }
}
