//! UUIDs of version 7 (RFC 9562 §5.7), the form of every id that Danqing makes.

use crate::{Timestamp, hexadecimal};
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
        let digits: String = text.chars().filter(|&character| character != '-').collect();
        hexadecimal::to_bytes(&digits).map(Self)
    }

    /// The moment in it; of a UUID of another version, no moment in particular.
    pub fn made_at(self) -> Timestamp {
        let [a, b, c, d, e, f, ..] = self.0;
        Timestamp(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hexadecimal::to_text(&self.0);
        let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        write!(formatter, "{}-{}-{}-{}-{}", group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}
