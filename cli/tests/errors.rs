//! Bad input gets an error in English and Chinese, its own exit code, and no file.
mod support;

use std::ffi::OsStr;
use support::{Desk, golden, text};

fn fails(arguments: &[&str], code: i32, english: &str, chinese: &str) {
    let desk = Desk::new();
    let output = desk.run(arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.contains(english) && message.contains(chinese), "{arguments:?}: {message}");
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new(), "{arguments:?}");
}

#[test]
fn each_mistake_is_named() {
    let long = "a".repeat(100_000);
    fails(&["generate", ""], 2, "empty", "提示词为空");
    fails(&["generate", &long], 2, "100000 characters", "请缩短");
    fails(&["generate", "猫\u{7}"], 2, "control character", "控制字符");
    fails(&["generate", "猫", "--width", "100"], 2, "multiples of 16", "倍数");
    fails(&["generate", "猫", "--width", "32", "--height", "32"], 2, "", "");
    fails(&["generate", "猫", "--width", "0"], 2, "from 1 to", "之间");
    fails(&["generate", "猫", "--steps", "0"], 2, "from 1 to", "之间");
    fails(&["generate", "猫", "--count", "0"], 2, "from 1 to", "之间");
    fails(&["generate", "猫", "--guidance-scale", "nan"], 2, "guidance scale", "引导强度");
    fails(&["generate", "猫", "--model", "no-such-model"], 4, "model_index.json", "找不到模型");
    fails(&["generate", "猫", "--count", "2", "--out", "a.png"], 2, "needs a folder", "文件夹");
    fails(&["generate", "猫", "--out", "a.png", "--format", "webp"], 2, "another format", "不一致");
    fails(&["generate", "猫", "--enhance-prompt"], 2, "no prompt enhancer", "提示词增强");
    fails(&["generate", "猫", "--config", "missing.toml"], 10, "missing.toml", "配置");
    fails(&["verify", "missing.png"], 7, "missing.png", "无法读取");
    fails(&["ledger", "verify", "--ledger", "missing.sqlite"], 7, "missing.sqlite", "账本");
}

#[cfg(unix)]
#[test]
fn a_prompt_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    let output = desk.run([OsStr::new("generate"), OsStr::from_bytes(b"\xff\xfe")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("UTF-8"), "{}", text(&output.stderr));
}

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("a.png"), b"mine").unwrap();
    let refused = desk.run(["generate", "猫", "--steps", "1", "--out", "a.png"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("a.png") && text(&refused.stderr).contains("已存在"));
    assert_eq!(std::fs::read(desk.path().join("a.png")).unwrap(), b"mine");
    let replaced = desk.run(["generate", "猫", "--steps", "1", "--out", "a.png", "--force"]);
    assert!(replaced.status.success(), "{}", text(&replaced.stderr));
    assert!(image::open(desk.path().join("a.png")).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("file"), b"").unwrap();
    let output = desk.run(["generate", "猫", "--out", "file/below"]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("file"));
}

#[test]
fn check_compares_with_a_reference_and_hands_out_no_pixels() {
    let desk = Desk::new();
    let (model, reference) = (golden("ernie-image"), golden("ernie-image-goldens/guided.safetensors"));
    let check = |extra: &[&str]| {
        let fixed = [OsStr::new("model"), OsStr::new("check"), model.as_os_str(), OsStr::new("--reference"), reference.as_os_str()];
        desk.run(fixed.into_iter().chain(extra.iter().map(OsStr::new)))
    };
    let passed = check(&[]);
    assert!(passed.status.success(), "{}", text(&passed.stderr));
    let report: serde_json::Value = serde_json::from_slice(&passed.stdout).unwrap();
    assert!(report["max_absolute_difference"].as_f64().unwrap() < 1e-3);
    assert!(report["psnr_db"].as_f64().unwrap() > 60.0);
    assert_eq!(check(&["--tolerance", "0"]).status.code(), Some(1));
    assert_eq!(desk.files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn inspect_counts_components() {
    let desk = Desk::new();
    let output = desk.run(["model", "inspect", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["class_name"], "ErnieImagePipeline");
    assert_eq!(report["supported"], true);
    assert!(report["bytes"].as_u64().unwrap() < 45_000_000, "the embedded checkpoint has a size limit");
}

/// What an officer may type wrong: a file that is missing, a folder, an empty file, noise.
#[test]
fn no_command_of_the_officer_takes_a_wrong_file_or_leaves_anything_behind() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("danqing.toml"), "propagator_code = \"001191110000100006666020001\"\n").unwrap();
    std::fs::create_dir(desk.path().join("folder")).unwrap();
    std::fs::write(desk.path().join("empty"), "").unwrap();
    std::fs::write(desk.path().join("noise"), (0..999_u32).map(|n| (n * n / 7) as u8 | 0x80).collect::<Vec<u8>>()).unwrap();
    std::fs::write(desk.path().join("broken"), "{\"a\": [").unwrap();
    let every = || {
        let mut names: Vec<_> = walk(desk.path()).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        names.sort();
        names
    };
    let before = every();
    for file in ["missing", "folder", "empty", "noise", "broken"] {
        for command in [
            "verify FILE",
            "label FILE --out out.png --declared",
            "convert FILE --out out.png",
            "ledger verify --ledger FILE",
            "ledger checkpoint --ledger FILE",
            "ledger export out --ledger FILE",
            "ledger prove FILE",
            "ledger verify --proof FILE --vkey FILE",
            "ledger shred --before 2020-01-01 --ledger FILE",
            "policy check 猫 --lexicon FILE",
            "policy inspect --lexicon FILE",
            "policy screen FILE",
            "policy import FILE --class A1.f --out out",
            "policy sign FILE --key FILE",
            "policy evaluate FILE",
            "policy draft-bank out --lexicon FILE",
            "policy account list --ledger FILE",
            "policy account lift 甲 --reason 误 --ledger FILE",
            "policy resume --reason 误 --ledger FILE",
            "policy report --ledger FILE",
            "article9 list --ledger FILE",
            "article9 approve 0 --identified-by 证 --ledger FILE",
            "filing check --subject FILE --config FILE",
            "data check FILE",
            "data list FILE",
            "data judge FILE FILE --by 组",
            "data register out.toml --recipe FILE",
            "data sample 源 --recipe FILE --data FILE --out out",
        ] {
            if command.starts_with("policy import") && file == "broken" {
                continue; // A list of one term.
            }
            let output = desk.run(command.split(' ').map(|word| if word == "FILE" { file } else { word }));
            let said = text(&output.stdout) + &text(&output.stderr);
            let code = output.status.code();
            assert!(code.is_some_and(|code| code != 0 && code != 101), "{command}, {file}: {code:?} {said}");
            assert!(said.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character)), "{command}, {file}: {said}");
            assert!(before == every(), "{command}, {file}: something was written");
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_the_system_said_comes_with_advice_and_arguments_with_chinese() {
    fails(&["verify", "missing.png"], 7, "check the path", "请检查路径");
    fails(&["verify", "."], 2, "no plain file", "不是普通文件");
    fails(&["generate", "猫", "--config", "missing.toml"], 10, "check the path", "请检查路径");
    fails(&["policy", "evaluate", "missing.jsonl"], 7, "check the path", "请检查路径");
    fails(&["data", "check", "missing.toml"], 7, "check the path", "请检查路径");
    fails(&["verify"], 2, "required arguments", "命令行参数有误");
    fails(&["no-such-command"], 2, "unrecognized", "命令行参数有误");
}

#[test]
fn a_ledger_that_is_named_must_be_there() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("pictures")).unwrap();
    for arguments in [["verify", "--batch", "pictures"].as_slice(), &["verify", "danqing.toml"]] {
        std::fs::write(desk.path().join("danqing.toml"), "").unwrap();
        let output = desk.run(arguments.iter().chain(&["--ledger", "missing.sqlite"]));
        assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("没有账本 missing.sqlite"), "{}", text(&output.stderr));
    }
}

#[test]
fn what_is_no_picture_is_neither_passed_on_nor_converted() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("danqing.toml"), "propagator_code = \"001191110000100006666020001\"\n").unwrap();
    for command in ["label", "convert"] {
        let output = desk.run([command, "danqing.toml", "--out", "out/a.png"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("PNG, JPEG, WebP") && text(&output.stderr).contains("不是可写入标识的文件格式"));
        assert!(!desk.path().join("out").exists());
    }
}

/// A reader that leaves before the first line, and a disk without space.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_no_panic() {
    use std::process::Stdio;
    let desk = Desk::new();
    std::fs::write(desk.path().join("a.svg"), "<svg/>").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = |out: Stdio| desk.command().args(["verify", "--json", "a.svg"]).stdout(out).stderr(Stdio::piped()).output().unwrap();
    let closed = run(writer.into());
    assert_eq!((closed.status.code(), text(&closed.stderr)), (Some(141), String::new()));
    let full = run(std::fs::File::options().write(true).open("/dev/full").unwrap().into());
    assert_eq!(full.status.code(), Some(7));
    assert!(text(&full.stderr).contains("无法写入标准输出") && !text(&full.stderr).contains("panicked"), "{}", text(&full.stderr));
}
