//! Binary glTF: no guide names a place. Ours is the ratified extension `KHR_xmp_json_ld`: a packet with the property `TC260:AIGC`, which the
//! asset refers to.
//!
//! ```text
//! asset.extensions.KHR_xmp_json_ld      {"packet": 0}
//! extensions.KHR_xmp_json_ld.packets[0] {"@context": {"TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/"}, "TC260:AIGC": "<JSON of the label>"}
//! extensionsUsed                        […, "KHR_xmp_json_ld"]
//! ```

use super::json_members::with_members;
use super::{Container, Cursor, DAMAGED, Metadata, Obstacle, Payload, TOO_LARGE};
use crate::{Finding, packet};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use spec::FileFormat;

const SIGNATURE: &[u8] = b"glTF\x02\0\0\0";
const EXTENSION: &str = "KHR_xmp_json_ld";
const CONTEXT: &str = "@context";
/// Type of the chunk that holds JSON.
const JSON: [u8; 4] = *b"JSON";
/// Longest JSON that is read: scenes of a hundred thousand nodes are below it.
const JSON_LIMIT: usize = 64 << 20;

/// Binary glTF 2.0.
pub(super) struct Glb;

impl Container for Glb {
    const FORMAT: FileFormat = FileFormat::Glb;

    fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(SIGNATURE)
    }

    fn walk<'a>(bytes: &'a [u8], metadata: &mut Metadata<'a>) -> Option<()> {
        let (json, _) = parts(bytes)?;
        if json.len() > JSON_LIMIT {
            metadata.note(Finding::MetadataTooLarge);
            return Some(());
        }
        let scene: Scene = serde_json::from_slice(json).ok()?;
        let asset_packet = scene.asset_packet();
        for (index, packet) in scene.packets().iter().enumerate() {
            let Some(packet) = packet.as_object() else { continue };
            for (key, value) in packet.iter().filter(|(key, _)| key.rsplit(':').next() == Some("AIGC")) {
                let namespace = key.strip_suffix(":AIGC").and_then(|prefix| packet.get(CONTEXT)?.get(prefix)?.as_str());
                if namespace != Some(packet::TC260) {
                    metadata.note(Finding::NamespaceUnknown);
                }
                if asset_packet != Some(index) {
                    metadata.note(Finding::PropertyMisplaced);
                }
                metadata.add(Payload::Value(value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
        Some(())
    }

    fn write(bytes: &[u8], label: &str) -> Result<Vec<u8>, Obstacle> {
        let (json, rest) = parts(bytes).ok_or(DAMAGED)?;
        if json.len() > JSON_LIMIT {
            return Err(TOO_LARGE);
        }
        let text = std::str::from_utf8(json).map_err(|_| DAMAGED)?.trim_end_matches([' ', '\0']);
        let mut scene: Scene = serde_json::from_str(text).map_err(|_| DAMAGED)?;
        let mut packets = scene.packets().to_vec();
        let labelled = |packet: &Value| packet.as_object().is_some_and(|packet| packet.keys().any(|key| key.ends_with(":AIGC")));
        let index =
            packets.iter().position(labelled).or(scene.asset_packet().filter(|index| *index < packets.len())).unwrap_or_else(|| {
                packets.push(json!({}));
                packets.len() - 1
            });
        let packet = packets.get_mut(index).and_then(Value::as_object_mut).ok_or(DAMAGED)?;
        packet.retain(|key, _| !key.ends_with(":AIGC"));
        let context = packet.entry(CONTEXT).or_insert_with(|| json!({})).as_object_mut().ok_or(DAMAGED)?;
        context.insert("TC260".to_owned(), packet::TC260.into());
        packet.insert("TC260:AIGC".to_owned(), label.into());

        child(&mut scene.extensions, EXTENSION)?.insert("packets".to_owned(), packets.into());
        let asset = child(&mut scene.asset, "extensions")?;
        child(asset, EXTENSION)?.insert("packet".to_owned(), index.into());
        if !scene.used.iter().any(|used| used == EXTENSION) {
            scene.used.push(EXTENSION.into());
        }
        let changes = [
            ("asset", Value::from(scene.asset).to_string()),
            ("extensionsUsed", Value::from(scene.used).to_string()),
            ("extensions", Value::from(scene.extensions).to_string()),
        ];
        let mut json = with_members(text, &changes).ok_or(DAMAGED)?.into_bytes();
        // Chunks are padded to four bytes, JSON with spaces.
        json.resize(json.len().next_multiple_of(4), b' ');
        let length = u32::try_from(json.len()).map_err(|_| TOO_LARGE)?;
        let whole = u32::try_from(20 + json.len() + rest.len()).map_err(|_| TOO_LARGE)?;
        Ok([SIGNATURE, &whole.to_le_bytes(), &length.to_le_bytes(), &JSON, &json, rest].concat())
    }
}

/// The JSON chunk, which comes first, and all that follows it.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(8)?;
    let length = usize::try_from(u32::from_le_bytes(cursor.array()?)).ok()?;
    let mut cursor = Cursor::new(cursor.rest.get(..length.checked_sub(12)?)?);
    let length = usize::try_from(u32::from_le_bytes(cursor.array()?)).ok()?;
    if cursor.array()? != JSON {
        return None;
    }
    Some((cursor.take(length)?, cursor.rest))
}

/// What of the scene is read; the rest is skipped without being kept.
#[derive(Deserialize)]
struct Scene {
    #[serde(default)]
    asset: Map<String, Value>,
    #[serde(default)]
    extensions: Map<String, Value>,
    #[serde(default, rename = "extensionsUsed")]
    used: Vec<Value>,
}

impl Scene {
    fn packets(&self) -> &[Value] {
        self.extensions.get(EXTENSION).and_then(|extension| extension.get("packets")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Which packet is about the asset.
    fn asset_packet(&self) -> Option<usize> {
        let index = self.asset.get("extensions")?.get(EXTENSION)?.get("packet")?.as_u64()?;
        usize::try_from(index).ok()
    }
}

/// The object under that key, made where there is none.
fn child<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Map<String, Value>, Obstacle> {
    parent.entry(key).or_insert_with(|| json!({})).as_object_mut().ok_or(DAMAGED)
}
