use crate::Timestamp;
use crate::hexadecimal::serde_as_text;
use crate::uuid::Uuid;
use std::fmt;
use std::str::FromStr;

/// The unique id of one produced content (`ProduceID` of GB 45438-2025): a UUID of version 7 (RFC 9562), 36 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProduceId(Uuid);

impl ProduceId {
    /// The id made from a moment and ten random bytes: 48 bits of milliseconds, then the version and variant bits of
    /// RFC 9562 §5.7 laid over `random`.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(Uuid::new(now, random))
    }

    /// The moment that it was made from; of a UUID of another version, no moment in particular.
    pub fn made_at(&self) -> Timestamp {
        self.0.made_at()
    }

    /// Its last 48 bits, all random: what the invisible watermark carries of it.
    pub fn mark(&self) -> u64 {
        let [.., a, b, c, d, e, f] = self.0.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for ProduceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The text is not a UUID in its 36-character form.
#[derive(Debug, thiserror::Error)]
#[error("a ProduceID is a UUID such as 0192f0c1-7e2a-7b3c-8d4e-5f60718293a4 / ProduceID 应为 36 位 UUID")]
pub struct ParseProduceIdError;

impl FromStr for ProduceId {
    type Err = ParseProduceIdError;

    fn from_str(text: &str) -> Result<Self, ParseProduceIdError> {
        Uuid::parse(text).map(Self).ok_or(ParseProduceIdError)
    }
}

serde_as_text!(ProduceId);

#[cfg(test)]
mod tests {
    use super::ProduceId;
    use crate::Timestamp;

    #[test]
    fn is_a_version_7_uuid() {
        let id = ProduceId::new(Timestamp(0x0192_f0c1_7e2a), [0xff; 10]);
        assert_eq!(id.to_string(), "0192f0c1-7e2a-7fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse::<ProduceId>().ok(), Some(id));
        assert_eq!(id.made_at(), Timestamp(0x0192_f0c1_7e2a));
    }

    #[test]
    fn refuses_other_text() {
        for text in ["", "0192f0c1-7e2a-7fff-bfff-fffffffffff", "0192f0c1-7e2a-7fff-bfff-ffffffffff-f", "你".repeat(12).as_str()] {
            assert!(text.parse::<ProduceId>().is_err(), "{text:?}");
        }
    }
}
