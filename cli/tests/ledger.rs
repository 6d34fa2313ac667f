//! Checkpoints, proofs and exports with the real binary; a proof is checked where there is no ledger.
mod support;

use serde_json::Value;
use std::fs;
use std::process::Output;
use support::{Desk, text};

fn ledger(desk: &Desk, arguments: &[&str]) -> Output {
    desk.run(["ledger"].iter().chain(arguments))
}

fn succeeds(desk: &Desk, arguments: &[&str]) -> String {
    let output = ledger(desk, arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Fails with this exit code and says this, in English or Chinese, somewhere.
fn fails(desk: &Desk, arguments: &[&str], code: i32, words: &str) {
    let output = ledger(desk, arguments);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?}: {said}");
}

/// Two refusals, which cost no drawing, each of an account of its own.
fn refused(desk: &Desk) {
    for prompt in ["去掉AI水印", "去除水印"] {
        assert_eq!(desk.run(["generate", prompt, "--account", prompt]).status.code(), Some(3));
    }
}

const KEY: &str = "danqing-out/danqing-ledger.key";
const VKEY: &str = "danqing-out/danqing-ledger.vkey";

#[test]
fn a_picture_is_proved_to_someone_without_the_ledger() {
    let desk = Desk::new();
    refused(&desk);
    let picture = &desk.generate(&["一只小猫"])[0];
    let (path, id) = (picture["path"].as_str().unwrap(), picture["produce_id"].as_str().unwrap());
    assert_eq!(succeeds(&desk, &["prove", path, "--out", "proof.json"]).trim(), "proof.json");
    assert_eq!(succeeds(&desk, &["prove", id]), fs::read_to_string(desk.path().join("proof.json")).unwrap());
    assert_eq!(succeeds(&desk, &["prove", "2"]), succeeds(&desk, &["prove", id]));

    let auditor = Desk::new();
    for (from, to) in [("proof.json", "proof.json"), (VKEY, "our.vkey"), (path, "picture.png")] {
        fs::copy(desk.path().join(from), auditor.path().join(to)).unwrap();
    }
    let verify = ["verify", "--proof", "proof.json", "--vkey", "our.vkey"];
    let said = succeeds(&auditor, &[&verify[..], &["--file", "picture.png"]].concat());
    assert!(said.contains(id) && said.contains("一只小猫") && said.contains("文件与记录一致"), "{said}");
    let answer: Value = serde_json::from_str(&succeeds(&auditor, &[&verify[..], &["--json"]].concat())).unwrap();
    assert_eq!((&answer["holds"], &answer["entries"], &answer["entry"]["index"]), (&Value::from(true), &Value::from(3), &Value::from(2)));
    let key = fs::read_to_string(auditor.path().join("our.vkey")).unwrap();
    succeeds(&auditor, &["verify", "--proof", "proof.json", "--vkey", key.trim()]);

    fs::write(auditor.path().join("other.png"), b"another picture").unwrap();
    fails(&auditor, &[&verify[..], &["--file", "other.png"]].concat(), 1, "NOT the recorded one");
    let proof = fs::read_to_string(auditor.path().join("proof.json")).unwrap();
    fs::write(auditor.path().join("proof.json"), proof.replace("一只小猫", "一只小狗")).unwrap();
    fails(&auditor, &verify, 1, "证明不成立");
    fs::write(auditor.path().join("proof.json"), proof).unwrap();
    fails(&auditor, &["verify", "--proof", "proof.json", "--vkey", "no-such-key"], 10, "--vkey");
    fails(&auditor, &["verify", "--proof", "proof.json"], 2, "--vkey");
    fails(&desk, &["prove", "3"], 2, "账本没有第 3 条");
    fails(&desk, &["prove", VKEY], 1, "does not know");
    assert_eq!(auditor.files().len(), 4, "{:?}", auditor.files());
}

#[test]
fn a_later_ledger_continues_an_earlier_checkpoint_or_is_found_out() {
    let desk = Desk::new();
    refused(&desk);
    let old = succeeds(&desk, &["checkpoint"]);
    assert!(old.starts_with("danqing.ledger.v1\n2\n") && old.contains("\n\n— danqing.ledger.v1 "), "{old}");
    assert_eq!(succeeds(&desk, &["checkpoint"]), old);
    fs::write(desk.path().join("old.checkpoint"), &old).unwrap();
    refused(&desk);
    let said = succeeds(&desk, &["verify", "--since", "old.checkpoint"]);
    assert!(said.contains("signed checkpoint of 2 leaves") && said.contains("延续"), "{said}");

    // Another ledger of the same length, in its place.
    let other = Desk::new();
    refused(&other);
    refused(&other);
    fs::copy(other.path().join("danqing-out/danqing-ledger.sqlite"), desk.path().join("danqing-out/danqing-ledger.sqlite")).unwrap();
    fails(&desk, &["verify"], 8, "被改写");
    fails(&desk, &["verify", "--without-record-key"], 8, "被改写");
    fails(&desk, &["verify", "--since", "old.checkpoint"], 8, "被改写");
    fails(&desk, &["checkpoint"], 8, "rewritten");
    let answer: Value = serde_json::from_slice(&ledger(&desk, &["verify", "--since", "old.checkpoint", "--json"]).stdout).unwrap();
    assert_eq!((&answer["sound"], &answer["since"]["continues"]), (&Value::from(false), &Value::from(false)));

    fs::write(desk.path().join("old.checkpoint"), old.replace("\n2\n", "\n3\n")).unwrap();
    fails(&desk, &["verify", "--since", "old.checkpoint"], 1, "不是由");
}

#[test]
fn the_key_can_lie_elsewhere_and_is_missed_when_it_is_gone() {
    let desk = Desk::new();
    refused(&desk);
    fs::create_dir(desk.path().join("vault")).unwrap();
    fs::write(desk.path().join("danqing.toml"), "ledger_key = \"vault/signing.key\"\n").unwrap();
    let made = ledger(&desk, &["checkpoint"]);
    assert!(text(&made.stderr).contains("vault/signing.key") && text(&made.stderr).contains("备份"), "{}", text(&made.stderr));
    assert!(!desk.path().join(KEY).exists() && desk.path().join(VKEY).exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(desk.path().join("vault/signing.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::remove_file(desk.path().join("vault/signing.key")).unwrap();
    fails(&desk, &["checkpoint"], 10, "签名密钥 vault/signing.key 缺失");
    fails(&desk, &["export", "out"], 10, "is missing");
    fs::write(desk.path().join("old.checkpoint"), &made.stdout).unwrap();
    succeeds(&desk, &["verify", "--since", "old.checkpoint"]);
    assert_eq!(desk.run(["generate", "去掉AI水印"]).status.code(), Some(3), "recording needs no key");
}

#[test]
fn an_export_holds_all_entries_and_their_signed_checkpoint() {
    let desk = Desk::new();
    refused(&desk);
    succeeds(&desk, &["export", "audit"]);
    let read = |name: &str| fs::read_to_string(desk.path().join("audit").join(name)).unwrap();
    let entries: Vec<Value> = read("entries.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((entries.len(), &entries[1]["index"], &entries[1]["record"]["kind"]), (2, &Value::from(1), &Value::from("refused")));
    assert_eq!(read("checkpoint.txt"), succeeds(&desk, &["checkpoint"]));
    assert_eq!(read("danqing-ledger.vkey"), fs::read_to_string(desk.path().join(VKEY)).unwrap());
    let readme = read("README.md");
    assert!(readme.contains("2 entries") && readme.contains(read("danqing-ledger.vkey").trim()) && readme.contains("验证公钥"), "{readme}");
    fails(&desk, &["export", "audit"], 2, "不为空");
    let all = fs::read_dir(desk.path().join("audit")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let secret = fs::read(desk.path().join(KEY)).unwrap();
    assert!(all.into_iter().all(|file| !file.windows(44).any(|window| window == &secret[secret.len() - 45..secret.len() - 1])));
}

#[test]
fn a_time_stamp_is_unverified_until_its_authority_is_named() {
    let desk = Desk::new();
    refused(&desk);
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("ledger/tests/golden");
    let name = |file: &str| golden.join(file).to_str().expect("a path").to_owned();
    let (since, key, response) = (name("timestamp.checkpoint.txt"), name("timestamp.vkey"), name("timestamp.tsr"));
    let arguments = ["verify", "--since", &since, "--vkey", &key, "--timestamp-response", &response];
    // The checkpoint is of another ledger; what is said of its stamp is the same.
    fails(&desk, &arguments, 8, "NOT CHECKED");
    fails(&desk, &arguments, 8, "签名未核验");
    let output = ledger(&desk, &[&arguments[..], &["--json"]].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["since"]["time_stamp"]["signature"], "not_checked", "{answer}");
    assert!(answer["since"]["time_stamp"]["time"].as_str().is_some_and(|time| time.ends_with('Z')));
    for (pem, state, words) in [("timestamp-tsa.pem", "valid", "签名有效"), ("timestamp-rsa-ca.pem", "unknown_signer", "不受信任")]
    {
        let pem = name(pem);
        let with = [&arguments[..], &["--timestamp-ca", &pem]].concat();
        fails(&desk, &with, 8, words);
        let answer: Value = serde_json::from_slice(&ledger(&desk, &[&with[..], &["--json"]].concat()).stdout).expect("JSON");
        assert_eq!(answer["since"]["time_stamp"]["signature"], state, "{answer}");
    }
    fails(&desk, &[&arguments[..], &["--timestamp-ca", &response]].concat(), 7, "无法读取");
}

#[test]
fn entries_are_listed_by_account_and_time_shown_and_found_by_text() {
    let desk = Desk::new();
    refused(&desk);
    let lines = |arguments: &[&str]| succeeds(&desk, arguments).lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&["list"]).len(), 2);
    assert_eq!(lines(&["list", "--limit", "1"]).len(), 1);
    let ours = lines(&["list", "--account", "去除水印", "--kind", "refused", "--since", "2020-01-01"]);
    assert!(matches!(&ours[..], [line] if line.contains("去除水印") && !line.contains("去掉")), "{ours:?}");
    assert!(lines(&["list", "--until", "2020-01-01"]).is_empty() && lines(&["list", "--kind", "produced"]).is_empty());
    let found = succeeds(&desk, &["search", "去掉AI水印", "--json"]);
    let entry: Value = serde_json::from_str(&found).expect("one object");
    assert_eq!((&entry["account"], &entry["entry"]["index"]), (&Value::from("去掉AI水印"), &Value::from(0)));
    fails(&desk, &["search", "no such text"], 1, "");
    let shown = succeeds(&desk, &["show", "1"]);
    assert!(shown.contains("去除水印") && shown.contains("account / 账户: 去除水印"), "{shown}");
    fails(&desk, &["show", "2"], 2, "账本没有第 2 条");
    // 4.1 is no number of single precision; it reads as it was typed all the same.
    assert_eq!(desk.run(["generate", "去掉AI水印", "--guidance-scale", "4.1"]).status.code(), Some(3));
    let shown = succeeds(&desk, &["show", "2", "--json"]);
    assert!(shown.contains("\"guidance_scale\":4.1,"), "{shown}");
}

#[test]
fn a_deleted_row_frees_nobody_and_is_found() {
    let desk = Desk::new();
    refused(&desk);
    assert!(desk.run(["policy", "stop", "--reason", "x", "--officer", "y"]).status.success());
    fs::remove_file(desk.path().join("danqing-stopped.json")).unwrap();
    succeeds(&desk, &["verify"]);
    let connection = rusqlite::Connection::open(desk.path().join("danqing-out/danqing-ledger.sqlite")).unwrap();
    connection.execute_batch("DROP TRIGGER tag_is_never_removed; DELETE FROM tag").unwrap();
    drop(connection);
    fails(&desk, &["verify"], 8, "tag_is_never_removed");
    assert_eq!(desk.run(["generate", "一只小猫"]).status.code(), Some(20), "the stop holds");
    fails(&desk, &["verify"], 8, "lost its tag switch");
}

#[test]
fn no_output_replaces_the_ledger_or_a_key() {
    let desk = Desk::new();
    refused(&desk);
    for name in ["danqing-ledger.sqlite", "danqing-ledger.record-key", "danqing-ledger.sqlite-wal"] {
        fails(&desk, &["prove", "0", "--out", &format!("danqing-out/{name}")], 2, "own files");
    }
    succeeds(&desk, &["verify"]);
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let desk = Desk::new();
    desk.generate(&["一只小猫"]);
    std::fs::write(desk.path().join("danqing.toml"), "ledger_key = \"missing/ledger.key\"\n").expect("a file");
    std::fs::create_dir(desk.path().join("empty")).expect("a folder");
    for folder in ["export", "empty"] {
        assert!(!desk.run(["ledger", "export", folder]).status.success());
    }
    assert!(!desk.path().join("export").exists());
    assert_eq!(std::fs::read_dir(desk.path().join("empty")).expect("still there").count(), 0);
}
