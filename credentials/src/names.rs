//! Labels, addresses and vocabulary of the C2PA specification, version 2, and of the CAWG's training-and-data-mining assertion.

pub(crate) const STORE: &str = "c2pa";
pub(crate) const ASSERTION_STORE: &str = "c2pa.assertions";
pub(crate) const CLAIM: &str = "c2pa.claim.v2";
/// Of claims before version 2 of the specification: read, never written.
pub(crate) const OLD_CLAIM: &str = "c2pa.claim";
pub(crate) const SIGNATURE: &str = "c2pa.signature";

pub(crate) const ACTIONS: &str = "c2pa.actions.v2";
pub(crate) const OLD_ACTIONS: &str = "c2pa.actions";
pub(crate) const DATA_HASH: &str = "c2pa.hash.data";
pub(crate) const INGREDIENT: &str = "c2pa.ingredient.v3";
pub(crate) const TRAINING_MINING: &str = "cawg.training-mining";

/// Every hard binding's label starts so.
pub(crate) const HARD_BINDING_PREFIX: &str = "c2pa.hash.";

pub(crate) const CREATED: &str = "c2pa.created";
pub(crate) const OPENED: &str = "c2pa.opened";
pub(crate) const EDITED: &str = "c2pa.edited";
pub(crate) const METADATA_EDITED: &str = "c2pa.edited.metadata";
pub(crate) const ORIENTATION: &str = "c2pa.orientation";
pub(crate) const RESIZED: &str = "c2pa.resized";
pub(crate) const TRANSCODED: &str = "c2pa.transcoded";
/// A watermark that is not registered as a way to find the manifest.
pub(crate) const WATERMARKED: &str = "c2pa.watermarked.unbound";

/// IPTC's digital source types.
pub(crate) const GENERATED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
pub(crate) const COMPOSITE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// Name under which Danqing appears as claim generator and software agent.
pub(crate) const GENERATOR: &str = "Danqing";

/// Address of a box in the manifest that says so itself.
pub(crate) fn local(label: &str) -> String {
    format!("self#jumbf={ASSERTION_STORE}/{label}")
}

/// Address of a manifest, or of a box in it.
pub(crate) fn absolute(manifest: &str, path: &str) -> String {
    let separator = if path.is_empty() { "" } else { "/" };
    format!("self#jumbf=/{STORE}/{manifest}{separator}{path}")
}

/// Address of an assertion of a manifest.
pub(crate) fn assertion(manifest: &str, label: &str) -> String {
    absolute(manifest, &format!("{ASSERTION_STORE}/{label}"))
}

/// The path inside the manifest `manifest` that `url` points to; nothing if it points elsewhere.
pub(crate) fn path_in<'a>(url: &'a str, manifest: &str) -> Option<&'a str> {
    let path = url.strip_prefix("self#jumbf=")?;
    match path.strip_prefix('/') {
        Some(absolute) => absolute.strip_prefix(STORE)?.strip_prefix('/')?.strip_prefix(manifest)?.strip_prefix('/'),
        None => Some(path),
    }
}
