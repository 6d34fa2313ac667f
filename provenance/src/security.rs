//! Security data of the implicit label: a signature over the producer's (or the propagator's) fields, after TC260-PG-202511A as
//! far as we could read it.
//!
//! ```text
//! ReservedCode1 = {"SecurityData":{"Type":"TC260PG","Version":1,"PubSD":[
//!                   {"Type":"DS","AlgID":"1.3.101.112","KeyID":1,"TBSData":{"Type":"Md"},"Signature":"<hexadecimal>"},
//!                   {"Type":"PubKey","AlgID":"1.3.101.112","KeyID":1,"KeyValue":"<hexadecimal>"}]}}     one line, no spaces
//! message       = "Label":"1","ContentProducer":"…","ProduceID":"…"                appendix A.1; JSON strings, no braces
//! ReservedCode2 = the same over "Label":"1","ContentPropagator":"…","PropagateID":"…"       by analogy, ours
//!
//! AlgID 1.3.101.112          Ed25519 (RFC 8032); signature 64 bytes, key 32 bytes
//!       1.2.156.10197.1.501  SM3withSM2 (GB/T 32918); signature DER, key 04 ‖ x ‖ y; needs the feature `gm`
//! ```
//!
//! The key travels in the label, so a valid signature shows that the three fields belong together; who signed them only a
//! pinned key shows. The picture itself is not part of the message.

mod key;
#[cfg(feature = "gm")]
mod sm2;

pub use key::{Algorithm, LabelKey, LabelPublicKey};

use crate::LabelValues;
use serde::Serialize;
use serde_json::{Value, json};

/// Longest text that is looked into: a signature and a key take a few hundred bytes, a certificate some thousand.
const LENGTH_LIMIT: usize = 16 * 1024;
/// Signatures that are checked in one field.
const SIGNATURE_LIMIT: usize = 4;

/// Which fields a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    Producer,
    Propagator,
}

/// What a field of security data says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Security {
    /// The field is empty.
    #[default]
    Absent,
    /// It holds something that is no signature over the label, which the standard allows.
    Opaque,
    /// It holds a signature that this build cannot check.
    Unsupported {
        /// Object identifier of the algorithm.
        algorithm: String,
    },
    /// The signature does not fit the label: a field was changed, or the signature is damaged.
    Invalid,
    /// The signature fits.
    Valid {
        /// The key in the label that it was checked with.
        key: LabelPublicKey,
    },
}

/// The security data of `values`, to stand in the party's reserved field.
pub(crate) fn sign(key: &LabelKey, values: &LabelValues, party: Party) -> String {
    let (public, algorithm) = (key.public(), key.algorithm().oid());
    let signature = hexadecimal(&key.sign(message(values, party).as_bytes()));
    let entries = json!([
        {"Type": "DS", "AlgID": algorithm, "KeyID": 1, "TBSData": {"Type": "Md"}, "Signature": signature},
        {"Type": "PubKey", "AlgID": algorithm, "KeyID": 1, "KeyValue": hexadecimal(public.as_bytes())},
    ]);
    json!({"SecurityData": {"Type": "TC260PG", "Version": 1, "PubSD": entries}}).to_string()
}

/// Checks the party's signature over `values`.
pub(crate) fn check(values: &LabelValues, party: Party) -> Security {
    let text = match party {
        Party::Producer => &values.reserved_code_1,
        Party::Propagator => &values.reserved_code_2,
    };
    if text.is_empty() {
        return Security::Absent;
    }
    let Some(entries) = public_entries(text) else { return Security::Opaque };
    let message = message(values, party);
    let mut found = Security::Opaque;
    for entry in entries.iter().filter(|entry| is_label_signature(entry)).take(SIGNATURE_LIMIT) {
        match check_one(entry, &entries, message.as_bytes()) {
            Security::Invalid => return Security::Invalid,
            checked @ Security::Valid { .. } if !matches!(found, Security::Valid { .. }) => found = checked,
            unsupported @ Security::Unsupported { .. } if found == Security::Opaque => found = unsupported,
            _ => {}
        }
    }
    found
}

/// The list `PubSD`, which one producer spells `PubSd`.
fn public_entries(text: &str) -> Option<Vec<Value>> {
    if text.len() > LENGTH_LIMIT {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let data = value.get("SecurityData")?;
    if data.get("Type")?.as_str()? != "TC260PG" {
        return None;
    }
    data.get("PubSD").or_else(|| data.get("PubSd"))?.as_array().cloned()
}

/// `Md` is the guide's word, the other one is seen in the wild.
fn is_label_signature(entry: &Value) -> bool {
    let covers = entry.get("TBSData").and_then(|data| data.get("Type")).and_then(Value::as_str);
    entry.get("Type").and_then(Value::as_str) == Some("DS") && matches!(covers, Some("Md" | "LabelMataData"))
}

fn check_one(entry: &Value, entries: &[Value], message: &[u8]) -> Security {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let oid = text(entry, "AlgID");
    let Some(algorithm) = Algorithm::of_oid(&oid).filter(|algorithm| algorithm.is_built_in()) else {
        return Security::Unsupported { algorithm: oid.chars().take(64).collect() };
    };
    let key_of = |value: &Value| value.get("KeyID").cloned().unwrap_or_else(|| json!(0));
    let matching =
        entries.iter().find(|other| text(other, "Type") == "PubKey" && text(other, "AlgID") == oid && key_of(other) == key_of(entry));
    let key = matching.and_then(|other| bytes(&text(other, "KeyValue"))).and_then(|bytes| LabelPublicKey::new(algorithm, &bytes));
    let signature = bytes(&text(entry, "Signature"));
    match (key, signature) {
        (Some(key), Some(signature)) if key.verifies(message, &signature) => Security::Valid { key },
        _ => Security::Invalid,
    }
}

fn message(values: &LabelValues, party: Party) -> String {
    let fields = match party {
        Party::Producer => [("Label", &values.label), ("ContentProducer", &values.content_producer), ("ProduceID", &values.produce_id)],
        Party::Propagator => {
            [("Label", &values.label), ("ContentPropagator", &values.content_propagator), ("PropagateID", &values.propagate_id)]
        }
    };
    fields.map(|(name, value)| format!("\"{name}\":{}", Value::from(value.as_str()))).join(",")
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    }
    text
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    if !hexadecimal.len().is_multiple_of(2) || !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = hexadecimal.as_bytes().chunks_exact(2);
    pairs.map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}
