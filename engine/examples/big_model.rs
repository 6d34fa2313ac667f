//! Where time and memory go in one picture of a large model, whose components are in memory one at a time.
//!
//! usage: `cargo run --release -p engine --example big_model -- MODEL_FOLDER [f32|bf16|int8] [PACKED_FOLDER|off] [SIDE] [STEPS]`
//!
//! The first start with a PACKED_FOLDER writes the packed weights, later ones map them. For a cold start drop the files from the page
//! cache first: `find MODEL_FOLDER PACKED_FOLDER -type f -exec dd if={} iflag=nocache count=0 status=none \;`
use engine::families::{Control, Progress, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::ModelFolder;
use engine::weights::PackedFolder;
use engine::{Error, LoadedModel, Result};
use sha2::{Digest as _, Sha256};
use spec::RunPrecision;
use std::time::Instant;

/// Fields of `/proc/self/status` in MiB, where there is one.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_matches([':', '\t', ' ']).split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    format!(
        "{:>6} resident ({:>6} own, {:>6} of files), peak {:>6} MiB",
        field("VmRSS"),
        field("RssAnon"),
        field("RssFile"),
        field("VmHWM")
    )
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |index: usize| arguments.get(index).map(String::as_str);
    let path = word(0).ok_or_else(|| Error::InvalidRequest("MODEL_FOLDER [f32|bf16|int8] [PACKED_FOLDER|off] [SIDE] [STEPS]".into()))?;
    let precision = match word(1) {
        Some("f32") => RunPrecision::F32,
        Some("int8") => RunPrecision::Int8,
        _ => RunPrecision::Bf16,
    };
    let number = |index: usize, default: usize| word(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (side, steps) = (number(3, 512), number(4, 2));
    let mut last = Instant::now();
    let mut lap = |what: &str| {
        println!("{:>8.2} s  {what:<34} {}", last.elapsed().as_secs_f64(), memory());
        last = Instant::now();
    };
    let folder = ModelFolder::open(path)?;
    let packed = word(2).filter(|packed| *packed != "off").map(|packed| PackedFolder::new(packed, u64::MAX));
    let mut model = LoadedModel::open(folder, path, precision, Residency::OneAtATime)?.with_packed_weights(packed);
    lap("checks and hash of the model");
    let request = FamilyRequest {
        prompts: vec!["一只小猫坐在窗台上".into()],
        negative_prompt: String::new(),
        width: side,
        height: side,
        num_inference_steps: steps,
        guidance_scale: 1.0,
        seeds: vec![7],
        shortcuts: Shortcuts::default(),
    };
    let mut running = None;
    let pictures = Measurement::of(&mut model).pictures(&request, &mut |progress| {
        let ended = match progress {
            Progress::Loading(component) => running.replace(format!("load {component}")),
            Progress::Encoding => running.replace("encode the prompt".into()),
            Progress::Step { done, .. } => running.replace(format!("step {}", done + 1)),
            _ => running.replace("decode".into()),
        };
        lap(&ended.unwrap_or_else(|| "start".into()));
        Control::Continue
    })?;
    lap(&running.unwrap_or_default());
    let mut hash = Sha256::new();
    for value in pictures.first().map(engine::Tensor::f32).transpose()?.unwrap_or_default() {
        hash.update(value.to_le_bytes());
    }
    let digest = spec::Sha256Digest(hash.finalize().into()).to_string();
    println!("{side}×{side}, {steps} steps, {precision}, picture {digest:.16}");
    Ok(())
}
