//! Where keys and ledgers lie, who makes them, and what is said of it.
mod support;

use std::fs;
use std::path::Path;
use support::{Desk, text};

fn succeeds(desk: &Desk, folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = desk.command().current_dir(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn paths_count_from_the_configuration_and_new_keys_are_announced() {
    let desk = Desk::new();
    let (settings, work) = (desk.path().join("settings"), desk.path().join("work"));
    fs::create_dir(&settings).unwrap();
    fs::create_dir(&work).unwrap();
    fs::write(settings.join("danqing.toml"), "watermark_key = \"mark.key\"\nlabel_key = \"label.key\"\nrecord_key = \"record.key\"\n")
        .unwrap();
    let generate = ["--config", "../settings/danqing.toml", "generate", "一只小猫", "--steps", "2"];
    let (_, said) = succeeds(&desk, &work, &generate);
    for key in ["mark.key", "label.key", "record.key"] {
        assert!(settings.join(key).is_file() && !work.join(key).exists(), "{key}");
        assert!(said.lines().any(|line| line.starts_with("note / 提示: made") && line.contains(key)), "{said}");
    }
    assert!(said.contains("danqing-c2pa-test.pem"), "{said}");
    let (_, said) = succeeds(&desk, &work, &generate);
    assert!(!said.contains("made the key"), "{said}");
}

#[test]
fn a_command_that_only_reads_makes_no_key() {
    let desk = Desk::new();
    let path = desk.generate(&["一只小猫"])[0]["path"].as_str().unwrap().to_owned();
    fs::write(desk.path().join("danqing.toml"), "watermark_key = \"mark.key\"\nlabel_key = \"label.key\"\n").unwrap();
    let before = desk.files();
    let refused = desk.run(["verify", &path]);
    assert_eq!(refused.status.code(), Some(7), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("mark.key"), "{}", text(&refused.stderr));
    fs::write(desk.path().join("danqing.toml"), "label_key = \"label.key\"\nrecord_key = \"other.key\"\n").unwrap();
    assert_eq!(desk.run(["verify", &path]).status.code(), Some(0));
    assert_eq!(desk.files().len(), before.len());
}

#[test]
fn in_a_working_copy_only_the_picture_and_its_ledger_appear_and_that_is_said() {
    let desk = Desk::new();
    let project = desk.path().join("project");
    fs::create_dir_all(project.join(".git")).unwrap();
    let (_, said) = succeeds(&desk, &project, &["generate", "一只小猫", "--steps", "2", "--out", "cat.png"]);
    assert_eq!(names(&project), [".git", "cat.png", "danqing-ledger.sqlite"]);
    assert!(said.contains("danqing-ledger.sqlite — inside a git working copy"), "{said}");
    succeeds(&desk, &project, &["convert", "cat.png", "--out", "small.png", "--thumbnail", "96"]);
    assert_eq!(names(&project), [".git", "cat.png", "danqing-ledger.sqlite", "small.png"]);
    assert_eq!(names(&desk.home("config").join("danqing")), ["danqing-c2pa-test.pem", "danqing-ledger.record-key"]);
}

#[test]
fn keys_beside_an_older_ledger_stay_in_use() {
    let desk = Desk::new();
    fs::create_dir(desk.path().join("danqing-out")).unwrap();
    let key = desk.path().join("danqing-out/danqing-ledger.record-key");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let path = desk.generate(&["一只小猫", "--account", "王五"])[0]["path"].as_str().unwrap().to_owned();
    assert!(!desk.home("config").join("danqing/danqing-ledger.record-key").exists());
    assert!(text(&desk.run(["verify", &path]).stdout).contains("王五"));
    fs::remove_file(key).unwrap();
    assert!(!text(&desk.run(["verify", &path]).stdout).contains("王五"));
}

#[test]
fn init_writes_once_and_one_ledger_serves_all_folders() {
    let desk = Desk::new();
    let (config, data) = (desk.home("config").join("danqing"), desk.home("data").join("danqing"));
    let (written, _) = succeeds(&desk, desk.path(), &["init", "--provider-code", "001191110000100006666010001"]);
    assert_eq!(names(&config), ["danqing-label.key", "danqing-label.key.pub", "danqing-ledger.record-key", "danqing.toml"]);
    assert_eq!(written.lines().count(), 3, "{written}");
    let contents = || names(&config).iter().map(|name| fs::read(config.join(name)).unwrap()).collect::<Vec<_>>();
    let before = contents();
    let (again, _) = succeeds(&desk, desk.path(), &["init"]);
    assert!(again.contains("均已存在"), "{again}");
    let refused = desk.run(["init", "--ledger", "other.sqlite"]);
    assert_eq!(refused.status.code(), Some(10), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("is there already") && contents() == before);
    fs::remove_file(config.join("danqing-label.key")).unwrap();
    fs::remove_file(config.join("danqing-label.key.pub")).unwrap();
    let (mended, _) = succeeds(&desk, desk.path(), &["init"]);
    assert!(mended.contains("danqing-label.key") && mended.lines().count() == 1, "{mended}");

    for (folder, seed) in [("first", "1"), ("second", "2")] {
        succeeds(&desk, desk.path(), &["generate", "一只小猫", "--steps", "2", "--seed", seed, "--out", &format!("{folder}/cat.png")]);
        assert_eq!(names(&desk.path().join(folder)), ["cat.png"]);
    }
    assert!(data.join("danqing-ledger.sqlite").is_file());
    let (shown, _) = succeeds(&desk, desk.path(), &["verify", "first/cat.png", "second/cat.png"]);
    assert!(shown.contains("entry 0") && shown.contains("entry 1") && shown.contains("compliant / 合规"), "{shown}");
    let (checked, _) = succeeds(&desk, desk.path(), &["ledger", "verify", "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&checked).unwrap()["entries"], 2, "{checked}");
    succeeds(&desk, desk.path(), &["convert", "first/cat.png", "--out", "third/cat.jpg"]);
    assert_eq!(names(&desk.path().join("third")), ["cat.jpg"]);
    #[cfg(unix)]
    for (name, mode) in [("danqing-ledger.record-key", 0o600), ("danqing-label.key", 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(config.join(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn init_in_a_working_copy_keeps_keys_out_of_git() {
    let desk = Desk::new();
    let folder = desk.path().join("project/settings");
    fs::create_dir_all(desk.path().join("project/.git")).unwrap();
    let (_, said) = succeeds(&desk, desk.path(), &["init", "project/settings"]);
    assert!(said.contains("git 工作区"), "{said}");
    let ignored = fs::read_to_string(folder.join(".gitignore")).unwrap();
    assert!(
        ["*.key", "*.record-key", "danqing-ledger.sqlite*"].iter().all(|line| ignored.lines().any(|other| other == *line)),
        "{ignored}"
    );
    succeeds(&desk, &folder, &["generate", "一只小猫", "--steps", "2", "--out", "../cat.png"]);
    assert!(folder.join("danqing-ledger.sqlite").is_file() && !desk.path().join("project/danqing-ledger.sqlite").exists());
}
