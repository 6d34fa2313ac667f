//! What a C2PA manifest says, for people.

use credentials::{IngredientReport, Report, Trust, Verdict, Weight};

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
