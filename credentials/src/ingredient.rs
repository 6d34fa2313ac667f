use crate::cbor::{Value, map, text};
use crate::verify::{self, Report};
use crate::{Anchors, Weight, jumbf, names};
use sha2::{Digest as _, Sha256};
use spec::{Sha256Digest, Timestamp};
use std::collections::HashSet;

/// What an ingredient is to the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// The picture is a changed version of it: inpainting, upscaling.
    Parent,
    /// The model read it to make a new picture: image-to-image, a reference.
    Input,
}

/// A file to take in as an ingredient.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// The manifest store that lies beside it, for a file with none inside.
    pub sidecar: Option<&'a [u8]>,
    /// What others may know it by; nothing where its name is nobody's business.
    pub title: Option<&'a str>,
}

/// A file that went into a picture.
#[derive(Debug, Clone)]
pub struct Ingredient {
    pub(crate) relationship: Relationship,
    title: Option<String>,
    /// Which file it was, for whoever has it or its record.
    description: String,
    media_type: Option<&'static str>,
    /// Its manifests, whole boxes with their labels, the active one last.
    pub(crate) manifests: Vec<(String, Vec<u8>)>,
    /// Address and digest of the active manifest and of its signature, and what checking them came to.
    provenance: Option<Vec<(&'static str, Value)>>,
}

impl Ingredient {
    /// The ingredient in `source`. A manifest that it carries is checked and taken along, whatever the check says, which is written down
    /// beside it; one that cannot be read is left.
    pub fn read(source: &Source<'_>, relationship: Relationship, now: Timestamp) -> Self {
        let mut ingredient = Self {
            relationship,
            title: source.title.map(str::to_owned),
            description: format!("SHA-256 {}", Sha256Digest::of(source.bytes)),
            media_type: crate::carrier::Carrier::of(source.bytes).map(crate::carrier::Carrier::media_type),
            manifests: Vec::new(),
            provenance: None,
        };
        if let Some((store, report)) = verify::with_store(source.bytes, source.sidecar, &Anchors::default(), now) {
            ingredient.take_along(&store, &report);
        }
        ingredient
    }

    fn take_along(&mut self, store: &[u8], report: &Report) {
        let Some(store) = jumbf::read(store) else { return };
        // Update manifests and compressed ones too: what is not understood here may be by others.
        let manifests: Vec<_> = store.superboxes().collect();
        let Some(active) = manifests.last() else { return };
        // A reader could not tell which of two of one name is meant.
        let labels: HashSet<&str> = manifests.iter().map(|manifest| manifest.label).collect();
        if labels.len() != manifests.len() {
            return;
        }
        let Some(signature) = active.superboxes().find(|part| part.is(jumbf::SIGNATURE)) else { return };
        let reference = |url: String, payload: &[u8]| map([("url", text(url)), ("hash", Value::Bytes(Sha256::digest(payload).to_vec()))]);
        self.manifests = manifests.iter().map(|manifest| (manifest.label.to_owned(), manifest.whole.to_vec())).collect();
        self.provenance = Some(vec![
            ("validationResults", results(report)),
            ("activeManifest", reference(names::absolute(active.label, ""), active.payload)),
            ("claimSignature", reference(names::absolute(active.label, signature.label), signature.payload)),
        ]);
    }

    /// The content of its assertion.
    pub(crate) fn assertion(&self) -> Value {
        let relationship = match self.relationship {
            Relationship::Parent => "parentOf",
            Relationship::Input => "inputTo",
        };
        let mut entries: Vec<_> = self.title.iter().map(|title| (text("dc:title"), text(title.clone()))).collect();
        entries.extend(self.media_type.map(|media_type| (text("dc:format"), text(media_type))));
        entries.push((text("relationship"), text(relationship)));
        entries.push((text("description"), text(self.description.clone())));
        entries.extend(self.provenance.iter().flatten().map(|(key, value)| (text(*key), value.clone())));
        Value::Map(entries)
    }
}

/// C2PA's map of what a validator found; our own codes are not for others.
fn results(report: &Report) -> Value {
    let with = |weight| {
        let found = report.statuses.iter().filter(|status| status.code.weight() == weight && !status.code.name().starts_with("danqing."));
        Value::Array(found.map(|status| map([("code", text(status.code.name())), ("url", text(status.url.clone()))])).collect())
    };
    map([(
        "activeManifest",
        map([("success", with(Weight::Success)), ("informational", with(Weight::Note)), ("failure", with(Weight::Failure))]),
    )])
}
