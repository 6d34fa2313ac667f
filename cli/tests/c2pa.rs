//! Every picture leaves with a signed C2PA manifest that covers the rest of the file.
mod support;

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use support::{Desk, text};

fn verified(desk: &Desk, file: &str) -> (Option<i32>, Value) {
    let output = desk.run(["verify", "--json", file]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr))))
}

/// A file of `testkit/goldens/c2pa`, for a TOML string.
fn golden(name: &str) -> PathBuf {
    support::golden("").parent().unwrap().join("c2pa").join(name)
}

fn configure(desk: &Desk, lines: &str) {
    fs::write(desk.path().join("danqing.toml"), lines).unwrap();
}

fn codes(manifest: &Value) -> Vec<&str> {
    manifest["statuses"].as_array().unwrap().iter().map(|status| status["code"].as_str().unwrap()).collect()
}

#[test]
fn a_picture_carries_a_manifest_without_any_configuration() {
    let desk = Desk::new();
    for format in ["png", "jpeg", "webp"] {
        let made = desk.generate(&["一只小猫", "--seed", "7", "--format", format]).remove(0);
        let path = made["path"].as_str().unwrap();
        let (status, report) = verified(&desk, path);
        assert_eq!(status, Some(0), "{report}");
        let manifest = &report["c2pa"];
        assert_eq!((&manifest["verdict"], &manifest["trust"]), (&"valid".into(), &"test".into()), "{manifest}");
        assert_eq!(manifest["produce_id"], made["produce_id"], "the manifest and the label speak of one picture");
        assert_eq!(manifest["actions"], serde_json::json!(["c2pa.created"]));
        assert!(manifest["digital_source_type"].as_str().unwrap().ends_with("/trainedAlgorithmicMedia"));
        assert!(codes(manifest).contains(&"danqing.noTimeStamp"));
        assert_eq!(report["label"]["values"]["ProduceID"], made["produce_id"]);
        // The label's text lies under the signature too.
        let whole = desk.path().join(path);
        let mut bytes = fs::read(&whole).unwrap();
        let place = bytes.windows(9).position(|window| window == b"ProduceID").unwrap() + 20;
        bytes[place] ^= 1;
        if format == "png" {
            // With the checksum made good again, as a careful forger would.
            let start = bytes.windows(4).position(|window| window == b"iTXt").unwrap();
            let length = u32::from_be_bytes(bytes[start - 4..start].try_into().unwrap()) as usize;
            let checksum = crc32fast::hash(&bytes[start..start + 4 + length]).to_be_bytes();
            bytes[start + 4 + length..start + 8 + length].copy_from_slice(&checksum);
        }
        fs::write(&whole, bytes).unwrap();
        let (status, report) = verified(&desk, path);
        assert_eq!((status, &report["c2pa"]["verdict"]), (Some(1), &"invalid".into()));
        assert!(codes(&report["c2pa"]).contains(&"assertion.dataHash.mismatch"), "{report}");
    }
    let key = fs::read_to_string(desk.home("config").join("danqing/danqing-c2pa-test.pem")).unwrap();
    assert!(key.contains("PRIVATE KEY"));
}

#[test]
fn the_users_own_certificate_signs_and_can_be_pinned() {
    let desk = Desk::new();
    let own = format!("c2pa_certificate = {:?}\nc2pa_key = {:?}\n", golden("es256.pem"), golden("es256.key"));
    configure(&desk, &format!("{own}c2pa_training_mining = \"allowed\"\nwatermark_key = \"own.key\"\n"));
    let output = desk.run(["generate", "花瓶", "--steps", "2", "--seed", "7", "--out", "own.png"]);
    assert!(output.status.success() && !text(&output.stderr).contains("test certificate"), "{}", text(&output.stderr));
    assert_eq!(verified(&desk, "own.png").1["c2pa"]["trust"], "unknown");
    configure(&desk, &format!("{own}c2pa_trust = [{:?}]\n", golden("root.pem")));
    let (status, report) = verified(&desk, "own.png");
    assert_eq!((status, &report["c2pa"]["trust"], &report["c2pa"]["verdict"]), (Some(0), &"pinned".into(), &"valid".into()));
    assert_eq!(report["c2pa"]["training_mining"]["cawg.ai_training"], "allowed");
    assert_eq!(report["c2pa"]["actions"], serde_json::json!(["c2pa.created", "c2pa.watermarked.unbound"]));
    let shown = text(&desk.run(["verify", "own.png"]).stdout);
    assert!(shown.contains("C2PA: valid / 有效") && shown.contains("pinned by c2pa_trust"), "{shown}");
}

#[test]
fn it_can_be_turned_off_and_a_bad_configuration_draws_nothing() {
    let desk = Desk::new();
    configure(&desk, "c2pa = false\n");
    let made = desk.generate(&["香蕉"]).remove(0);
    let (status, report) = verified(&desk, made["path"].as_str().unwrap());
    assert_eq!((status, &report["c2pa"]["verdict"]), (Some(0), &"not_found".into()));
    assert!(!desk.home("config").join("danqing/danqing-c2pa-test.pem").exists());
    let pictures = desk.files().len();
    for (lines, word) in [
        (format!("c2pa_key = {:?}\n", golden("es256.key")), "belong together"),
        (format!("c2pa_certificate = {:?}\nc2pa_key = {:?}\n", golden("es256.pem"), golden("ed25519.key")), "私钥与证书不匹配"),
        (format!("c2pa_certificate = {:?}\nc2pa_key = {:?}\n", golden("expired.pem"), golden("es256.key")), "expired"),
        ("c2pa_training_mining = \"maybe\"\n".to_owned(), "notAllowed"),
    ] {
        configure(&desk, &lines);
        let output = desk.run(["generate", "香蕉", "--steps", "1"]);
        assert_eq!(output.status.code(), Some(10), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
    }
    assert_eq!(desk.files().len(), pictures);
}

#[test]
fn a_sidecar_beside_the_file_is_read() {
    let desk = Desk::new();
    fs::write(desk.path().join("model.glb"), b"glTF").unwrap();
    assert_eq!(verified(&desk, "model.glb").1["c2pa"]["verdict"], "not_found");
    fs::write(desk.path().join("model.glb.c2pa"), b"\0\0\0\x08jumb").unwrap();
    let (status, report) = verified(&desk, "model.glb");
    assert_eq!((status, &report["c2pa"]["verdict"]), (Some(1), &"invalid".into()));
}
