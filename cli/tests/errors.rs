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
