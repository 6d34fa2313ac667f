//! What officers decide, with the real binary and several processes.
mod support;

use serde_json::Value;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Desk, text};

fn code(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String) {
    let output = desk.run(arguments);
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn succeeds(desk: &Desk, arguments: &[&str]) -> String {
    let (code, said) = code(desk, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

#[test]
fn a_stop_halts_running_processes_within_two_seconds_and_is_reported() {
    let desk = Desk::new();
    desk.generate(&["一只小猫"]);
    // One writes to the stopped ledger, one to another of the same installation.
    let mut children: Vec<_> = [vec![], vec!["--out", "elsewhere"]]
        .into_iter()
        .map(|more| {
            let mut command = desk.command();
            command.args(["generate", "猫", "--steps", "1000", "--threads", "1"]).args(more).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("the binary runs")
        })
        .collect();
    std::thread::sleep(Duration::from_secs(3));
    assert!(children.iter_mut().all(|child| child.try_wait().expect("a state").is_none()), "both are at work");
    let mut stop = desk
        .command()
        .args(["policy", "stop", "--reason", "收到|投诉", "--officer", "张三", "--measure", "已下架"])
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let stopped_file = desk.path().join("danqing-stopped.json");
    while !stopped_file.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let since = Instant::now();
    for child in &mut children {
        assert_eq!(child.wait().expect("an end").code(), Some(20));
    }
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert!(stop.wait().expect("an end").success());

    let report = fs::read_to_string(desk.path().join("danqing-out/danqing-stop-report-1.md")).expect("the report");
    for words in [
        "张三",
        "收到\\|投诉",
        "已下架",
        "| 已生成并带标识的文件 | 1 |",
        "| 停用期间记录的文件 | 0 |",
        "停用中",
        "【待补】",
        "北京时间",
        "第十四条",
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }
    for more in [&["--json"][..], &["--out", "elsewhere"]] {
        let (code, said) = code(&desk, &[&["generate", "猫"], more].concat());
        assert_eq!(code, Some(20), "{said}");
        assert!(said.contains("stopped generation") && said.contains("停用生成服务"), "{said}");
    }
    fs::remove_file(&stopped_file).expect("the file");
    assert_eq!(code(&desk, &["generate", "猫"]).0, Some(20), "the ledger itself says so");

    succeeds(&desk, &["policy", "resume", "--reason", "词库已更新"]);
    assert_eq!(code(&desk, &["policy", "resume", "--reason", "again"]).0, Some(2));
    desk.generate(&["一只小狗"]);
    let report = succeeds(&desk, &["policy", "report"]);
    assert!(report.contains("词库已更新") && report.contains("恢复"), "{report}");
    assert!(desk.run(["ledger", "verify"]).status.success());
    assert!(desk.files().iter().all(|file| !file.to_string_lossy().contains(".part")), "{:?}", desk.files());
}

#[test]
fn three_refusals_in_a_row_suspend_until_an_officer_lifts_it() {
    let desk = Desk::new();
    let ask = |account: &str, prompt: &str| code(&desk, &["generate", prompt, "--account", account, "--steps", "1"]);
    for _ in 0..2 {
        assert_eq!(ask("甲", "去除水印").0, Some(3));
    }
    let (third, said) = ask("甲", "去除水印");
    assert!(third == Some(3) && said.contains("suspended from now on"), "{said}");
    let (next, said) = ask("甲", "一只小猫");
    assert!(next == Some(21) && said.contains("连续三次") && said.contains("account lift"), "{said}");
    assert_eq!(ask("乙", "一只小猫").0, Some(0), "another account is not touched");
    let picture = desk.files().into_iter().find(|path| path.extension().is_some_and(|ending| ending == "png")).expect("a picture");
    let copy = ["convert", picture.to_str().expect("a path"), "--out", "elsewhere/a.jpg", "--account"];
    assert_eq!(code(&desk, &[&copy[..], &["甲"]].concat()).0, Some(21), "another folder is no way around");
    assert!(!desk.path().join("elsewhere").exists());
    assert_eq!(code(&desk, &[&copy[..], &["乙"]].concat()).0, Some(0));
    let listed: Value = serde_json::from_str(&succeeds(&desk, &["policy", "account", "list", "--json"])).expect("JSON");
    assert_eq!((&listed["account"], &listed["cause"]), (&"甲".into(), &"in_a_row".into()));
    assert_eq!(code(&desk, &["policy", "account", "lift", "甲"]).0, Some(2), "a reason is needed");
    succeeds(&desk, &["policy", "account", "lift", "甲", "--reason", "已核实", "--officer", "张三"]);
    assert_eq!(succeeds(&desk, &["policy", "account", "list"]), "");
    assert_eq!(ask("甲", "一只小猫").0, Some(0));
    assert!(desk.run(["ledger", "verify"]).status.success());
}

#[test]
fn encrypted_prompts_are_read_by_the_key_and_cannot_be_shredded_yet() {
    let desk = Desk::new();
    fs::write(desk.path().join("danqing.toml"), "prompt_storage = \"encrypted\"\nrecord_key = \"own.key\"\n").expect("a file");
    let picture = desk.generate(&["一只小猫", "--account", "王五"]).remove(0);
    let path = picture["path"].as_str().expect("a path");
    let file = fs::read(desk.path().join("danqing-out/danqing-ledger.sqlite")).expect("the ledger");
    for words in ["一只小猫", "王五"] {
        assert!(!file.windows(words.len()).any(|window| window == words.as_bytes()), "{words}");
    }
    let said = succeeds(&desk, &["verify", path]);
    assert!(said.contains("提示词: 一只小猫") && said.contains("账户: 王五"), "{said}");
    fs::rename(desk.path().join("own.key"), desk.path().join("away.key")).expect("a file");
    let said = succeeds(&desk, &["verify", path]);
    assert!(!said.contains("一只小猫") && !said.contains("王五") && said.contains("无记录密钥"), "{said}");
    fs::write(desk.path().join("own.key"), "7".repeat(64)).expect("another ledger's key");
    let said = succeeds(&desk, &["verify", path]);
    assert!(!said.contains("王五") && said.contains("无记录密钥"), "{said}");
    fs::rename(desk.path().join("away.key"), desk.path().join("own.key")).expect("a file");
    let (inside, said) = code(&desk, &["ledger", "shred", "--before", "2999-01-01"]);
    assert!(inside == Some(2) && said.contains("须保存至"), "{said}");
    assert!(succeeds(&desk, &["ledger", "shred", "--before", "2020-01-01"]).contains("0 keys"));
    assert_eq!(code(&desk, &["ledger", "shred", "--before", "yesterday"]).0, Some(2));
    fs::write(desk.path().join("danqing.toml"), "retention_days = 30\n").expect("a file");
    assert_eq!(code(&desk, &["generate", "猫"]).0, Some(10));
    fs::write(desk.path().join("danqing.toml"), "record_key = \"lost.key\"\n").expect("a file");
    assert_eq!(code(&desk, &["generate", "猫"]).0, Some(10));
}

#[test]
fn a_stop_bars_conversion_and_passing_on_and_leaves_the_records_readable() {
    let desk = Desk::new();
    fs::write(desk.path().join("danqing.toml"), "propagator_code = \"001191110000100006666020001\"\n").expect("a file");
    let picture = desk.generate(&["一只小猫"]).remove(0);
    let path = picture["path"].as_str().expect("a path");
    succeeds(&desk, &["policy", "stop", "--reason", "收到投诉", "--officer", "张三", "--report", "report.md"]);
    let stop_file = desk.path().join("danqing-stopped.json");
    let refused = |what: &str| {
        for arguments in [["convert", path, "--out", "copy/cat.jpg"], ["label", path, "--out", "copy/cat.png"]] {
            let (code, said) = code(&desk, &arguments);
            assert_eq!(code, Some(20), "{what}: {said}");
            assert!(said.contains("stopped generation") && said.contains("停用生成服务"), "{said}");
        }
    };
    refused("the stop file");
    fs::remove_file(&stop_file).expect("the file");
    refused("the ledger beside the file that is copied");
    fs::write(&stop_file, "{}").expect("the file");
    fs::copy(desk.path().join(path), desk.path().join("foreign.png")).expect("a copy");
    assert_eq!(code(&desk, &["convert", "foreign.png", "--out", "copy/cat.jpg"]).0, Some(20));
    assert!(!desk.path().join("copy").exists(), "nothing of a copy is left");

    for arguments in [
        &["verify", path][..],
        &["ledger", "verify"],
        &["ledger", "prove", path],
        &["ledger", "checkpoint"],
        &["ledger", "export", "export"],
        &["policy", "report"],
        &["policy", "account", "list"],
        &["article9", "list"],
        &["filing", "template"],
    ] {
        succeeds(&desk, arguments);
    }
    succeeds(&desk, &["policy", "resume", "--reason", "已处理"]);
    succeeds(&desk, &["convert", path, "--out", "copy/cat.jpg", "--account", "甲"]);
    succeeds(&desk, &["label", path, "--out", "copy/cat.png", "--account", "乙"]);
    for (file, account) in [("copy/cat.jpg", "甲"), ("copy/cat.png", "乙")] {
        let report: Value = serde_json::from_slice(&desk.run(["verify", file, "--json"]).stdout).expect("JSON");
        assert_eq!((&report["ledger"], &report["personal"]["account"]), (&"recorded".into(), &account.into()), "{report}");
    }
    let report = succeeds(&desk, &["policy", "report", "--ledger", "danqing-out/danqing-ledger.sqlite"]);
    assert!(report.contains("| 停用期间转换或传播的文件 | 0 |"), "{report}");
}

#[test]
fn a_stop_does_what_it_can() {
    let desk = Desk::new();
    let stop = |more: &[&str]| code(&desk, &[&["policy", "stop", "--reason", "收到投诉"], more].concat());
    // The ledger is damaged: the stop file still stops all others.
    fs::write(desk.path().join("damaged.sqlite"), "not a ledger".repeat(99)).expect("a file");
    let (status, said) = stop(&["--ledger", "damaged.sqlite"]);
    assert!(status == Some(7) && said.contains("NOT ON RECORD") && said.contains("未能记入账本"), "{said}");
    assert_eq!(code(&desk, &["generate", "猫"]).0, Some(20));
    // Its folder is made where it is missing; where it cannot be, the ledger still stops.
    fs::remove_file(desk.path().join("danqing-stopped.json")).expect("the file");
    fs::write(desk.path().join("danqing.toml"), "stop_file = \"new/stop.json\"\n").expect("a file");
    assert_eq!(stop(&[]).0, Some(0));
    assert!(desk.path().join("new/stop.json").exists());
    succeeds(&desk, &["policy", "resume", "--reason", "演练结束"]);
    fs::write(desk.path().join("danqing.toml"), "stop_file = \"damaged.sqlite/stop.json\"\n").expect("a file");
    let (status, said) = stop(&["--report", "report.md"]);
    assert!(status == Some(7) && said.contains("entry 2") && said.contains("OTHER LEDGERS ARE NOT STOPPED"), "{said}");
    assert!(desk.path().join("report.md").exists());
    fs::write(desk.path().join("danqing.toml"), "").expect("a file");
    assert_eq!(code(&desk, &["generate", "猫"]).0, Some(20));
}

const APPLY: [&str; 6] = ["--recipient", "某某出版社", "--identity", "USCC 91110000100006666X", "--purpose", "印刷样张"];

#[test]
fn a_copy_without_explicit_label_leaves_only_when_every_condition_holds() {
    let desk = Desk::new();
    let picture = desk.generate(&["一只小猫", "--count", "2", "--seed", "7"]).remove(1);
    let path = picture["path"].as_str().expect("a path").to_owned();
    let apply = |version: &str| code(&desk, &[&["article9", "apply", path.as_str(), "--accept-agreement", version], &APPLY[..]].concat());
    assert_eq!(apply("1").0, Some(10), "no agreement is configured");
    fs::write(desk.path().join("agreement.md"), "用户须自行履行标识义务并承担使用责任。").expect("a file");
    fs::write(desk.path().join("danqing.toml"), "article9_agreement = { version = \"2\", file = \"agreement.md\" }\n").expect("a file");
    assert_eq!(apply("1").0, Some(2), "another version");
    assert_eq!(code(&desk, &["article9", "export", "0"]).0, Some(2), "a picture is no application");
    let (applied, said) = apply("2");
    assert!(applied == Some(0) && said.contains("application 2"), "{said}");
    let (early, said) = code(&desk, &["article9", "export", "2"]);
    assert!(early == Some(2) && said.contains("尚未批准"), "{said}");
    succeeds(&desk, &["article9", "approve", "2", "--identified-by", "核对营业执照", "--officer", "张三"]);
    let exported: Value = serde_json::from_slice(&desk.run(["article9", "export", "2", "--json"]).stdout).expect("JSON");
    assert_eq!((&exported["seed"], &exported["explicit_label"]), (&picture["seed"], &"".into()));
    assert_ne!(exported["produce_id"], picture["produce_id"]);

    // The same picture but for the label, and its implicit label holds.
    let copy = exported["path"].as_str().expect("a path");
    let pixels = |path: &str| image::open(desk.path().join(path)).expect("a picture").to_rgb8();
    let (labelled, plain) = (pixels(&path), pixels(copy));
    let differ = labelled.pixels().zip(plain.pixels()).filter(|(a, b)| a != b).count();
    assert!(differ > 0 && differ * 4 < 128 * 128, "{differ} pixels differ");
    let report: Value = serde_json::from_slice(&desk.run(["verify", copy, "--json"]).stdout).expect("JSON");
    assert_eq!((&report["label"]["values"]["ProduceID"], &report["ledger"]), (&exported["produce_id"], &"recorded".into()));
    assert_eq!(report["entry"]["record"]["kind"], "delivered");
    let listed: Value = serde_json::from_str(&succeeds(&desk, &["article9", "list", "--json"])).expect("JSON");
    assert_eq!((&listed["recipient"]["name"], &listed["approval"]), (&"某某出版社".into(), &3.into()));
    assert_eq!(listed["deliveries"], serde_json::json!([4]));
    assert!(succeeds(&desk, &["verify", copy]).contains("none, article 9 copy"));
    let file = fs::read(desk.path().join("danqing-out/danqing-ledger.sqlite")).expect("the ledger");
    assert!(!file.windows(15).any(|window| window == "某某出版社".as_bytes()), "the recipient is in clear text");

    // What is made from it is labelled again.
    succeeds(&desk, &["convert", copy, "--out", "shared/cat.png"]);
    let (copied, plain) = (pixels("shared/cat.png"), pixels(copy));
    assert!(copied.pixels().zip(plain.pixels()).any(|(a, b)| a != b), "the copy of the copy has no explicit label");

    fs::write(desk.path().join("agreement.md"), "改过的协议").expect("a file");
    let (changed, said) = code(&desk, &["article9", "export", "2"]);
    assert!(changed == Some(2) && said.contains("apply again"), "{said}");
    assert!(desk.run(["ledger", "verify"]).status.success());
}
