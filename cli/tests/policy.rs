//! `danqing policy`: verdicts, packages and banks from the command line, with the exit codes that scripts rely on.

use std::path::Path;
use std::process::{Command, Output};

fn danqing(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_danqing")).current_dir(folder).arg("policy").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_verdict_quotes_and_says_how_to_appeal() {
    let folder = tempfile::tempdir().unwrap();
    let passed = danqing(folder.path(), &["check", "裸色口红"]);
    assert_eq!(passed.status.code(), Some(0));
    let refused = danqing(folder.path(), &["check", "画：分lie国家", "--appeal-contact", "审核组"]);
    assert_eq!(refused.status.code(), Some(3));
    for words in ["“分lie国家”", "A1.c", "danqing-builtin@", "发给 审核组 申诉", "appeal to 审核组"] {
        assert!(text(&refused).contains(words), "{words}: {}", text(&refused));
    }
    let refused = danqing(folder.path(), &["check", "p0rn", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((answer["decision"].as_str(), answer["findings"][0]["view"].as_str()), (Some("refuse"), Some("leet")));
    assert_eq!(answer["findings"][0]["span"], serde_json::json!([0, 4]));
}

#[test]
fn a_list_becomes_a_signed_package() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.txt"), "某某可乐\n某 某 可 乐\n").unwrap();
    let imported = danqing(folder.path(), &["import", "list.txt", "--class", "A3.a", "--out", "own"]);
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    let key = text(&danqing(folder.path(), &["key", "secret"])).trim().to_owned();
    assert_eq!(danqing(folder.path(), &["key", "secret"]).status.code(), Some(7), "a key is never overwritten");
    let check = || danqing(folder.path(), &["check", "一罐某某可乐", "--lexicon", "own", "--trusted-key", &key]);
    assert_eq!(check().status.code(), Some(10), "not signed yet");
    assert_eq!(danqing(folder.path(), &["sign", "own", "--key", "secret"]).status.code(), Some(0));
    assert_eq!(check().status.code(), Some(3));
    let inspected = danqing(folder.path(), &["inspect", "--lexicon", "own"]);
    assert_eq!(inspected.status.code(), Some(1), "far from ten thousand terms");
    assert!(text(&inspected).contains(&key));
}

#[test]
fn a_bank_that_misses_a_threshold_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let bank = "{\"id\":\"1\",\"text\":\"裸体\",\"class\":\"A1.f\",\"expect\":\"refuse\"}\n{\"id\":\"2\",\"text\":\"剪纸\",\"class\":\"文化\",\"expect\":\"allow\"}\n";
    std::fs::write(folder.path().join("bank.jsonl"), bank).unwrap();
    let output = danqing(folder.path(), &["evaluate", "bank.jsonl", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["refuse"]["passed"].as_u64(), report["allow"]["passed"].as_u64()), (Some(1), Some(1)));
    assert!(text(&danqing(folder.path(), &["evaluate", "bank.jsonl"])).contains("95 % from"));
}
