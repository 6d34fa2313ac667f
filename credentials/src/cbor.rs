//! CBOR (RFC 8949) as far as C2PA needs it: definite lengths, shortest heads when writing, bounded depth and count when reading.

/// Nested items that are read; no assertion known nests deeper than half of it.
const MAXIMUM_DEPTH: usize = 32;
/// Items of one document: bounds what a hostile document can make us allocate to a few megabytes.
const MAXIMUM_ITEMS: usize = 65_536;

/// One CBOR item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    /// `-1 - n`.
    Negative(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Tag(u64, Box<Value>),
    Bool(bool),
    Null,
    /// Any other simple value or number, as its head and bits: kept, never looked into.
    Other(u8, u64),
}

pub(crate) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// A map with text keys, in the order given.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (text(key), value)).collect())
}

impl Value {
    /// The value under a text key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.find(|candidate| matches!(candidate, Value::Text(name) if name == key))
    }

    /// The value under an unsigned key of a map.
    pub(crate) fn get_number(&self, key: u64) -> Option<&Value> {
        self.find(|candidate| *candidate == Value::Unsigned(key))
    }

    fn find(&self, is_key: impl Fn(&Value) -> bool) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        entries.iter().find(|(key, _)| is_key(key)).map(|(_, value)| value)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn as_unsigned(&self) -> Option<u64> {
        match self {
            Value::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of an array; none of anything else.
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// A date, tagged or plain.
    pub(crate) fn as_date(&self) -> Option<&str> {
        match self {
            Value::Tag(0, inner) => inner.as_text(),
            other => other.as_text(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Unsigned(number) => head(out, 0, *number),
            Value::Negative(number) => head(out, 1, *number),
            Value::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Value::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Value::Array(items) => {
                head(out, 4, items.len() as u64);
                for item in items {
                    item.write(out);
                }
            }
            Value::Map(entries) => {
                head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Value::Tag(tag, inner) => {
                head(out, 6, *tag);
                inner.write(out);
            }
            Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Value::Null => out.push(0xf6),
            Value::Other(information, bits) => {
                out.push(0xe0 | information);
                let width = width(*information).unwrap_or(0);
                out.extend_from_slice(bits.to_be_bytes().get(8 - width..).unwrap_or_default());
            }
        }
    }

    /// The one item that `bytes` are; nothing for anything malformed, of indefinite length, too deep, too many, or followed by more.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
        let mut reader = Reader { rest: bytes, items: 0 };
        let value = reader.item(0)?;
        reader.rest.is_empty().then_some(value)
    }
}

fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let bytes = number.to_be_bytes();
    let (information, width) = match number {
        0..24 => {
            out.push(major << 5 | number as u8);
            return;
        }
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | information);
    out.extend_from_slice(bytes.get(8 - width..).unwrap_or_default());
}

/// Bytes that follow a head with this additional information; nothing for the reserved and the indefinite ones.
fn width(information: u8) -> Option<usize> {
    match information {
        0..24 => Some(0),
        24 => Some(1),
        25 => Some(2),
        26 => Some(4),
        27 => Some(8),
        _ => None,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    items: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn item(&mut self, depth: usize) -> Option<Value> {
        self.items += 1;
        if depth > MAXIMUM_DEPTH || self.items > MAXIMUM_ITEMS {
            return None;
        }
        let [initial] = self.take(1)?.try_into().ok()?;
        let (major, information): (u8, u8) = (initial >> 5, initial & 0x1f);
        let width = width(information)?;
        let mut number = u64::from(information);
        if width > 0 {
            number = self.take(width as u64)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        }
        Some(match major {
            0 => Value::Unsigned(number),
            1 => Value::Negative(number),
            2 => Value::Bytes(self.take(number)?.to_vec()),
            3 => Value::Text(std::str::from_utf8(self.take(number)?).ok()?.to_owned()),
            // Grown item by item: a promised count allocates nothing.
            4 => {
                let mut items = Vec::new();
                for _ in 0..number {
                    items.push(self.item(depth + 1)?);
                }
                Value::Array(items)
            }
            5 => {
                let mut entries = Vec::new();
                for _ in 0..number {
                    entries.push((self.item(depth + 1)?, self.item(depth + 1)?));
                }
                Value::Map(entries)
            }
            6 => Value::Tag(number, Box::new(self.item(depth + 1)?)),
            _ => match initial {
                0xf4 => Value::Bool(false),
                0xf5 => Value::Bool(true),
                0xf6 => Value::Null,
                _ => Value::Other(information, number),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, map, text};
    use proptest::prelude::*;

    #[test]
    fn examples_of_rfc_8949_appendix_a() {
        let hex = |digits: &str| -> Vec<u8> {
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
        };
        for (value, digits) in [
            (Value::Unsigned(23), "17"),
            (Value::Unsigned(24), "1818"),
            (Value::Unsigned(1_000_000), "1a000f4240"),
            (Value::Unsigned(u64::MAX), "1bffffffffffffffff"),
            (Value::Negative(6), "26"),
            (Value::Negative(999), "3903e7"),
            (text("水"), "63e6b0b4"),
            (Value::Bytes(vec![1, 2, 3, 4]), "4401020304"),
            (Value::Tag(0, Box::new(text("2013-03-21T20:04:00Z"))), "c074323031332d30332d32315432303a30343a30305a"),
            (map([("a", Value::Unsigned(1)), ("b", Value::Array(vec![Value::Unsigned(2), Value::Unsigned(3)]))]), "a26161016162820203"),
            (Value::Bool(true), "f5"),
            (Value::Null, "f6"),
            (Value::Other(26, 0x47c3_5000), "fa47c35000"),
        ] {
            assert_eq!(value.encode(), hex(digits));
            assert_eq!(Value::decode(&hex(digits)), Some(value));
        }
    }

    #[test]
    fn bombs_are_refused_without_allocation() {
        assert_eq!(Value::decode(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(Value::decode(&[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), None);
        assert_eq!(Value::decode(&vec![0x81; 100_000]), None);
        assert_eq!(Value::decode(&[&[0x9a, 0, 0x02, 0, 0][..], &vec![0xf6; 0x2_0000]].concat()), None, "too many");
        assert_eq!(Value::decode(&[0x9f, 0x01, 0xff]), None, "indefinite");
        assert_eq!(Value::decode(&[0x01, 0x01]), None, "trailing");
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_do_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(value) = Value::decode(&bytes) {
                prop_assert_eq!(Value::decode(&value.encode()), Some(value));
            }
        }
    }
}
