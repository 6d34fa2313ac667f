use crate::read::LabelValues;
use crate::{Finding, ProviderCode};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use spec::{ImplicitLabel, LabelKind};
use std::fmt;

/// The seven keys of GB 45438-2025 annex E, in order.
const KEYS: [&str; 7] = ["Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"];

/// Key that wraps the label outside XMP.
const WRAPPER: &str = "AIGC";

/// Where a value stood, which decides whether it is wrapped in `{"AIGC":…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Xmp,
    Elsewhere,
    /// Under a key of that name, where files have it either way.
    Keyed,
}

/// The label's seven values as JSON text, all of it in 0x21-0x7E; nothing when a value holds another character.
pub(crate) fn write(label: &impl serde::Serialize) -> Option<String> {
    let json = serde_json::to_string(label).ok()?;
    json.bytes().all(is_allowed).then_some(json)
}

/// Judges one label value. The values come back wherever seven strings could be read.
pub(crate) fn read(text: &str, place: Place) -> (Option<LabelValues>, Vec<Finding>) {
    let mut findings = Vec::new();
    let Ok(mut pairs) = parse(text) else {
        return (None, vec![Finding::ValueNotJson]);
    };
    let wrapped = matches!(pairs.as_slice(), [(key, Entry::Object(_))] if key == WRAPPER);
    match place {
        Place::Xmp if wrapped => findings.push(Finding::WrapperUnexpected),
        Place::Elsewhere if !wrapped => findings.push(Finding::WrapperMissing),
        _ => {}
    }
    if wrapped && let Some((_, Entry::Object(inner))) = pairs.pop() {
        pairs = inner;
    }
    check_keys(&pairs, &mut findings);
    if pairs.iter().any(|(_, entry)| !matches!(entry, Entry::String(_))) {
        findings.push(Finding::ValueNotString);
    }
    let value = |wanted: &str| {
        pairs.iter().find_map(|(key, entry)| match entry {
            Entry::String(text) if key == wanted => Some(text.clone()),
            _ => None,
        })
    };
    let values = LabelValues {
        label: value("Label").unwrap_or_default(),
        content_producer: value("ContentProducer").unwrap_or_default(),
        produce_id: value("ProduceID").unwrap_or_default(),
        reserved_code_1: value("ReservedCode1").unwrap_or_default(),
        content_propagator: value("ContentPropagator").unwrap_or_default(),
        propagate_id: value("PropagateID").unwrap_or_default(),
        reserved_code_2: value("ReservedCode2").unwrap_or_default(),
    };
    check_values(&values, &mut findings);
    (Some(values), findings)
}

/// The label as Danqing itself would have written it, where the values allow.
pub(crate) fn to_label(values: &LabelValues) -> Option<ImplicitLabel> {
    Some(ImplicitLabel {
        label: match values.label.as_str() {
            "1" => LabelKind::Generated,
            "2" => LabelKind::MayBeGenerated,
            "3" => LabelKind::SuspectedGenerated,
            _ => return None,
        },
        content_producer: values.content_producer.clone(),
        produce_id: values.produce_id.parse().ok()?,
        reserved_code_1: values.reserved_code_1.clone(),
        content_propagator: values.content_propagator.clone(),
        propagate_id: values.propagate_id.clone(),
        reserved_code_2: values.reserved_code_2.clone(),
    })
}

/// Annex E j): GB 18030 code points 0x21 to 0x7E only.
fn is_allowed(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte)
}

fn check_keys(pairs: &[(String, Entry)], findings: &mut Vec<Finding>) {
    let count = |wanted: &str| pairs.iter().filter(|(key, _)| key == wanted).count();
    let positions = |wanted: &str| KEYS.iter().position(|key| *key == wanted);
    if KEYS.iter().any(|key| count(key) == 0) {
        findings.push(Finding::KeyMissing);
    }
    if KEYS.iter().any(|key| count(key) > 1) {
        findings.push(Finding::KeyDuplicate);
    }
    if pairs.iter().any(|(key, _)| positions(key).is_none()) {
        findings.push(Finding::KeyUnknown);
    }
    let known = pairs.iter().filter_map(|(key, _)| positions(key));
    if !known.is_sorted() {
        findings.push(Finding::KeyOrder);
    }
}

fn check_values(values: &LabelValues, findings: &mut Vec<Finding>) {
    if !values.all().iter().all(|value| value.bytes().all(is_allowed)) {
        findings.push(Finding::CharacterSet);
    }
    let producer_complete = !values.content_producer.is_empty() && !values.produce_id.is_empty();
    match values.label.as_str() {
        "1" => {
            if values.content_producer.is_empty() {
                findings.push(Finding::ProducerMissing);
            }
            if values.produce_id.is_empty() {
                findings.push(Finding::ProduceIdMissing);
            }
        }
        "2" | "3" => {
            let propagator_complete = !values.content_propagator.is_empty() && !values.propagate_id.is_empty();
            if !producer_complete && !propagator_complete {
                findings.push(Finding::PropagatorMissing);
            }
        }
        _ => findings.push(Finding::LabelValue),
    }
    if !values.content_producer.is_empty() && values.content_producer.parse::<ProviderCode>().is_err() {
        findings.push(Finding::ProducerNotACode);
    }
    if !values.produce_id.is_empty() && values.produce_id.parse::<spec::ProduceId>().is_err() {
        findings.push(Finding::ProduceIdNotUuid);
    }
}

/// A JSON value of a label. Objects keep duplicates and order, which a map would hide.
enum Entry {
    String(String),
    Object(Vec<(String, Entry)>),
    Other,
}

fn parse(text: &str) -> Result<Vec<(String, Entry)>, serde_json::Error> {
    match serde_json::from_str::<Entry>(text)? {
        Entry::Object(pairs) => Ok(pairs),
        Entry::String(_) | Entry::Other => Err(serde_json::Error::custom("not an object")),
    }
}

impl<'de> serde::Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
        Ok(Entry::String(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Entry, A::Error> {
        while items.next_element::<Value>()?.is_some() {}
        Ok(Entry::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            pairs.push((key, map.next_value::<Entry>()?));
        }
        Ok(Entry::Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, read};
    use crate::Finding;

    const GOOD: &str = r#"{"Label":"1","ContentProducer":"001191110000100006666010001","ProduceID":"0192f0c1-7e2a-7b3c-8d4e-5f60718293a4","ReservedCode1":"","ContentPropagator":"","PropagateID":"","ReservedCode2":""}"#;

    fn findings(text: &str) -> Vec<Finding> {
        read(text, Place::Xmp).1
    }

    #[test]
    fn each_fault_has_its_finding() {
        assert_eq!(findings(GOOD), []);
        let escaped_quote = GOOD.replace("\"ReservedCode1\":\"\"", r#""ReservedCode1":"\"x\"""#);
        assert_eq!(findings(&escaped_quote), []);
        for (from, to, expected) in [
            ("\"ReservedCode1\":\"\"", "\"ReservedCode1\":\"a b\"", vec![Finding::CharacterSet]),
            ("\"ReservedCode1\":\"\"", "\"ReservedCode1\":\"\\u0020\"", vec![Finding::CharacterSet]),
            ("\"ReservedCode1\":\"\"", "\"ReservedCode1\":\"\u{7f}\"", vec![Finding::CharacterSet]),
            ("001191110000100006666010001", "某公司", vec![Finding::CharacterSet, Finding::ProducerNotACode]),
            ("001191110000100006666010001", "MiniMax", vec![Finding::ProducerNotACode]),
            ("001191110000100006666010001", "", vec![Finding::ProducerMissing]),
            ("0192f0c1-7e2a-7b3c-8d4e-5f60718293a4", "", vec![Finding::ProduceIdMissing]),
            ("0192f0c1-7e2a-7b3c-8d4e-5f60718293a4", "42", vec![Finding::ProduceIdNotUuid]),
            ("\"Label\":\"1\"", "\"Label\":\"4\"", vec![Finding::LabelValue]),
            ("\"Label\":\"1\"", "\"Label\":1", vec![Finding::ValueNotString, Finding::LabelValue]),
            ("\"Label\":\"1\",", "", vec![Finding::KeyMissing, Finding::LabelValue]),
            ("\"Label\":\"1\"", "\"Label\":\"1\",\"Label\":\"1\"", vec![Finding::KeyDuplicate]),
            ("\"Label\":\"1\"", "\"Label\":\"1\",\"x\":\"1\"", vec![Finding::KeyUnknown]),
            (
                "\"ReservedCode1\":\"\",\"ContentPropagator\":\"\"",
                "\"ContentPropagator\":\"\",\"ReservedCode1\":\"\"",
                vec![Finding::KeyOrder],
            ),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD);
            assert_eq!(findings(&text), expected, "{text}");
        }
        for text in ["", "1", "[]", "{", "\"x\"", "null", &format!("{GOOD}{GOOD}"), &"{\"AIGC\":".repeat(100_000)] {
            assert_eq!(findings(text), [Finding::ValueNotJson]);
        }
    }

    #[test]
    fn the_wrapper_belongs_outside_xmp() {
        let wrapped = format!("{{\"AIGC\":{GOOD}}}");
        assert_eq!(findings(&wrapped), [Finding::WrapperUnexpected]);
        assert_eq!(read(&wrapped, Place::Elsewhere).1, []);
        assert_eq!(read(GOOD, Place::Elsewhere).1, [Finding::WrapperMissing]);
    }
}
