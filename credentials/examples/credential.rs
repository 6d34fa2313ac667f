//! Signs files with a test certificate, for an outside peer to read; and measures what that costs.
//!
//!     cargo run -p credentials --example credential -- certificate OUT.pem
//!     cargo run -p credentials --example credential -- sign CERTIFICATE.pem IN OUT [parent|input INGREDIENT]…
//!     cargo run --release -p credentials --example credential -- measure CERTIFICATE.pem IN…
//!
//! A file that can carry no manifest is copied to OUT, and its manifest goes to OUT.c2pa.
use credentials::{
    Anchors, Deed, Error, Ingredient, Relationship, Signer, Source, Statement, TrainingUse, embed, make_test_certificate, sidecar, verify,
};
use spec::{Clock as _, ProduceId, SystemClock};
use std::error::Error as StdError;
use std::fs;
use std::time::Instant;

fn main() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["certificate", out] => Ok(fs::write(out, make_test_certificate(SystemClock.now())?)?),
        ["sign", certificate, from, to, ingredients @ ..] => sign(certificate, from, to, ingredients),
        ["measure", certificate, files @ ..] => files.iter().try_for_each(|file| measure(certificate, file)),
        _ => Err("see the head of this example for its arguments".into()),
    }
}

fn signer(path: &str) -> Result<Signer, Box<dyn StdError>> {
    let text = fs::read_to_string(path)?;
    Ok(Signer::from_pem(&text, &text, SystemClock.now())?)
}

fn statement(ingredients: &[Ingredient]) -> Statement<'_> {
    let produce_id = ProduceId::new(SystemClock.now(), [7; 10]);
    let deed = Deed::Generated { watermarked: true, training_use: TrainingUse::NotAllowed };
    Statement { produce_id, deed, ingredients }
}

fn sign(certificate: &str, from: &str, to: &str, ingredients: &[&str]) -> Result<(), Box<dyn StdError>> {
    let (signer, now) = (signer(certificate)?, SystemClock.now());
    let mut found = Vec::new();
    for pair in ingredients.chunks(2) {
        let [relationship, path] = pair else { return Err("an ingredient needs parent or input, and a file".into()) };
        let relationship = if *relationship == "parent" { Relationship::Parent } else { Relationship::Input };
        let source = Source { bytes: &fs::read(path)?, sidecar: None, title: Some(path) };
        found.push(Ingredient::read(&source, relationship, now));
    }
    let bytes = fs::read(from)?;
    match embed(&bytes, &statement(&found), &signer, now) {
        Err(Error::CannotEmbed) => {
            fs::write(format!("{to}.c2pa"), sidecar(&bytes, &statement(&found), &signer, now)?)?;
            fs::write(to, bytes)?;
        }
        signed => fs::write(to, signed?)?,
    }
    Ok(())
}

/// Milliseconds of signing (with the check of the result) and of verifying, least of twenty; bytes added.
fn measure(certificate: &str, file: &str) -> Result<(), Box<dyn StdError>> {
    let (signer, now, bytes) = (signer(certificate)?, SystemClock.now(), fs::read(file)?);
    let (mut signing, mut verifying, mut added) = (f64::MAX, f64::MAX, 0);
    for _ in 0..20 {
        let start = Instant::now();
        let signed = embed(&bytes, &statement(&[]), &signer, now)?;
        signing = signing.min(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let report = verify(&signed, &Anchors::default(), now);
        verifying = verifying.min(start.elapsed().as_secs_f64() * 1e3);
        added = signed.len() - bytes.len();
        assert_eq!(report.verdict, credentials::Verdict::Valid);
    }
    println!("{file}: {} bytes + {added}; sign {signing:.2} ms, verify {verifying:.2} ms", bytes.len());
    Ok(())
}
