//! Files that are passed on and converted leave with a manifest of ours, which keeps that of whoever made them.
mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use support::{Desk, text};

const PROPAGATOR: &str = "001191110000100006666020001";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testkit/goldens/c2pa").join(name)
}

/// A desk of a propagator, with a further line of configuration.
fn desk(line: &str) -> Desk {
    let desk = Desk::new();
    configure(&desk, line);
    desk
}

fn configure(desk: &Desk, line: &str) {
    fs::write(desk.path().join("danqing.toml"), format!("propagator_code = \"{PROPAGATOR}\"\n{line}\n")).unwrap();
}

fn succeeds(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}

/// Known and unchanged by `danqing verify`, and what it says of the manifest.
fn manifest(desk: &Desk, file: &str) -> Value {
    let output = desk.run(["verify", "--json", file]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_eq!((output.status.code(), &report["c2pa"]["verdict"]), (Some(0), &"valid".into()), "{report}");
    report["c2pa"].clone()
}

#[test]
fn a_file_of_others_is_passed_on_and_converted_with_their_manifest_inside_ours() {
    let desk = desk("");
    for (name, format) in [("peer.png", "jpg"), ("peer.jpg", "webp"), ("peer.webp", "png")] {
        fs::copy(golden(name), desk.path().join(name)).unwrap();
        let passed = format!("shared/{name}");
        let told = succeeds(&desk, &["label", name, "--out", &passed, "--declared"]);
        assert!(told.contains("test certificate"), "{told}");
        let ours = manifest(&desk, &passed);
        assert_eq!(ours["actions"], json!(["c2pa.opened", "c2pa.edited.metadata"]));
        assert_eq!((&ours["digital_source_type"], &ours["training_mining"]), (&Value::Null, &json!({})), "{ours}");
        let parent = &ours["ingredients"][0];
        assert_eq!((&parent["relationship"], &parent["verdict"]), (&"parentOf".into(), &"valid".into()), "{ours}");
        assert!(parent["manifest"]["generator"].as_str().unwrap().starts_with("c2pa-python"), "{ours}");
        assert!(parent["manifest"]["digital_source_type"].as_str().unwrap().ends_with("/digitalCreation"));
        let small = format!("small/{}.{format}", name.replace('.', "-"));
        succeeds(&desk, &["convert", &passed, "--out", &small, "--resize", "48x48"]);
        let converted = manifest(&desk, &small);
        assert_eq!(converted["actions"], json!(["c2pa.opened", "c2pa.resized", "c2pa.transcoded"]));
        let grandparent = &converted["ingredients"][0]["manifest"]["ingredients"][0];
        assert_eq!(grandparent["manifest"]["manifest"], parent["manifest"]["manifest"], "{converted}");
        let shown = text(&desk.run(["verify", &small]).stdout);
        assert_eq!(shown.matches("made from / 源文件: SHA-256 ").count(), 2, "{shown}");
        assert!(shown.contains("made by / 生成工具: c2pa-python"), "{shown}");
    }
}

#[test]
fn our_own_picture_keeps_who_made_it() {
    let desk = desk("");
    let path = desk.generate(&["一只小猫", "--seed", "7"])[0]["path"].as_str().unwrap().to_owned();
    succeeds(&desk, &["convert", &path, "--out", "small/cat.webp", "--thumbnail", "64"]);
    let converted = manifest(&desk, "small/cat.webp");
    assert_eq!(converted["actions"], json!(["c2pa.opened", "c2pa.resized", "c2pa.edited", "c2pa.transcoded"]), "the label was drawn again");
    assert_eq!(converted["digital_source_type"], Value::Null);
    let made = &converted["ingredients"][0]["manifest"];
    assert_eq!((&made["actions"], &made["training_mining"]["cawg.ai_training"]), (&json!(["c2pa.created"]), &"notAllowed".into()));
    assert!(made["digital_source_type"].as_str().unwrap().ends_with("/trainedAlgorithmicMedia"));
    let source = spec::Sha256Digest::of(&fs::read(desk.path().join(&path)).unwrap());
    assert_eq!(converted["ingredients"][0]["description"], format!("SHA-256 {source}"));
    assert_eq!(converted["ingredients"][0]["title"], Value::Null, "what the file was called is nobody's business");
}

#[test]
fn what_did_not_hold_before_is_said_not_to() {
    let desk = desk("");
    let mut bytes = fs::read(golden("peer.jpg")).unwrap();
    let place = bytes.len() - 20;
    bytes[place] ^= 1;
    fs::write(desk.path().join("changed.jpg"), bytes).unwrap();
    succeeds(&desk, &["label", "changed.jpg", "--out", "shared/changed.jpg", "--suspected"]);
    let parent = manifest(&desk, "shared/changed.jpg")["ingredients"][0].clone();
    assert_eq!(
        (&parent["verdict"], &parent["recorded_failures"]),
        (&"invalid".into(), &json!(["assertion.dataHash.mismatch"])),
        "{parent}"
    );
    let shown = text(&desk.run(["verify", "shared/changed.jpg"]).stdout);
    assert!(shown.contains("not valid / 无效") && shown.contains("引用时: assertion.dataHash.mismatch"), "{shown}");
}

#[test]
fn other_formats_get_a_sidecar_and_bring_theirs() {
    let desk = desk("");
    fs::write(desk.path().join("drawing.svg"), "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>").unwrap();
    let told = succeeds(&desk, &["label", "drawing.svg", "--out", "shared/drawing.svg", "--declared"]);
    assert!(told.contains("shared/drawing.svg.c2pa"), "{told}");
    assert_eq!(manifest(&desk, "shared/drawing.svg")["ingredients"][0]["verdict"], "not_found");
    // The sidecar's name is taken: neither file appears, and nothing hidden stays.
    fs::write(desk.path().join("shared/other.svg.c2pa"), "somebody's").unwrap();
    let refused = desk.run(["label", "drawing.svg", "--out", "shared/other.svg", "--declared"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("other.svg.c2pa exists already"));
    let mut names: Vec<_> = fs::read_dir(desk.path().join("shared")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().contains("danqing-"));
    names.sort();
    assert_eq!(names, ["drawing.svg", "drawing.svg.c2pa", "other.svg.c2pa"]);
    let again = ["label", "shared/drawing.svg", "--out", "again/drawing.svg", "--replace-propagator", "--json"];
    let released: Value = serde_json::from_slice(&desk.run(again).stdout).unwrap();
    assert_eq!(released["sidecar"], "again/drawing.svg.c2pa");
    let chain = manifest(&desk, "again/drawing.svg");
    assert_eq!(chain["ingredients"][0]["manifest"]["ingredients"][0]["verdict"], "not_found", "{chain}");
    // Without manifests, what lay beside the replaced file goes with it.
    configure(&desk, "c2pa = false");
    succeeds(&desk, &["label", "drawing.svg", "--out", "again/drawing.svg", "--declared", "--force"]);
    assert!(!desk.path().join("again/drawing.svg.c2pa").exists());
}

#[test]
fn without_manifests_the_old_one_is_cut_out_and_nothing_is_made() {
    let desk = desk("c2pa = false");
    fs::copy(golden("peer.png"), desk.path().join("peer.png")).unwrap();
    succeeds(&desk, &["label", "peer.png", "--out", "shared/peer.png", "--declared"]);
    let report: Value = serde_json::from_slice(&desk.run(["verify", "--json", "shared/peer.png"]).stdout).unwrap();
    assert_eq!(report["c2pa"]["verdict"], "not_found");
    assert!(!desk.home("config").join("danqing/danqing-c2pa-test.pem").exists());
}

#[test]
fn a_file_that_cannot_be_copied_leaves_nothing_behind() {
    let desk = desk("");
    fs::copy(golden("peer.png"), desk.path().join("peer.png")).unwrap();
    assert!(!desk.run(["label", "peer.png", "--out", "shared/peer.png"]).status.success(), "no ground is given");
    assert!(!desk.path().join("shared").exists());
}
