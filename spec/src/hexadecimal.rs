//! Bytes as hexadecimal digits, and the serde of what is written so.

use std::fmt;

/// Two lower-case digits for each byte.
pub fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    // Writing to a string does not fail.
    let _ = write(bytes, &mut text);
    text
}

/// Exactly `N` bytes from digits of either case, with nothing around or between them.
pub fn to_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = (digit(high)? * 16 + digit(low)?) as u8;
    }
    Some(bytes)
}

pub(crate) fn write(bytes: &[u8], to: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
}

/// Serialises a type as the text that it displays, and reads it back by its `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

#[cfg(test)]
mod tests {
    use super::{to_bytes, to_text};

    #[test]
    fn digits_are_read_and_written() {
        assert_eq!(to_text(&[0, 0x7f, 0xff]), "007fff");
        assert_eq!(to_bytes("007FfF"), Some([0, 0x7f, 0xff]));
        for wrong in ["", "007ff", "007fffff", "00 7ff", "+07fff", "007ffg", "é7fff"] {
            assert_eq!(to_bytes::<3>(wrong), None, "{wrong}");
        }
    }
}
