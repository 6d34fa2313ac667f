//! A picture made from another carries it as an ingredient, with the manifest that it came with.
mod support;

use credentials::{
    Anchors, Change, Deed, Error, Ingredient, Relationship, Report, Source, Statement, StatusCode, Verdict, embed, remove, sidecar, verify,
    verify_sidecar,
};
use image::ImageFormat;
use support::{FORMATS, NOW, golden, ingredient, own_signer, picture, statement};

fn made_from(ingredients: &[Ingredient]) -> Vec<u8> {
    embed(&picture(ImageFormat::Png), &statement(ingredients), &own_signer(), NOW).unwrap()
}

fn judged(bytes: &[u8]) -> Report {
    verify(bytes, &Anchors::default(), NOW)
}

fn titles(report: &Report) -> Vec<&str> {
    report.ingredients.iter().filter_map(|ingredient| ingredient.title.as_deref()).collect()
}

fn has(report: &Report, code: StatusCode) -> bool {
    report.statuses.iter().any(|status| status.code == code)
}

const COMPOSITE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

#[test]
fn an_input_without_a_manifest() {
    let input = ingredient(&picture(ImageFormat::Jpeg), "photo.jpg", Relationship::Input);
    let report = judged(&made_from(&[input]));
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_eq!((report.actions.clone(), titles(&report)), (vec!["c2pa.created".to_owned()], vec!["photo.jpg"]));
    assert_eq!(report.ingredients[0].verdict, Verdict::NotFound);
    assert_eq!(report.digital_source_type.as_deref(), Some(COMPOSITE));
    assert!(has(&report, StatusCode::IngredientUnknown));
}

#[test]
fn a_parent_with_the_peers_manifest_and_an_input_with_it_too() {
    let parent = ingredient(&golden("peer.png"), "peer.png", Relationship::Parent);
    let input = ingredient(&golden("peer.png"), "again.png", Relationship::Input);
    let signed = made_from(&[parent, input]);
    let report = judged(&signed);
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_eq!(report.actions, ["c2pa.opened", "c2pa.edited"]);
    assert_eq!(report.digital_source_type.as_deref(), Some(COMPOSITE));
    assert_eq!(titles(&report), ["peer.png", "again.png"]);
    assert_eq!(report.ingredients[0].manifest.as_ref().unwrap().actions, ["c2pa.created"]);
    assert!(report.ingredients[1].manifest.is_none(), "judged once");
    assert!(has(&report, StatusCode::IngredientMatches));
    // A byte of the ingredient's manifest, which comes first and says who made it.
    let place = signed.windows(11).position(|window| window == b"c2pa-python").unwrap();
    let mut changed = signed;
    changed[place] ^= 1;
    let checksum = crc(&changed);
    let at = 33 + 8 + u32::from_be_bytes(changed[33..37].try_into().unwrap()) as usize;
    changed[at..at + 4].copy_from_slice(&checksum);
    let report = judged(&changed);
    assert_eq!(report.verdict, Verdict::Invalid);
    assert!(has(&report, StatusCode::IngredientChanged), "{report:?}");
}

/// Checksum of the chunk behind IHDR.
fn crc(bytes: &[u8]) -> [u8; 4] {
    let length = u32::from_be_bytes(bytes[33..37].try_into().unwrap()) as usize;
    crc32fast::hash(&bytes[37..41 + length]).to_be_bytes()
}

#[test]
fn a_chain_of_three() {
    let first = embed(&picture(ImageFormat::Jpeg), &statement(&[]), &own_signer(), NOW).unwrap();
    let again = ingredient(&first, "first.jpg", Relationship::Parent);
    // The same ProduceID gives the same manifest name: that must not hide one behind the other.
    let clash = embed(&picture(ImageFormat::Png), &statement(std::slice::from_ref(&again)), &own_signer(), NOW);
    assert!(clash.is_err(), "a manifest cannot be its own ingredient");
    let other = credentials::Statement { produce_id: spec::ProduceId::new(NOW, [9; 10]), ..statement(std::slice::from_ref(&again)) };
    let second = embed(&picture(ImageFormat::Png), &other, &own_signer(), NOW).unwrap();
    let third_from = ingredient(&second, "second.png", Relationship::Input);
    let third = credentials::Statement { produce_id: spec::ProduceId::new(NOW, [8; 10]), ..statement(std::slice::from_ref(&third_from)) };
    let third = embed(&picture(ImageFormat::WebP), &third, &own_signer(), NOW).unwrap();
    assert_eq!(judged(&third).verdict, Verdict::Valid);
}

#[test]
fn different_manifests_of_one_name_are_refused() {
    let sign = |format| embed(&picture(format), &statement(&[]), &own_signer(), NOW).unwrap();
    let read = |format| ingredient(&sign(format), "x", Relationship::Input);
    let both = [read(ImageFormat::Png), read(ImageFormat::Jpeg)];
    let other = credentials::Statement { produce_id: spec::ProduceId::new(NOW, [9; 10]), ..statement(&both) };
    let refused = embed(&picture(ImageFormat::Png), &other, &own_signer(), NOW);
    assert!(matches!(refused, Err(Error::IngredientsConflict(_))), "{refused:?}");
}

#[test]
fn a_damaged_ingredient_is_taken_without_its_manifest() {
    let mut bytes = golden("peer.png");
    let place = bytes.windows(4).position(|window| window == b"jumd").unwrap();
    bytes[place] ^= 1;
    let report = judged(&made_from(&[ingredient(&bytes, "damaged.png", Relationship::Input)]));
    assert_eq!(report.verdict, Verdict::Valid);
    assert!(has(&report, StatusCode::IngredientUnknown));
}

fn number(last: u8) -> spec::ProduceId {
    spec::ProduceId::new(NOW, [last; 10])
}

/// `bytes`, which were made from `source` by these changes.
fn changed(bytes: &[u8], source: &[u8], changes: &[Change], last: u8) -> Vec<u8> {
    let parent = Ingredient::read(&Source { bytes: source, sidecar: None, title: None }, Relationship::Parent, NOW);
    let ingredients = std::slice::from_ref(&parent);
    embed(bytes, &Statement { produce_id: number(last), deed: Deed::Changed(changes), ingredients }, &own_signer(), NOW).unwrap()
}

#[test]
fn a_changed_file_claims_no_creation_and_keeps_its_parents_manifest() {
    for (name, format) in [("peer.png", FORMATS[0]), ("peer.jpg", FORMATS[1]), ("peer.webp", FORMATS[2])] {
        let peer = golden(name);
        let bare = remove(&peer).unwrap();
        let once = changed(&bare, &peer, &[Change::MetadataEdited], 1);
        let report = judged(&once);
        assert_eq!(report.verdict, Verdict::Valid, "{name} {report:?}");
        assert_eq!(report.actions, ["c2pa.opened", "c2pa.edited.metadata"]);
        assert_eq!((report.digital_source_type.as_ref(), report.training_mining.len()), (None, 0));
        let parent = &report.ingredients[0];
        assert_eq!((parent.verdict, parent.relationship.as_deref(), &parent.title), (Verdict::Valid, Some("parentOf"), &None));
        assert_eq!(parent.description.as_ref().unwrap(), &format!("SHA-256 {}", spec::Sha256Digest::of(&peer)));
        let theirs = parent.manifest.as_ref().unwrap();
        assert_eq!((theirs.actions[0].as_str(), theirs.manifest.clone()), ("c2pa.created", judged(&peer).manifest));
        assert!(theirs.digital_source_type.as_ref().unwrap().ends_with("/digitalCreation"));

        let changes = [Change::Resized, Change::Edited("label".to_owned()), Change::Transcoded];
        let twice = judged(&changed(&picture(format), &once, &changes, 2));
        assert_eq!(twice.verdict, Verdict::Valid, "{name} {twice:?}");
        assert_eq!(twice.actions, ["c2pa.opened", "c2pa.resized", "c2pa.edited", "c2pa.transcoded"]);
        let grandparent = &twice.ingredients[0].manifest.as_ref().unwrap().ingredients[0];
        assert_eq!(grandparent.manifest.as_ref().unwrap().manifest, judged(&peer).manifest);
    }
}

/// A PNG with one byte changed `offset` behind the last `word` of its first `kind` chunk, and the chunk's checksum made good.
fn forged(bytes: &[u8], kind: &[u8], word: &[u8], offset: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let start = bytes.windows(4).position(|window| window == kind).unwrap();
    let end = start + 4 + u32::from_be_bytes(bytes[start - 4..start].try_into().unwrap()) as usize;
    let place = start + bytes[start..end].windows(word.len()).rposition(|window| window == word).unwrap() + offset;
    bytes[place] ^= 1;
    let checksum = crc32fast::hash(&bytes[start..end]).to_be_bytes();
    bytes[end..end + 4].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_parent_that_does_not_hold_is_kept_and_said_to() {
    let peer = golden("peer.png");
    for (parent, code) in [
        (forged(&peer, b"IDAT", b"IDAT", 5), "assertion.dataHash.mismatch"),
        (forged(&peer, b"caBX", b"digitalCreation", 3), "assertion.hashedURI.mismatch"),
        (forged(&peer, b"caBX", b"xmp.iid:", 9), "claimSignature.mismatch"),
    ] {
        let bare = remove(&parent).unwrap();
        let once = changed(&bare, &parent, &[Change::MetadataEdited], 1);
        let report = judged(&once);
        assert_eq!(report.verdict, Verdict::Valid, "{code} {report:?}");
        assert!(has(&report, StatusCode::IngredientWasInvalid) && !has(&report, StatusCode::IngredientUnsound));
        assert_eq!(
            (report.ingredients[0].verdict, &report.ingredients[0].recorded_failures[..]),
            (Verdict::Invalid, &[code.to_owned()][..])
        );
        let twice = judged(&changed(&bare, &once, &[Change::MetadataEdited], 2));
        assert_eq!((twice.verdict, twice.ingredients[0].verdict), (Verdict::Valid, Verdict::Valid), "{twice:?}");
        assert_eq!(twice.ingredients[0].manifest.as_ref().unwrap().ingredients[0].verdict, Verdict::Invalid);
    }
}

#[test]
fn every_store_is_cut_out_damaged_or_not() {
    let peer = golden("peer.png");
    let bare = remove(&peer).unwrap();
    let mut damaged = peer.clone();
    let place = damaged.windows(4).position(|window| window == b"jumd").unwrap();
    damaged[place] ^= 1;
    assert_eq!(judged(&damaged).verdict, Verdict::Invalid);
    assert_eq!(remove(&damaged).unwrap(), bare);
    let twice = [&peer[..33], &peer[33..33 + peer.len() - bare.len()], &peer[33..]].concat();
    assert!(has(&judged(&twice), StatusCode::ManifestSeveral));
    assert_eq!(remove(&twice).unwrap(), bare);
    assert_eq!(remove(&bare), None);
}

#[test]
fn a_file_with_a_sidecar_brings_it() {
    let (file, later) = (b"glTF first", b"glTF second");
    let store = sidecar(file, &statement(&[]), &own_signer(), NOW).unwrap();
    let parent = Ingredient::read(&Source { bytes: file, sidecar: Some(&store), title: None }, Relationship::Parent, NOW);
    let ingredients = std::slice::from_ref(&parent);
    let said = Statement { produce_id: number(1), deed: Deed::Changed(&[Change::MetadataEdited]), ingredients };
    let report = verify_sidecar(later, &sidecar(later, &said, &own_signer(), NOW).unwrap(), &Anchors::default(), NOW);
    assert_eq!((report.verdict, report.ingredients[0].verdict), (Verdict::Valid, Verdict::Valid), "{report:?}");
    assert_eq!(report.ingredients[0].manifest.as_ref().unwrap().produce_id, Some(statement(&[]).produce_id));
}

#[test]
fn a_changed_file_has_one_parent_and_nothing_else() {
    let input = ingredient(&golden("peer.png"), "peer.png", Relationship::Input);
    for ingredients in [&[][..], &[input][..]] {
        let said = Statement { produce_id: number(1), deed: Deed::Changed(&[Change::Transcoded]), ingredients };
        let refused = embed(&picture(FORMATS[0]), &said, &own_signer(), NOW);
        assert!(matches!(refused, Err(Error::ParentMissing)), "{refused:?}");
    }
}

/// Followed each way, forty generations of two parents would be 2^40 manifests.
#[test]
fn a_past_that_many_share_is_judged_once_and_only_so_far() {
    let mut file = embed(&picture(FORMATS[0]), &statement(&[]), &own_signer(), NOW).unwrap();
    for generation in 1..=40 {
        let both = [Relationship::Parent, Relationship::Input].map(|relationship| ingredient(&file, "before", relationship));
        let said = Statement { produce_id: number(generation), ..statement(&both) };
        file = embed(&picture(FORMATS[0]), &said, &own_signer(), NOW).unwrap();
    }
    let report = judged(&file);
    assert_eq!(report.verdict, Verdict::Valid);
    let mut depth = 1;
    let mut next = &report;
    while let Some(manifest) = &next.ingredients.first().and_then(|parent| parent.manifest.as_ref()) {
        assert!(next.ingredients[1].manifest.is_none());
        depth += 1;
        next = manifest;
    }
    assert_eq!(depth, 32);
    assert_eq!(next.ingredients[0].verdict, Verdict::Inconclusive, "not looked at");
}
