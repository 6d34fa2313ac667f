use kernels::pool::parallel_chunks_mut;
use sha2::{Digest as _, Sha256};
use spec::Sha256Digest;

/// Bytes that one task reads.
const CHUNK: usize = 1 << 20;
/// Odd, so that multiplying loses nothing; the digits of the golden ratio, so that low bits reach high ones.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// Words that are mixed side by side, because each mix waits for the one before.
const LANES: usize = 8;

/// A checksum against damage, not against malice: as fast as memory, where a cryptographic digest would take as long as packing. No
/// change of a single word goes unseen.
pub(super) fn checksum(bytes: &[u8]) -> Sha256Digest {
    let mut lanes = vec![[0_u64; LANES]; bytes.len().div_ceil(CHUNK)];
    parallel_chunks_mut(&mut lanes, 1, &|index, lanes| {
        let part = bytes.get(index * CHUNK..bytes.len().min((index + 1) * CHUNK)).unwrap_or_default();
        lanes.fill(mix(part));
    });
    let mut hash = Sha256::new();
    hash.update((bytes.len() as u64).to_le_bytes());
    lanes.iter().flatten().for_each(|lane| hash.update(lane.to_le_bytes()));
    Sha256Digest(hash.finalize().into())
}

fn mix(bytes: &[u8]) -> [u64; LANES] {
    let mut lanes = [0_u64; LANES];
    let (blocks, rest) = bytes.as_chunks::<{ 8 * LANES }>();
    let mut last = [0; 8 * LANES];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    for block in blocks.iter().chain([&last]) {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = (lane.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, checksum};

    #[test]
    fn every_bit_and_the_length_count() {
        let bytes: Vec<u8> = (0..CHUNK + 77).map(|index| (index % 251) as u8).collect();
        let whole = checksum(&bytes);
        assert_eq!(whole, checksum(&bytes));
        for place in [0, 7, 8, 63, 64, CHUNK - 1, CHUNK, CHUNK + 63, CHUNK + 64, CHUNK + 76] {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                assert_ne!(whole, checksum(&damaged), "bit {bit} of byte {place}");
            }
        }
        assert_ne!(checksum(&[]), checksum(&[0]));
        assert_ne!(checksum(&[0; 64]), checksum(&[0; 65]));
    }
}
