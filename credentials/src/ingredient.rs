use crate::cbor::{Value, map, text};
use crate::verify::{self, Report};
use crate::{Anchors, Weight, jumbf, names};
use sha2::{Digest as _, Sha256};
use spec::Timestamp;

/// What an ingredient is to the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relationship {
    /// The picture is a changed version of it: inpainting, upscaling.
    Parent,
    /// The model read it to make a new picture: image-to-image, a reference.
    Input,
}

/// A file that went into a picture.
#[derive(Debug, Clone)]
pub struct Ingredient {
    pub(crate) relationship: Relationship,
    title: String,
    media_type: Option<&'static str>,
    /// Its manifests, whole boxes with their labels, the active one last.
    pub(crate) manifests: Vec<(String, Vec<u8>)>,
    /// Address and digest of the active manifest and of its signature, and what checking them came to.
    provenance: Option<Vec<(&'static str, Value)>>,
}

impl Ingredient {
    /// The ingredient in `bytes`, called `title`. A manifest that it carries is checked and taken along, whatever the check says; one that
    /// cannot be read is left.
    pub fn read(bytes: &[u8], title: &str, relationship: Relationship, now: Timestamp) -> Self {
        let mut ingredient = Self {
            relationship,
            title: title.to_owned(),
            media_type: crate::carrier::Carrier::of(bytes).map(crate::carrier::Carrier::media_type),
            manifests: Vec::new(),
            provenance: None,
        };
        if let Some((store, report)) = verify::with_store(bytes, &Anchors::default(), now) {
            ingredient.take_along(&store, &report);
        }
        ingredient
    }

    fn take_along(&mut self, store: &[u8], report: &Report) {
        let Some(store) = jumbf::read(store) else { return };
        let manifests: Vec<_> = store.superboxes().filter(|manifest| manifest.is(jumbf::MANIFEST)).collect();
        let Some(active) = manifests.last() else { return };
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
        let mut entries = vec![(text("dc:title"), text(self.title.clone()))];
        entries.extend(self.media_type.map(|media_type| (text("dc:format"), text(media_type))));
        entries.push((text("relationship"), text(relationship)));
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
