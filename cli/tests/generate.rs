//! A prompt becomes a labelled, recorded picture, and nothing else leaves.
mod support;

use serde_json::Value;
use support::{Desk, text};

#[test]
fn a_picture_is_labelled_recorded_and_verifies() {
    let desk = Desk::new();
    let pictures = desk.generate(&["一只小猫", "--count", "2", "--seed", "7"]);
    assert_eq!(pictures.len(), 2);
    assert_eq!((&pictures[0]["seed"], &pictures[1]["seed"]), (&Value::from(7), &Value::from(8)));
    assert_ne!(pictures[0]["produce_id"], pictures[1]["produce_id"]);
    for picture in &pictures {
        let path = picture["path"].as_str().unwrap();
        let verified = desk.run(["verify", "--json", path]);
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(report["ledger"], "recorded");
        assert_eq!(report["label"]["values"]["ProduceID"], picture["produce_id"]);
        assert_eq!(report["label"]["values"]["Label"], "1");
        let record = &report["entry"]["record"];
        assert_eq!(record["content_sha256"], picture["content_sha256"]);
        assert_eq!(record["request"]["texts"]["prompt"], "一只小猫");
        assert_eq!(record["model"]["sha256"], picture["model_sha256"]);
    }
    assert!(desk.run(["ledger", "verify"]).status.success());
    assert_eq!(desk.files().len(), 2, "{:?}", desk.files());
}

#[test]
fn the_same_seed_gives_the_same_pixels_in_every_format_and_batch() {
    let desk = Desk::new();
    let pixels = |arguments: &[&str]| {
        let pictures = desk.generate(arguments);
        let last = pictures.last().unwrap()["path"].as_str().unwrap().to_owned();
        image::open(desk.path().join(last)).unwrap().to_rgb8()
    };
    let alone = pixels(&["红色的苹果", "--seed", "12", "--out", "a.png"]);
    assert_eq!(pixels(&["红色的苹果", "--seed", "12", "--format", "webp", "--threads", "1"]), alone);
    assert_eq!(pixels(&["红色的苹果", "--seed", "10", "--count", "3"]), alone);
    assert_ne!(pixels(&["红色的苹果", "--seed", "13"]), alone);
    assert_eq!(alone.dimensions(), (128, 128));
}

#[test]
fn a_changed_picture_is_found() {
    let desk = Desk::new();
    let path = desk.path().join(desk.generate(&["香蕉", "--format", "jpeg"])[0]["path"].as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.len() - 20;
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let verified = desk.run(["verify".as_ref(), "--json".as_ref(), path.as_os_str()]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified.stdout).contains("\"changed\""), "{}", text(&verified.stdout));
}

#[test]
fn a_refusal_is_recorded_and_draws_nothing() {
    let desk = Desk::new();
    let output = desk.run(["generate", "去掉AI水印", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let refusal: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(refusal["refused"]["decision"], "refuse");
    assert!(text(&output.stderr).contains("申诉") && text(&output.stderr).contains("appeal"));
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new());
    let ledger = desk.run(["ledger", "verify", "--json"]);
    let report: Value = serde_json::from_slice(&ledger.stdout).unwrap();
    assert_eq!((&report["sound"], &report["entries"]), (&Value::from(true), &Value::from(1)));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_file_and_a_true_ledger() {
    let desk = Desk::new();
    let mut child = desk.command().args(["generate", "猫", "--steps", "1000"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new());
    assert!(desk.run(["ledger", "verify"]).status.success());
}

#[test]
fn the_configuration_says_whom_to_trust_and_whom_to_appeal_to() {
    let desk = Desk::new();
    let write = |name: &str, content: &str| std::fs::write(desk.path().join(name), content).expect("a writable folder");
    write("danqing.toml", "appeal_contact = \"safety@example.com\"\n");
    let refused = desk.run(["generate", "去除水印", "--steps", "1"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("safety@example.com"), "{}", text(&refused.stderr));

    // An unsigned lexicon is in force where anybody's is, and an error where only one key's are.
    write("terms.txt", "青瓷\n");
    let imported = desk.run(["policy", "import", "terms.txt", "--class", "A3.a", "--out", "own"]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    write("danqing.toml", "lexicons = [\"own\"]\n");
    assert_eq!(desk.run(["generate", "青瓷花瓶", "--steps", "1"]).status.code(), Some(3));
    write(
        "danqing.toml",
        &format!("lexicons = [\"own\"]\ntrusted_keys = [\"{}\"]\n", "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"),
    );
    let untrusted = desk.run(["generate", "花瓶", "--steps", "1"]);
    assert!(!untrusted.status.success() && untrusted.status.code() != Some(3), "{}", text(&untrusted.stderr));
    assert!(desk.files().iter().all(|file| file.extension().is_none_or(|ending| ending != "png")));
}

#[test]
fn a_copy_without_metadata_is_traced_by_its_watermark() {
    let desk = Desk::new();
    assert_eq!(desk.generate(&["一只小猫", "--seed", "7"])[0]["watermarked"], false, "not asked for");
    let configure = |key: &str| std::fs::write(desk.path().join("danqing.toml"), format!("watermark_key = {key:?}\n")).expect("a file");
    configure("own.key");
    let made = desk.generate(&["一只小猫", "--seed", "7"]).remove(0);
    assert_eq!(made["watermarked"], true);
    let path = made["path"].as_str().expect("a path");
    // What a site that re-encodes leaves of it.
    let copy = desk.path().join("danqing-out/copy.jpg");
    image::open(desk.path().join(path)).expect("a picture").to_rgb8().save(&copy).expect("a copy");
    let verified = desk.run(["verify", "danqing-out/copy.jpg", "--json"]);
    assert!(!verified.status.success());
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!((&report["label"]["verdict"], &report["ledger"]), (&"not_found".into(), &"unknown".into()));
    assert_eq!((&report["watermark"]["state"], &report["watermark"]["produce_id"]), (&"found".into(), &made["produce_id"]));
    // Another installation's key finds nothing.
    std::fs::write(desk.path().join("other.key"), "ab".repeat(32)).expect("a key");
    configure("other.key");
    let verified = desk.run(["verify", "danqing-out/copy.jpg", "--json"]);
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(report["watermark"]["state"], "not_found");
}

#[test]
fn a_size_and_words_that_the_model_does_not_know_are_warned_about() {
    let desk = Desk::new();
    let prompt = "红色的苹果，".repeat(300);
    let pictures = desk.generate(&[&prompt, "--width", "64", "--height", "64"]);
    let warnings = pictures[0]["warnings"].as_array().unwrap();
    let codes: Vec<&str> = warnings.iter().filter_map(|warning| warning["code"].as_str()).collect();
    assert_eq!(codes, ["prompt_cut", "untrained_size"]);
    assert!(prompt.contains(warnings[0]["first_unseen"].as_str().unwrap()) && warnings[0]["limit"] == 256, "{}", warnings[0]);
    let plain = desk.generate(&["苹果"]);
    assert_eq!(plain[0]["warnings"], Value::Null);
}
