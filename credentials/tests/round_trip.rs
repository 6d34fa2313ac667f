//! What is signed verifies, says what was meant, and is the same every time; what was changed does not verify.
mod support;

use credentials::{
    Anchors, Deed, Error, Signer, Statement, StatusCode, TrainingUse, Trust, Verdict, embed, remove, sidecar, verify, verify_sidecar,
};
use image::ImageFormat;
use support::{FORMATS, NOW, golden_text, own_signer, picture, statement, test_signer};

#[test]
fn every_format_carries_a_manifest_that_verifies() {
    let signer = own_signer();
    for format in FORMATS {
        let bytes = picture(format);
        let signed = embed(&bytes, &statement(&[]), &signer, NOW).unwrap();
        assert_eq!(signed, embed(&bytes, &statement(&[]), &signer, NOW).unwrap(), "the same every time");
        assert_eq!(image::load_from_memory(&signed).unwrap(), image::load_from_memory(&bytes).unwrap(), "the pixels stay");
        assert_eq!((signed.len() - bytes.len()) % 2, 0, "other readers miscount an odd chunk of RIFF");
        let report = verify(&signed, &Anchors::default(), NOW);
        assert_eq!((report.verdict, report.trust), (Verdict::Valid, Some(Trust::Unknown)), "{report:?}");
        assert_eq!(report.actions, ["c2pa.created"]);
        assert_eq!(report.digital_source_type.unwrap(), "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
        assert_eq!(report.claimed_time.unwrap(), "2026-11-23T00:00:00.000Z");
        assert_eq!(report.produce_id, Some(statement(&[]).produce_id));
        assert!(report.generator.unwrap().starts_with("Danqing "));
        assert!(report.signer.unwrap().contains("Example signer"));
        assert_eq!(report.training_mining.len(), 4);
        assert!(report.training_mining.values().all(|permission| permission == "notAllowed"));
        assert!(report.statuses.iter().any(|status| status.code == StatusCode::TimeUnstamped), "no time is claimed to be proven");
        assert!(matches!(embed(&signed, &statement(&[]), &signer, NOW), Err(Error::AlreadySigned)));
        assert_eq!((remove(&signed).unwrap(), remove(&bytes)), (bytes, None));
    }
}

#[test]
fn a_statement_says_what_it_is_told() {
    let told = Statement { deed: Deed::Generated { watermarked: true, training_use: TrainingUse::Allowed }, ..statement(&[]) };
    let signed = embed(&picture(ImageFormat::Png), &told, &own_signer(), NOW).unwrap();
    let report = verify(&signed, &Anchors::default(), NOW);
    assert_eq!(report.actions, ["c2pa.created", "c2pa.watermarked.unbound"]);
    assert!(report.training_mining.values().all(|permission| permission == "allowed"));
}

#[test]
fn a_sidecar_binds_a_file_of_any_kind() {
    let bytes = b"glTF and whatever follows";
    assert!(matches!(embed(bytes, &statement(&[]), &own_signer(), NOW), Err(Error::CannotEmbed)));
    let store = sidecar(bytes, &statement(&[]), &own_signer(), NOW).unwrap();
    let check = |bytes: &[u8], store: &[u8]| verify_sidecar(bytes, store, &Anchors::default(), NOW).verdict;
    assert_eq!(check(bytes, &store), Verdict::Valid);
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        assert_eq!(check(&changed, &store), Verdict::Invalid);
    }
    for place in 0..store.len() {
        let mut changed = store.clone();
        changed[place] ^= 1;
        assert_ne!(check(bytes, &changed), Verdict::Valid, "{place}");
    }
}

#[test]
fn any_changed_byte_is_found() {
    let signer = own_signer();
    for format in FORMATS {
        let signed = embed(&picture(format), &statement(&[]), &signer, NOW).unwrap();
        // A box's instance number in JPEG means nothing and is in nobody's digest.
        let instance = signed.windows(4).position(|window| window == b"JP\0\x01").map(|at| at + 2..at + 4);
        for place in 0..signed.len() {
            let mut changed = signed.clone();
            changed[place] ^= 0x20;
            let verdict = verify(&changed, &Anchors::default(), NOW).verdict;
            let spared = format == ImageFormat::Jpeg && instance.as_ref().unwrap().contains(&place);
            assert!(verdict != Verdict::Valid || spared, "{format:?} byte {place}");
        }
    }
}

#[test]
fn cut_files_do_not_verify() {
    let signer = own_signer();
    for format in FORMATS {
        let signed = embed(&picture(format), &statement(&[]), &signer, NOW).unwrap();
        for length in 0..signed.len() {
            assert_ne!(verify(&signed[..length], &Anchors::default(), NOW).verdict, Verdict::Valid, "{format:?} {length}");
        }
    }
}

#[test]
fn trust_is_pinned_test_or_unknown() {
    let bytes = picture(ImageFormat::Png);
    let trust = |signed: &[u8], anchors: &Anchors| {
        let report = verify(signed, anchors, NOW);
        assert_eq!(report.verdict, Verdict::Valid);
        report.trust.unwrap()
    };
    let root = Anchors::from_pem(&golden_text("root.pem")).unwrap();
    let certificate = golden_text("es256.pem");
    let leaf = &certificate[..certificate.find("-----END").unwrap() + 25];
    let signed = embed(&bytes, &statement(&[]), &own_signer(), NOW).unwrap();
    assert_eq!(trust(&signed, &Anchors::default()), Trust::Unknown);
    assert_eq!(trust(&signed, &root), Trust::Pinned, "by its root");
    assert_eq!(trust(&signed, &Anchors::from_pem(leaf).unwrap()), Trust::Pinned, "itself");
    let test = test_signer();
    assert!(test.is_test());
    let signed = embed(&bytes, &statement(&[]), &test, NOW).unwrap();
    assert_eq!(trust(&signed, &root), Trust::Test);
    assert!(verify(&signed, &root, NOW).signer.unwrap().contains("NOT TRUSTED"));
    let edwards = Signer::from_pem(&golden_text("ed25519.pem"), &golden_text("ed25519.key"), NOW).unwrap();
    let signed = embed(&bytes, &statement(&[]), &edwards, NOW).unwrap();
    assert_eq!(trust(&signed, &root), Trust::Pinned);
}

#[test]
fn a_test_certificate_is_never_pinned() {
    let bundle = credentials::make_test_certificate(NOW).unwrap();
    let signer = Signer::from_pem(&bundle, &bundle, NOW).unwrap();
    let signed = embed(&picture(ImageFormat::Png), &statement(&[]), &signer, NOW).unwrap();
    assert_eq!(verify(&signed, &Anchors::from_pem(&bundle).unwrap(), NOW).trust, Some(Trust::Test));
    assert_ne!(bundle, credentials::make_test_certificate(NOW).unwrap());
}

#[test]
fn certificates_that_readers_would_refuse_are_refused() {
    let key = golden_text("es256.key");
    let refused = |certificates: &str, key: &str| Signer::from_pem(certificates, key, NOW).is_err();
    assert!(!refused(&golden_text("es256.pem"), &golden_text("es256-sec1.key")));
    for (what, certificates) in [
        ("nothing", String::new()),
        ("no certificate", key.clone()),
        ("expired", golden_text("expired.pem")),
        ("self-signed", golden_text("self-signed.pem")),
        ("a CA's", golden_text("root.pem")),
        ("damaged", golden_text("es256.pem").replacen("MII", "MIj", 1)),
        ("a chain that does not hang together", golden_text("es256.pem") + &golden_text("ed25519.pem")),
    ] {
        assert!(refused(&certificates, &key), "{what}");
    }
    assert!(refused(&golden_text("es256.pem"), &golden_text("ed25519.key")), "another key");
    assert!(refused(&golden_text("es256.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

#[test]
fn an_expired_certificate_does_not_verify() {
    let bundle = credentials::make_test_certificate(NOW).unwrap();
    let signer = Signer::from_pem(&bundle, &bundle, NOW).unwrap();
    let signed = embed(&picture(ImageFormat::Png), &statement(&[]), &signer, NOW).unwrap();
    let later = spec::Timestamp(NOW.0 + 11 * 366 * 86_400_000);
    let report = verify(&signed, &Anchors::default(), later);
    assert_eq!(report.verdict, Verdict::Invalid);
    assert!(report.statuses.iter().any(|status| status.code == StatusCode::CredentialExpired));
}
