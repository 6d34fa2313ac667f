//! The header of a safetensors file, checked before any value is read.
//!
//! ```text
//! u64 little-endian N │ N bytes of JSON {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …} │ values
//! ```
#![deny(clippy::indexing_slicing)]

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::Range;

/// The format's own limit on the length of the JSON.
const LONGEST_HEADER: usize = 100_000_000;
/// Bytes before the JSON.
const LENGTH_BYTES: usize = 8;
/// No tensor of a model has more axes; a longer list is damage.
const MOST_AXES: usize = 8;

/// An element type that files may hold. Only [`crate::DataType`]s and F16 can be read as tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
#[serde(rename_all = "UPPERCASE")]
pub enum ElementType {
    Bool,
    U8,
    I8,
    #[serde(rename = "F8_E5M2")]
    F8E5M2,
    #[serde(rename = "F8_E4M3")]
    F8E4M3,
    I16,
    U16,
    F16,
    Bf16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl ElementType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 | Self::F8E5M2 | Self::F8E4M3 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        serde::Serialize::serialize(self, formatter)
    }
}

/// Where one tensor lies in the file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub element_type: ElementType,
    pub shape: Vec<usize>,
    /// From the start of the file.
    pub range: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Header {
    pub entries: BTreeMap<String, Entry>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: ElementType,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

struct RawHeader {
    entries: BTreeMap<String, RawEntry>,
    metadata: BTreeMap<String, String>,
}

/// Checks everything about the header of `file`; the error says what is wrong and with which tensor.
pub(super) fn read(file: &[u8]) -> Result<Header, String> {
    let (length, rest) = file.split_first_chunk::<LENGTH_BYTES>().ok_or("the file is shorter than a safetensors header")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST_HEADER {
        return Err(format!("the header claims {length} bytes, more than the format allows"));
    }
    let json = rest.get(..length).ok_or_else(|| format!("the header claims {length} bytes, the file is truncated at {}", file.len()))?;
    if json.first() != Some(&b'{') {
        return Err("the header is not a JSON object".into());
    }
    let raw = parse(json).map_err(|error| format!("the header cannot be read: {error}"))?;
    let start = LENGTH_BYTES + length;
    let mut entries = BTreeMap::new();
    for (name, entry) in raw.entries {
        let entry = place(&entry, start, file.len()).map_err(|problem| format!("tensor {name:?}: {problem}"))?;
        entries.insert(name, entry);
    }
    check_cover(&entries, start, file.len())?;
    Ok(Header { entries, metadata: raw.metadata })
}

fn place(entry: &RawEntry, start: usize, file_length: usize) -> Result<Entry, String> {
    let (begin, end) = entry.data_offsets;
    if entry.shape.len() > MOST_AXES {
        return Err(format!("{} axes", entry.shape.len()));
    }
    let bytes = entry.shape.iter().try_fold(entry.dtype.bytes(), |product, &size| product.checked_mul(size));
    let Some(bytes) = bytes else {
        return Err(format!("shape {:?} is larger than any memory", entry.shape));
    };
    if end.checked_sub(begin) != Some(bytes) {
        return Err(format!("offsets {begin}..{end} do not hold {bytes} bytes, which shape {:?} of {} needs", entry.shape, entry.dtype));
    }
    match (start.checked_add(begin), start.checked_add(end)) {
        (Some(begin), Some(end)) if end <= file_length => {
            Ok(Entry { element_type: entry.dtype, shape: entry.shape.clone(), range: begin..end })
        }
        _ => Err(format!("offsets {begin}..{end} lie beyond the end of the file, which is truncated or damaged")),
    }
}

/// Tensors must cover the values exactly: hidden bytes and shared bytes are both refused.
fn check_cover(entries: &BTreeMap<String, Entry>, start: usize, file_length: usize) -> Result<(), String> {
    let mut in_file_order: Vec<(&String, &Entry)> = entries.iter().collect();
    in_file_order.sort_by_key(|(_, entry)| (entry.range.start, entry.range.end));
    let mut covered = start;
    for (name, entry) in in_file_order {
        if entry.range.start < covered {
            return Err(format!("tensor {name:?}: its bytes overlap another tensor"));
        }
        if entry.range.start > covered {
            return Err(format!("tensor {name:?}: {} bytes before it belong to no tensor", entry.range.start - covered));
        }
        covered = entry.range.end;
    }
    if covered != file_length {
        return Err(format!("{} bytes at the end belong to no tensor", file_length - covered));
    }
    Ok(())
}

/// Reads the JSON object by hand because a plain map would let a second tensor of the same name replace the first.
fn parse(json: &[u8]) -> Result<RawHeader, serde_json::Error> {
    struct HeaderVisitor;
    impl<'de> Visitor<'de> for HeaderVisitor {
        type Value = RawHeader;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object of tensors")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
            let mut header = RawHeader { entries: BTreeMap::new(), metadata: BTreeMap::new() };
            let mut has_metadata = false;
            while let Some(name) = map.next_key::<String>()? {
                if name == "__metadata__" {
                    if has_metadata {
                        return Err(A::Error::custom("__metadata__ occurs twice"));
                    }
                    has_metadata = true;
                    header.metadata = map.next_value()?;
                    continue;
                }
                let entry = map.next_value().map_err(|error| A::Error::custom(format!("tensor {name:?}: {error}")))?;
                match header.entries.entry(name) {
                    btree_map::Entry::Vacant(place) => place.insert(entry),
                    btree_map::Entry::Occupied(place) => return Err(A::Error::custom(format!("tensor {:?} occurs twice", place.key()))),
                };
            }
            Ok(header)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let header = deserializer.deserialize_map(HeaderVisitor)?;
    deserializer.end()?;
    Ok(header)
}
