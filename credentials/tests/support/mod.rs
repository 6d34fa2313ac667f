//! Pictures, signers and statements to test with.
#![allow(dead_code, reason = "each test binary uses its own part")]

use credentials::{Deed, Ingredient, Relationship, Signer, Source, Statement, TrainingUse, make_test_certificate};
use image::{ImageFormat, RgbImage};
use spec::{ProduceId, Timestamp};
use std::path::Path;

/// 2026-11-23.
pub const NOW: Timestamp = Timestamp(1_795_392_000_000);
pub const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];

pub fn picture(format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(16, 12, |x, y| image::Rgb([(x * 15) as u8, (y * 20) as u8, (x * y) as u8]));
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testkit/goldens/c2pa").join(name)).unwrap()
}

pub fn golden_text(name: &str) -> String {
    String::from_utf8(golden(name)).unwrap()
}

/// One whose certificates another library made.
pub fn own_signer() -> Signer {
    Signer::from_pem(&golden_text("es256.pem"), &golden_text("es256.key"), NOW).unwrap()
}

pub fn test_signer() -> Signer {
    let bundle = make_test_certificate(NOW).unwrap();
    Signer::from_pem(&bundle, &bundle, NOW).unwrap()
}

pub fn statement(ingredients: &[Ingredient]) -> Statement<'_> {
    let produce_id = ProduceId::new(NOW, *b"0123456789");
    let deed = Deed::Generated { watermarked: false, training_use: TrainingUse::NotAllowed };
    Statement { produce_id, deed, ingredients }
}

pub fn ingredient(bytes: &[u8], title: &str, relationship: Relationship) -> Ingredient {
    Ingredient::read(&Source { bytes, sidecar: None, title: Some(title) }, relationship, NOW)
}
