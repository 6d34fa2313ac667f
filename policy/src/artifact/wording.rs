//! What people read about an artifact that was withheld.

use crate::RiskClass;
use spec::{ImageScore, Screening, ScreeningDecision};

pub(super) fn english(screening: &Screening, appeal: Option<&str>) -> String {
    let score = |score: &ImageScore, version: &str| {
        let title = score.class.parse::<RiskClass>().map_or("", RiskClass::english);
        format!(
            "\n  {} = {} (blocked from {}) — GB/T 45654-2025 {}, {title}; classifier version {version}",
            score.rule, score.score, score.block, score.class
        )
    };
    let failure = |name: &str, failure: &str| format!("\n  the classifier {name} gave no usable answer: {failure}");
    format!(
        "Blocked by the content policy:{}\nIf this is a mistake, appeal to {}: send the file, or the prompt and seed that make \
         it, and the rule names above; they can review the thresholds.",
        reasons(screening, score, failure, "\n  nobody is named to examine it"),
        appeal.unwrap_or("whoever runs this Danqing")
    )
}

pub(super) fn chinese(screening: &Screening, appeal: Option<&str>) -> String {
    let score = |score: &ImageScore, version: &str| {
        let title = score.class.parse::<RiskClass>().map_or("", RiskClass::chinese);
        format!(
            "\n  {} = {}（达到 {} 即拦截）——GB/T 45654-2025 {}，{title}；分类器版本 {version}",
            score.rule, score.score, score.block, score.class
        )
    };
    let failure = |name: &str, failure: &str| format!("\n  分类器 {name} 未给出可用结果：{failure}");
    format!(
        "内容安全策略拦截了该内容：{}\n如属误判，请将该文件（或生成它的提示词与随机种子）和上面的规则编号发给{}申诉，由其复核阈值。",
        reasons(screening, score, failure, "\n  未配置可审核此类内容的分类器或规则"),
        appeal.map_or_else(|| "本系统的运营者".to_owned(), |contact| format!(" {contact} "))
    )
}

/// One line for each score that blocks and each classifier that failed; `nobody` where there was none.
fn reasons(
    screening: &Screening,
    score: impl Fn(&ImageScore, &str) -> String,
    failure: impl Fn(&str, &str) -> String,
    nobody: &str,
) -> String {
    let mut lines = if screening.results.is_empty() { nobody.to_owned() } else { String::new() };
    for result in &screening.results {
        for blocking in result.scores.iter().filter(|score| score.decision() == ScreeningDecision::Block) {
            lines.push_str(&score(blocking, &result.version));
        }
        if let Some(reason) = &result.failure {
            lines.push_str(&failure(&result.classifier, reason));
        }
    }
    lines
}
