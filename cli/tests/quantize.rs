//! A checkpoint is quantised by measurement, and runs as it is stored.
mod support;

use serde_json::Value;
use support::{Desk, text};

#[test]
fn a_quantised_folder_appears_whole_and_draws() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("prompts.txt"), "一只小猫\n\n西瓜，蓝色背景\n").unwrap();
    let quantize =
        ["model", "quantize", "xiaopin", "--out", "small", "--prompts", "prompts.txt", "--steps", "1", "--no-comparison", "--json"];
    let output = desk.run(quantize);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = report["layers"].as_array().unwrap();
    let (convolutions, linear): (Vec<&Value>, Vec<&Value>) = layers.iter().partition(|layer| layer["kernel"].is_number());
    assert_eq!(linear.len(), 56, "seven linear layers in each of eight blocks");
    assert_eq!(convolutions.len(), 16, "the decoder's resnet convolutions of 32 channels and more");
    assert!(convolutions.iter().all(|layer| layer["layer"].as_str().unwrap().starts_with("decoder.")));
    assert!(layers.iter().all(|layer| layer["error"].as_f64().unwrap() > 0.0));
    assert!(report["rotated"].as_u64().unwrap() > 0);

    let again = desk.run(quantize);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists") && text(&again.stderr).contains("已存在"));
    let of_small = desk.run(["model", "quantize", "small", "--out", "smaller"]);
    assert_eq!(of_small.status.code(), Some(2));
    assert!(text(&of_small.stderr).contains("already"));
    assert!(!desk.path().join("smaller").exists());

    let inspection = desk.run(["model", "inspect", "small", "--json"]);
    assert!(text(&inspection.stdout).contains("I8"), "{}", text(&inspection.stdout));
    for dtype in ["int8", "bf16"] {
        let pictures = desk.generate(&["一只小猫", "--model", "small", "--dtype", dtype]);
        assert_eq!(pictures.len(), 1);
    }
}
