//! Signed labels, files passed on and converted, and whole folders, through the real binary.
mod support;

use serde_json::Value;
use std::path::PathBuf;
use support::{Desk, text};

const PRODUCER: &str = "001191110000100006666010001";
const PROPAGATOR: &str = "001191110000100006666020001";

fn configure(desk: &Desk, lines: &str) {
    std::fs::write(desk.path().join("danqing.toml"), lines).expect("a writable folder");
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

/// A labelled picture, signed.
fn picture(desk: &Desk) -> String {
    configure(desk, &format!("provider_code = \"{PRODUCER}\"\npropagator_code = \"{PROPAGATOR}\"\nlabel_key = \"label.key\"\n"));
    desk.generate(&["一只小猫", "--seed", "7"])[0]["path"].as_str().expect("a path").to_owned()
}

fn verify(desk: &Desk, path: &str) -> (Option<i32>, Value) {
    let output = desk.run(["verify", "--json", path]);
    (output.status.code(), json(&output))
}

#[test]
fn a_signed_label_is_trusted_with_its_key_and_no_other() {
    let desk = Desk::new();
    let path = picture(&desk);
    let (code, report) = verify(&desk, &path);
    assert_eq!((code, &report["label"]["verdict"], &report["signer"]), (Some(0), &"compliant".into(), &"not_pinned".into()));
    configure(&desk, "trusted_label_keys = [\"label.key.pub\"]\n");
    let (code, report) = verify(&desk, &path);
    assert_eq!((code, &report["signer"]), (Some(0), &"trusted".into()));
    let other = "ed25519:3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
    configure(&desk, &format!("trusted_label_keys = [\"{other}\"]\n"));
    let (code, report) = verify(&desk, &path);
    assert_eq!((code, &report["signer"], &report["ledger"]), (Some(1), &"stranger".into(), &"recorded".into()));

    // Another ProduceID under the same signature.
    let mut bytes = std::fs::read(desk.path().join(&path)).expect("the picture");
    let id = report["label"]["values"]["ProduceID"].as_str().expect("an id").as_bytes().to_vec();
    let place = bytes.windows(id.len()).position(|window| window == id).expect("the id in the file");
    bytes[place + id.len() - 1] = if bytes[place + id.len() - 1] == b'0' { b'1' } else { b'0' };
    let end = place + bytes[place..].windows(9).position(|window| window == b"end=\"r\"?>").expect("the packet's end") + 9;
    // The chunk's checksum is mended, as a forger would.
    let checksum = crc32(&bytes[33 + 4..end]);
    bytes[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
    std::fs::write(desk.path().join("forged.png"), bytes).expect("a file");
    let (code, report) = verify(&desk, "forged.png");
    assert_eq!((code, &report["label"]["verdict"]), (Some(1), &"noncompliant".into()), "{report}");
    assert_eq!(report["label"]["findings"], serde_json::json!(["signature_invalid"]));
}

/// As PNG has it (ISO/IEC 15948 annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn a_file_is_passed_on_with_its_producers_fields_and_recorded() {
    let desk = Desk::new();
    let path = picture(&desk);
    let passed = json(&desk.run(["label", &path, "--out", "shared/cat.png", "--json"]));
    let before = verify(&desk, &path).1["label"]["values"].clone();
    let (code, report) = verify(&desk, "shared/cat.png");
    assert_eq!((code, &report["label"]["verdict"]), (Some(0), &"compliant".into()), "{report}");
    let after = &report["label"]["values"];
    for field in ["Label", "ContentProducer", "ProduceID", "ReservedCode1"] {
        assert_eq!(before[field], after[field]);
    }
    assert_eq!((&after["ContentPropagator"], &after["PropagateID"]), (&PROPAGATOR.into(), &passed["id"]));
    assert_eq!(report["label"]["propagator_security"]["state"], "valid");
    assert_eq!(report["entry"]["record"]["kind"], "relabelled");
    assert_eq!(report["entry"]["record"]["operation"], "passed_on");
    assert!(desk.run(["ledger", "verify", "--ledger", "shared/danqing-ledger.sqlite"]).status.success());
    // One slot: a second propagator has to ask for it.
    let refused = desk.run(["label", "shared/cat.png", "--out", "again.png"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--replace-propagator"));

    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    std::fs::write(desk.path().join("drawing.svg"), svg).expect("a file");
    let refused = desk.run(["label", "drawing.svg", "--out", "shared/drawing.svg"]);
    assert!(text(&refused.stderr).contains("--declared"), "{}", text(&refused.stderr));
    let declared = json(&desk.run(["label", "drawing.svg", "--out", "shared/drawing.svg", "--declared", "--json"]));
    assert!(declared["notice"].as_str().expect("a notice").contains("可能为"));
    assert_eq!(verify(&desk, "shared/drawing.svg").1["label"]["values"]["Label"], "2");
    configure(&desk, "");
    let refused = desk.run(["label", "drawing.svg", "--out", "x.svg", "--declared"]);
    assert!(text(&refused.stderr).contains("propagator_code") && !desk.path().join("x.svg").exists());
}

#[test]
fn a_converted_picture_carries_both_labels() {
    let desk = Desk::new();
    let path = picture(&desk);
    for (out, size) in [("small/cat.jpg", "64"), ("small/cat.webp", "100")] {
        let converted = desk.run(["convert", &path, "--out", out, "--thumbnail", size]);
        assert!(converted.status.success(), "{}", text(&converted.stderr));
        let (code, report) = verify(&desk, out);
        assert_eq!((code, &report["label"]["verdict"]), (Some(0), &"compliant".into()), "{report}");
        assert_eq!(report["label"]["producer_security"]["state"], "valid");
        assert_eq!(report["entry"]["record"]["explicit_label"], "AI生成");
    }
    let tiny = desk.run(["convert", &path, "--out", "tiny.png", "--thumbnail", "16"]);
    assert_eq!(tiny.status.code(), Some(2), "{}", text(&tiny.stderr));
    assert!(!desk.path().join("tiny.png").exists());
    assert!(!desk.run(["convert", &path, "--out", "cat.bmp"]).status.success());
}

#[test]
fn a_folder_is_verified_at_once() {
    let desk = Desk::new();
    let path = desk.path().join(picture(&desk));
    let folder: PathBuf = desk.path().join("many/deeper");
    std::fs::create_dir_all(&folder).expect("a folder");
    for number in 0..20 {
        std::fs::copy(&path, folder.join(format!("{number:02}.png"))).expect("a copy");
    }
    let run = |arguments: &[&str]| desk.run(["verify", "--batch", "many", "--no-ledger", "--threads", "2"].iter().chain(arguments));
    let good = run(&["--json"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stdout));
    let lines: Vec<Value> = text(&good.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!((lines.len(), &lines[20]["summary"]["compliant"]), (21, &Value::from(20)));
    let names: Vec<&str> = lines[..20].iter().filter_map(|line| line["file"].as_str()).collect();
    assert!(names.is_sorted());
    std::fs::write(folder.join("bad.jpg"), b"\xff\xd8\xff\xe0").expect("a file");
    std::fs::write(folder.join("note.txt"), b"not a picture").expect("a file");
    let bad = run(&[]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        text(&bad.stdout).contains("bad.jpg: the implicit label cannot be judged") && text(&bad.stdout).contains("21 files"),
        "{}",
        text(&bad.stdout)
    );
}

#[test]
fn a_copys_watermark_agrees_with_its_label_where_the_ledger_has_no_picture() {
    let desk = Desk::new();
    configure(&desk, &format!("propagator_code = \"{PROPAGATOR}\"\nwatermark_key = \"mark.key\"\n"));
    let path = desk.generate(&["一只小猫", "--seed", "7"])[0]["path"].as_str().expect("a path").to_owned();
    assert!(desk.run(["label", &path, "--out", "shared/cat.png"]).status.success());
    let (code, report) = verify(&desk, "shared/cat.png");
    let mark = &report["watermark"];
    assert_eq!((code, &mark["state"], &mark["is_labels"]), (Some(0), &"found".into(), &true.into()), "{report}");
    assert_eq!(mark["produce_id"], Value::Null);
    assert!(text(&desk.run(["verify", "shared/cat.png"]).stdout).contains("与标识中的 ProduceID 一致"));
}

#[test]
fn a_name_that_says_another_format_is_refused_and_only_plain_files_are_read() {
    let desk = Desk::new();
    let path = picture(&desk);
    let refused = |arguments: &[&str], why: &str| {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(why), "{arguments:?}: {}", text(&output.stderr));
    };
    refused(&["label", &path, "--out", "x.jpg"], "must end in .png");
    refused(&["label", &path, "--out", "x.sqlite", "--force"], "must end in .png");
    assert!(!desk.path().join("x.jpg").exists() && !desk.path().join("x.sqlite").exists());
    assert_eq!(desk.run(["label", &path, "--out", "X.PNG"]).status.code(), Some(0));
    if cfg!(unix) {
        for command in [["label", "/dev/zero", "--out", "x.png"], ["convert", "/dev/zero", "--out", "x.png"]] {
            refused(&command, "no plain file");
        }
        refused(&["verify", "/dev/zero"], "no plain file");
    }
}
