//! A picture made from another carries it as an ingredient, with the manifest that it came with.
mod support;

use credentials::{Anchors, Error, Ingredient, Relationship, Report, StatusCode, Verdict, embed, verify};
use image::ImageFormat;
use support::{NOW, golden, own_signer, picture, statement};

fn made_from(ingredients: &[Ingredient]) -> Vec<u8> {
    embed(&picture(ImageFormat::Png), &statement(ingredients), &own_signer(), NOW).unwrap()
}

fn judged(bytes: &[u8]) -> Report {
    verify(bytes, &Anchors::default(), NOW)
}

fn has(report: &Report, code: StatusCode) -> bool {
    report.statuses.iter().any(|status| status.code == code)
}

const COMPOSITE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

#[test]
fn an_input_without_a_manifest() {
    let input = Ingredient::read(&picture(ImageFormat::Jpeg), "photo.jpg", Relationship::Input, NOW);
    let report = judged(&made_from(&[input]));
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_eq!((report.actions.clone(), report.ingredients.clone()), (vec!["c2pa.created".to_owned()], vec!["photo.jpg".to_owned()]));
    assert_eq!(report.digital_source_type.as_deref(), Some(COMPOSITE));
    assert!(has(&report, StatusCode::IngredientUnknown));
}

#[test]
fn a_parent_with_the_peers_manifest_and_an_input_with_it_too() {
    let parent = Ingredient::read(&golden("peer.png"), "peer.png", Relationship::Parent, NOW);
    let input = Ingredient::read(&golden("peer.png"), "again.png", Relationship::Input, NOW);
    let signed = made_from(&[parent, input]);
    let report = judged(&signed);
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_eq!(report.actions, ["c2pa.opened", "c2pa.edited"]);
    assert_eq!(report.digital_source_type.as_deref(), Some(COMPOSITE));
    assert_eq!(report.ingredients, ["peer.png", "again.png"]);
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
    let again = Ingredient::read(&first, "first.jpg", Relationship::Parent, NOW);
    // The same ProduceID gives the same manifest name: that must not hide one behind the other.
    let clash = embed(&picture(ImageFormat::Png), &statement(std::slice::from_ref(&again)), &own_signer(), NOW);
    assert!(clash.is_err(), "a manifest cannot be its own ingredient");
    let other = credentials::Statement { produce_id: spec::ProduceId::new(NOW, [9; 10]), ..statement(std::slice::from_ref(&again)) };
    let second = embed(&picture(ImageFormat::Png), &other, &own_signer(), NOW).unwrap();
    let third_from = Ingredient::read(&second, "second.png", Relationship::Input, NOW);
    let third = credentials::Statement { produce_id: spec::ProduceId::new(NOW, [8; 10]), ..statement(std::slice::from_ref(&third_from)) };
    let third = embed(&picture(ImageFormat::WebP), &third, &own_signer(), NOW).unwrap();
    assert_eq!(judged(&third).verdict, Verdict::Valid);
}

#[test]
fn different_manifests_of_one_name_are_refused() {
    let sign = |format| embed(&picture(format), &statement(&[]), &own_signer(), NOW).unwrap();
    let read = |format| Ingredient::read(&sign(format), "x", Relationship::Input, NOW);
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
    let report = judged(&made_from(&[Ingredient::read(&bytes, "damaged.png", Relationship::Input, NOW)]));
    assert_eq!(report.verdict, Verdict::Valid);
    assert!(has(&report, StatusCode::IngredientUnknown));
}
