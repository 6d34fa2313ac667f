use crate::carrier::{Carrier, Search};
use crate::cbor::{Value, map, text};
use crate::ingredient::Ingredient;
use crate::{Anchors, Change, Error, Signer, Verdict, actions, cose, jumbf, names, verify};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use spec::{ProduceId, Sha256Digest, Timestamp};
use std::ops::Range;

/// Whether others may train on a picture or mine it, for `cawg.training-mining`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum TrainingUse {
    /// They may not.
    #[default]
    #[serde(rename = "notAllowed")]
    NotAllowed,
    /// They may.
    #[serde(rename = "allowed")]
    Allowed,
}

/// What a manifest says of one file.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// The file's own id: it names the instance, and its moment is the time of what was done.
    pub produce_id: ProduceId,
    /// What was done.
    pub deed: Deed<'a>,
    /// Files that went into it; none for a picture made from text alone.
    pub ingredients: &'a [Ingredient],
}

/// How a file came to be.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// A model drew it, or drew in it.
    Generated {
        /// Whether the pixels carry the invisible watermark.
        watermarked: bool,
        /// What others may do with it.
        training_use: TrainingUse,
    },
    /// Its one parent, which is somebody's, was changed in these ways; nothing was drawn by a model, and what others may do with it stays for
    /// the parent's manifest to say.
    Changed(&'a [Change]),
}

/// Puts a signed manifest into a PNG, JPEG or WebP file, whose other bytes it covers, and hands out the file only if it verifies.
/// The same file, statement and signer give the same bytes.
pub fn embed(bytes: &[u8], statement: &Statement<'_>, signer: &Signer, now: Timestamp) -> Result<Vec<u8>, Error> {
    let carrier = Carrier::of(bytes).ok_or(Error::CannotEmbed)?;
    match carrier.find(bytes) {
        Search::Absent => {}
        Search::Damaged => return Err(Error::CannotEmbed),
        Search::Found(_) | Search::Several => return Err(Error::AlreadySigned),
    }
    let place = carrier.place(bytes).ok_or(Error::CannotEmbed)?;
    let draft = Draft::new(statement)?;
    // The manifest names its own length, whose digits are part of it: from below, this settles within the few widths of a number.
    let (mut length, mut padding) = (0, 0);
    loop {
        let store = draft.store(Some(place..place + length), padding, &[0; 32], |_| [0; 64].to_vec(), signer)?;
        if store.len() % 2 == 1 {
            // An odd chunk of RIFF has a byte behind it that readers count differently.
            padding = 1 - padding;
            continue;
        }
        let needed = carrier.wrap(&store).ok_or(Error::CannotEmbed)?.len();
        if needed == length {
            break;
        }
        length = needed;
    }
    let mut file = bytes.to_vec();
    carrier.announce(&mut file, bytes.len() + length).ok_or(Error::CannotEmbed)?;
    let (before, after) = file.split_at_checked(place).ok_or(Error::CannotEmbed)?;
    let digest = Sha256::new().chain_update(before).chain_update(after).finalize();
    let store = draft.store(Some(place..place + length), padding, &digest, |message| signer.sign(message), signer)?;
    let signed = [before, &carrier.wrap(&store).ok_or(Error::CannotEmbed)?, after].concat();
    check(&verify::verify(&signed, &Anchors::default(), now))?;
    Ok(signed)
}

/// The file without any manifest store inside, damaged ones included; nothing if it has none, or one that cannot be cut out whole.
pub fn remove(bytes: &[u8]) -> Option<Vec<u8>> {
    let carrier = Carrier::of(bytes)?;
    let regions = carrier.regions(bytes).filter(|regions| !regions.is_empty())?;
    let mut file = bytes.to_vec();
    for region in regions.into_iter().rev() {
        file.drain(region);
    }
    let length = file.len();
    carrier.announce(&mut file, length)?;
    Some(file)
}

/// A signed manifest store for a file that cannot carry it, to lie beside it with the ending `.c2pa`.
pub fn sidecar(bytes: &[u8], statement: &Statement<'_>, signer: &Signer, now: Timestamp) -> Result<Vec<u8>, Error> {
    let store = Draft::new(statement)?.store(None, 0, &Sha256::digest(bytes), |message| signer.sign(message), signer)?;
    check(&verify::verify_sidecar(bytes, &store, &Anchors::default(), now))?;
    Ok(store)
}

fn check(report: &verify::Report) -> Result<(), Error> {
    // A chain that ends in an RSA certificate cannot be followed here, and is none the worse for it.
    let codes = || report.statuses.iter().map(|status| status.code).collect();
    if matches!(report.verdict, Verdict::Valid) { Ok(()) } else { Err(Error::ReadBackDiffers(codes())) }
}

/// All of a manifest that does not depend on the file's bytes.
struct Draft {
    label: String,
    instance: String,
    /// Label and box.
    assertions: Vec<(String, Vec<u8>)>,
    ingredients_manifests: Vec<Vec<u8>>,
}

impl Draft {
    fn new(statement: &Statement<'_>) -> Result<Self, Error> {
        let mut assertions = Vec::new();
        let mut references = Vec::new();
        for (index, ingredient) in statement.ingredients.iter().enumerate() {
            let label = if index == 0 { names::INGREDIENT.to_owned() } else { format!("{}__{index}", names::INGREDIENT) };
            let assertion = assertion(&label, &ingredient.assertion());
            references.push((ingredient.relationship, reference(&label, &assertion)));
            assertions.push((label, assertion));
        }
        let actions = actions::of(statement, &references, generator)?;
        assertions.push((names::ACTIONS.to_owned(), assertion(names::ACTIONS, &actions)));
        if let Deed::Generated { training_use, .. } = statement.deed {
            assertions.push((names::TRAINING_MINING.to_owned(), assertion(names::TRAINING_MINING, &training_mining(training_use))));
        }
        let label = format!("urn:c2pa:{}", manifest_uuid(statement.produce_id));
        Ok(Self {
            instance: format!("xmp:iid:{}", statement.produce_id),
            assertions,
            ingredients_manifests: collect_manifests(statement.ingredients, &label)?,
            label,
        })
    }

    fn store(
        &self,
        exclusion: Option<Range<usize>>,
        padding: usize,
        digest: &[u8],
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
        signer: &Signer,
    ) -> Result<Vec<u8>, Error> {
        let binding = assertion(names::DATA_HASH, &data_hash(exclusion, padding, digest));
        let mut created: Vec<Value> = self.assertions.iter().map(|(label, whole)| reference(label, whole)).collect();
        created.push(reference(names::DATA_HASH, &binding));
        let claim = map([
            ("instanceID", text(self.instance.clone())),
            ("claim_generator_info", generator()),
            ("signature", text(names::absolute(&self.label, names::SIGNATURE))),
            ("created_assertions", Value::Array(created)),
            ("alg", text("sha256")),
        ])
        .encode();
        let signature = cose::sign(signer.algorithm(), signer.chain(), &claim, sign);
        let assertions = self.assertions.iter().map(|(_, whole)| whole.clone()).chain([binding]).collect::<Vec<_>>();
        let parts = [
            jumbf::superbox(jumbf::ASSERTIONS, names::ASSERTION_STORE, &assertions),
            jumbf::superbox(jumbf::CLAIM, names::CLAIM, &[jumbf::plain(jumbf::CBOR, &claim)]),
            jumbf::superbox(jumbf::SIGNATURE, names::SIGNATURE, &[jumbf::plain(jumbf::CBOR, &signature)]),
        ];
        let manifest = jumbf::superbox(jumbf::MANIFEST, &self.label, &parts);
        let manifests: Vec<_> = self.ingredients_manifests.iter().cloned().chain([manifest]).collect();
        let store = jumbf::superbox(jumbf::STORE, names::STORE, &manifests);
        // Lengths have 32 bits.
        u32::try_from(store.len()).map(|_| store).map_err(|_| Error::CannotEmbed)
    }
}

/// Each manifest once, though two ingredients may bring it; none that is called like ours.
fn collect_manifests(ingredients: &[Ingredient], own: &str) -> Result<Vec<Vec<u8>>, Error> {
    let mut collected: Vec<(&str, &Vec<u8>)> = Vec::new();
    for (label, whole) in ingredients.iter().flat_map(|ingredient| &ingredient.manifests) {
        if label == own {
            return Err(Error::IngredientsConflict(label.clone()));
        }
        match collected.iter().find(|(known, _)| known == label) {
            Some((_, known)) if *known == whole => {}
            Some(_) => return Err(Error::IngredientsConflict(label.clone())),
            None => collected.push((label, whole)),
        }
    }
    Ok(collected.into_iter().map(|(_, whole)| whole.clone()).collect())
}

/// C2PA wants a version 4 UUID; this one is drawn from the ProduceID, so that the same picture gets the same manifest.
fn manifest_uuid(produce_id: ProduceId) -> String {
    let digits = Sha256Digest::of(format!("danqing c2pa manifest {produce_id}").as_bytes()).to_string();
    let part = |range: Range<usize>| digits.get(range).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}

fn generator() -> Value {
    map([("name", text(names::GENERATOR)), ("version", text(env!("CARGO_PKG_VERSION")))])
}

fn assertion(label: &str, content: &Value) -> Vec<u8> {
    jumbf::superbox(jumbf::CBOR, label, &[jumbf::plain(jumbf::CBOR, &content.encode())])
}

/// Length and type of a box, which are not hashed.
const BOX_HEADER: usize = 8;

fn reference(label: &str, whole: &[u8]) -> Value {
    let payload = whole.get(BOX_HEADER..).unwrap_or_default();
    map([("url", text(names::local(label))), ("hash", Value::Bytes(Sha256::digest(payload).to_vec()))])
}

fn training_mining(training_use: TrainingUse) -> Value {
    let permission = match training_use {
        TrainingUse::NotAllowed => "notAllowed",
        TrainingUse::Allowed => "allowed",
    };
    let entry = || map([("use", text(permission))]);
    map([(
        "entries",
        map([
            ("cawg.ai_generative_training", entry()),
            ("cawg.ai_inference", entry()),
            ("cawg.ai_training", entry()),
            ("cawg.data_mining", entry()),
        ]),
    )])
}

fn data_hash(exclusion: Option<Range<usize>>, padding: usize, digest: &[u8]) -> Value {
    let exclusions = exclusion.map(|range| {
        let (start, length) = (Value::Unsigned(range.start as u64), Value::Unsigned(range.len() as u64));
        (text("exclusions"), Value::Array(vec![map([("start", start), ("length", length)])]))
    });
    let fixed = [
        (text("name"), text("jumbf manifest")),
        (text("alg"), text("sha256")),
        (text("hash"), Value::Bytes(digest.to_vec())),
        (text("pad"), Value::Bytes(vec![0; padding])),
    ];
    Value::Map(exclusions.into_iter().chain(fixed).collect())
}
