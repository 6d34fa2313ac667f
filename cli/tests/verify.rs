//! One rule judges files by themselves and in batches; every fault is named, and one file's error does not hide the others.
mod support;

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use support::{Desk, text};

const PRODUCER: &str = "001191110000100006666010001";

fn configure(desk: &Desk, lines: &str) {
    fs::write(desk.path().join("danqing.toml"), format!("provider_code = \"{PRODUCER}\"\n{lines}")).unwrap();
}

/// A picture, and beside it one whose ProduceID has another last character.
fn picture_and_forgery(desk: &Desk) -> (PathBuf, PathBuf) {
    let path: PathBuf = desk.generate(&["一只小猫", "--seed", "7"])[0]["path"].as_str().unwrap().into();
    let mut bytes = fs::read(desk.path().join(&path)).unwrap();
    let verified: Value = serde_json::from_slice(&desk.run(["verify", "--json", path.to_str().unwrap()]).stdout).unwrap();
    let id = verified["label"]["values"]["ProduceID"].as_str().unwrap().as_bytes().to_vec();
    let place = bytes.windows(id.len()).position(|window| window == id).unwrap();
    let last = place + id.len() - 1;
    bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
    // The chunk's checksum is mended, as a forger would.
    let begin = bytes[..place].windows(4).rposition(|window| window == b"iTXt").unwrap();
    let length = u32::from_be_bytes(bytes[begin - 4..begin].try_into().unwrap()) as usize;
    let checksum = crc32fast::hash(&bytes[begin..begin + 4 + length]).to_be_bytes();
    bytes[begin + 4 + length..begin + 8 + length].copy_from_slice(&checksum);
    let forged = path.with_file_name("forged.png");
    fs::write(desk.path().join(&forged), bytes).unwrap();
    (path, forged)
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn a_changed_id_is_named_in_a_batch_and_decides_its_exit_code() {
    for (c2pa, faults) in [("c2pa = false\n", vec!["not_recorded"]), ("", vec!["manifest_invalid", "not_recorded"])] {
        let desk = Desk::new();
        configure(&desk, c2pa);
        let (good, forged) = picture_and_forgery(&desk);
        let batch = desk.run(["verify", "--batch", "danqing-out", "--json"]);
        assert_eq!(batch.status.code(), Some(1), "{}", text(&batch.stdout));
        let told = lines(&batch.stdout);
        let of = |path: &PathBuf| told.iter().find(|line| line["file"] == path.to_str().unwrap()).unwrap();
        assert_eq!((&of(&good)["passes"], &of(&good)["faults"]), (&true.into(), &serde_json::json!([])));
        assert_eq!((&of(&forged)["passes"], &of(&forged)["faults"]), (&false.into(), &serde_json::json!(faults)));
        let summary = &told[2]["summary"];
        assert_eq!((&summary["files"], &summary["passed"], &summary["faults"]["not_recorded"]), (&2.into(), &1.into(), &1.into()));

        let shown = text(&desk.run(["verify", "--batch", "danqing-out"]).stdout);
        assert!(shown.contains("forged.png: ") && shown.contains("not in the ledger / 账本中无记录"), "{shown}");
        assert!(!shown.contains(good.file_name().unwrap().to_str().unwrap()), "{shown}");

        // By themselves, they are judged alike.
        for (path, code) in [(&good, 0), (&forged, 1)] {
            let single = desk.run(["verify", "--json", path.to_str().unwrap()]);
            assert_eq!((single.status.code(), &lines(&single.stdout)[0]["faults"]), (Some(code), &of(path)["faults"]));
        }
        // Whoever asks for the marks alone is told of them alone.
        let marks = desk.run(["verify", "--batch", "danqing-out", "--no-ledger"]);
        assert_eq!(marks.status.code(), Some(i32::from(c2pa.is_empty())), "{}", text(&marks.stdout));
    }
}

#[test]
fn a_missing_file_does_not_hide_the_others() {
    let desk = Desk::new();
    configure(&desk, "");
    let path = desk.generate(&["一只小猫"])[0]["path"].as_str().unwrap().to_owned();
    let output = desk.run(["verify", "--json", &path, "missing.png", &path]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let told = lines(&output.stdout);
    assert_eq!((told.len(), &told[0]["ledger"], &told[2]["ledger"]), (3, &"recorded".into(), &"recorded".into()));
    assert_eq!((&told[1]["file"], &told[1]["error"]), (&"missing.png".into(), &"storage_failed".into()));
    assert!(text(&output.stderr).contains("missing.png"));
    let shown = text(&desk.run(["verify", "missing.png", &path]).stdout);
    assert!(shown.contains("ledger / 账本: entry 0"), "{shown}");
    let refused = desk.run(["verify", "--json", "--batch", "no-such-folder"]);
    assert_eq!((refused.status.code(), &lines(&refused.stdout)[0]["error"]), (Some(7), &"storage_failed".into()));
}

#[test]
fn only_sealed_fields_need_the_record_key() {
    let desk = Desk::new();
    configure(&desk, "record_key = \"own.key\"\n");
    let path = desk.generate(&["一只小猫", "--account", "王五"])[0]["path"].as_str().unwrap().to_owned();
    assert!(text(&desk.run(["verify", &path]).stdout).contains("王五"));
    // What nobody can read, whoever runs the test.
    fs::remove_file(desk.path().join("own.key")).unwrap();
    fs::create_dir(desk.path().join("own.key")).unwrap();
    let output = desk.run(["verify", &path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("entry 0") && !shown.contains("王五") && shown.contains("无记录密钥"), "{shown}");
}

#[test]
fn a_label_of_other_pixels_is_found_by_the_watermark() {
    let desk = Desk::new();
    configure(&desk, "c2pa = false\nwatermark_key = \"mark.key\"\n");
    let (good, forged) = picture_and_forgery(&desk);
    let faults = |path: &PathBuf| lines(&desk.run(["verify", "--json", path.to_str().unwrap()]).stdout)[0]["faults"].clone();
    assert_eq!(faults(&good), serde_json::json!([]));
    assert_eq!(faults(&forged), serde_json::json!(["watermark_of_another", "not_recorded"]));
}
