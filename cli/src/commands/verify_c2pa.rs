//! The part of `danqing verify` that reads C2PA manifests: inside the file, or beside it in `FILE.c2pa`.
use crate::failure::Failure;
use credentials::{Anchors, Report, Trust, Verdict, Weight, verify, verify_sidecar};
use spec::{Clock as _, Code, SystemClock};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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
    let path = sidecar(file);
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    if metadata.len() > MAXIMUM_BYTES {
        let message = format!("{} is larger than any manifest / 旁挂清单文件过大", path.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let store = std::fs::read(&path)
        .map_err(|error| Failure::new(Code::StorageFailed, format!("cannot read {0}: {error} / 无法读取 {0}：{error}", path.display())))?;
    Ok(Some(verify_sidecar(bytes, &store, anchors, SystemClock.now())))
}

/// `FILE.c2pa`.
fn sidecar(file: &Path) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(".c2pa");
    path.into()
}

/// Whether the manifest speaks against the file. A missing one does not: it may have been left out, or lost.
pub fn speaks_against(report: &Report) -> bool {
    report.verdict == Verdict::Invalid
}

/// A few lines below the file's name.
pub fn print_text(report: &Report) {
    let verdict = match report.verdict {
        Verdict::Valid => "valid / 有效",
        Verdict::Invalid => "not valid / 无效",
        Verdict::NotFound => "not found / 未找到",
        Verdict::Inconclusive => "inconclusive / 无法判定",
    };
    println!("  C2PA: {verdict}");
    for status in report.statuses.iter().filter(|status| matches!(status.code.weight(), Weight::Failure | Weight::Doubt)) {
        println!("    {}: {} / {} {}", status.code.name(), status.code.english(), status.code.chinese(), status.url);
    }
    if let (Some(signer), Some(trust)) = (&report.signer, report.trust) {
        let trust = match trust {
            Trust::Pinned => "pinned by c2pa_trust / 已配置信任",
            Trust::Test => "test certificate, vouches for nobody / 测试证书，不具证明力",
            Trust::Unknown => "unknown signer / 签名者未知",
        };
        println!("    signer / 签名者: {signer} ({trust})");
    }
    if let Some(generator) = &report.generator {
        let source = report.digital_source_type.as_deref().unwrap_or("-");
        println!("    made by / 生成工具: {generator}  {}  {}", report.actions.join(", "), source.rsplit('/').next().unwrap_or(source));
    }
    if let Some(time) = &report.claimed_time {
        let stamped = report.statuses.iter().any(|status| status.code == credentials::StatusCode::TimeStampUnchecked);
        let word = if stamped {
            "with an unchecked time stamp / 时间戳未校验"
        } else {
            "the signer's own clock, no time stamp / 签名者自述，无时间戳"
        };
        println!("    time / 时间: {time} ({word})");
    }
    if let Some(permission) = report.training_mining.get("cawg.ai_generative_training") {
        println!("    AI training / 用于训练: {permission}");
    }
    for ingredient in &report.ingredients {
        println!("    ingredient / 素材: {ingredient}");
    }
}
