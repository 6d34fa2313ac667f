//! UUIDs of version 7 (RFC 9562 §5.7), the form of every id that Danqing makes.

use crate::Timestamp;
use std::fmt;

/// Sixteen bytes: 48 bits of milliseconds since 1970, then random bits around the version and the variant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Version 7, from a moment and ten bytes whose first bits give way to version and variant.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// The 36-character form; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let characters = text.as_bytes();
        if characters.len() != 36 || [8, 13, 18, 23].iter().any(|&index| characters[index] != b'-') {
            return None;
        }
        let digits: Vec<u32> = text.chars().filter(|&character| character != '-').map_while(|c| c.to_digit(16)).collect();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0_u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] * 16 + pair[1]) as u8;
        }
        Some(Self(bytes))
    }

    /// The moment in it; of a UUID of another version, no moment in particular.
    pub fn made_at(self) -> Timestamp {
        let [a, b, c, d, e, f, ..] = self.0;
        Timestamp(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}
