//! The part of `danqing verify` that reads C2PA manifests: inside the file, or beside it in `FILE.c2pa`.
use crate::failure::Failure;
use credentials::{Anchors, IngredientReport, Report, Trust, Verdict, Weight, verify, verify_sidecar};
use spec::{Clock as _, Code, SystemClock};
use std::path::Path;

/// Longest sidecar that is read: manifests of many ingredients with thumbnails stay below it.
const MAXIMUM_BYTES: u64 = 64 << 20;

/// Judges the manifest of a file.
pub fn check(file: &Path, bytes: &[u8], anchors: &Anchors) -> Result<Report, Failure> {
    let report = verify(bytes, anchors, SystemClock.now());
    if report.verdict != Verdict::NotFound {
        return Ok(report);
    }
    check_sidecar(file, bytes, anchors).map(|found| found.unwrap_or(report))
}

fn check_sidecar(file: &Path, bytes: &[u8], anchors: &Anchors) -> Result<Option<Report>, Failure> {
    Ok(read_sidecar(file)?.map(|store| verify_sidecar(bytes, &store, anchors, SystemClock.now())))
}

/// The manifest store in `FILE.c2pa`, if it is there.
pub fn read_sidecar(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let path = store::sidecar(file);
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    if metadata.len() > MAXIMUM_BYTES {
        let message = format!("{} is larger than any manifest / 旁挂清单文件过大", path.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    std::fs::read(&path).map(Some).map_err(|error| Failure::reading(&path, &error))
}

/// Whether the manifest speaks against the file. A missing one does not: it may have been left out, or lost.
pub fn speaks_against(report: &Report) -> bool {
    report.verdict == Verdict::Invalid
}

/// A few lines below the file's name.
pub fn print_text(report: &Report) {
    println!("  C2PA: {}", word(report.verdict));
    print_manifest(report, "    ");
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid / 有效",
        Verdict::Invalid => "not valid / 无效",
        Verdict::NotFound => "not found / 未找到",
        Verdict::Inconclusive => "inconclusive / 无法判定",
    }
}

fn print_manifest(report: &Report, indent: &str) {
    for status in report.statuses.iter().filter(|status| matches!(status.code.weight(), Weight::Failure | Weight::Doubt)) {
        println!("{indent}{}: {} / {} {}", status.code.name(), status.code.english(), status.code.chinese(), status.url);
    }
    if let (Some(signer), Some(trust)) = (&report.signer, report.trust) {
        let trust = match trust {
            Trust::Pinned => "pinned by c2pa_trust / 已配置信任",
            Trust::Test => "test certificate, vouches for nobody / 测试证书，不具证明力",
            Trust::Unknown => "unknown signer / 签名者未知",
        };
        println!("{indent}signer / 签名者: {signer} ({trust})");
    }
    if let Some(generator) = &report.generator {
        let source = report.digital_source_type.as_deref().unwrap_or("-");
        println!("{indent}made by / 生成工具: {generator}  {}  {}", report.actions.join(", "), source.rsplit('/').next().unwrap_or(source));
    }
    if let Some(time) = &report.claimed_time {
        let stamped = report.statuses.iter().any(|status| status.code == credentials::StatusCode::TimeStampUnchecked);
        let word = if stamped {
            "with an unchecked time stamp / 时间戳未校验"
        } else {
            "the signer's own clock, no time stamp / 签名者自述，无时间戳"
        };
        println!("{indent}time / 时间: {time} ({word})");
    }
    if let Some(permission) = report.training_mining.get("cawg.ai_generative_training") {
        println!("{indent}AI training / 用于训练: {permission}");
    }
    for ingredient in &report.ingredients {
        print_ingredient(ingredient, indent);
    }
}

/// One step back in the chain, and those behind it further in.
fn print_ingredient(ingredient: &IngredientReport, indent: &str) {
    let (kind, chinese) = match ingredient.relationship.as_deref() {
        Some("parentOf") => ("made from", "源文件"),
        _ => ("with", "素材"),
    };
    let name = ingredient.title.as_deref().or(ingredient.description.as_deref()).unwrap_or("-");
    let verdict = match ingredient.verdict {
        Verdict::NotFound => "without manifest / 无清单",
        verdict => word(verdict),
    };
    println!("{indent}{kind} / {chinese}: {name}: {verdict}");
    let inner = format!("{indent}  ");
    if !ingredient.recorded_failures.is_empty() {
        println!("{inner}when it was taken in / 引用时: {}", ingredient.recorded_failures.join(", "));
    }
    if let Some(manifest) = &ingredient.manifest {
        print_manifest(manifest, &inner);
    }
}
