//! What people read when they are refused.

use crate::{Field, Finding, View};
use std::fmt::Write as _;

/// Findings spelled out in the text for people; the verdict keeps them all.
const SHOWN: usize = 5;

pub(crate) fn english(findings: &[Finding], appeal: Option<&str>) -> String {
    let mut text = "Refused by the content policy:".to_owned();
    for finding in findings.iter().take(SHOWN) {
        let read_as = if finding.view == View::Plain { String::new() } else { format!(", read as {}", finding.view.name()) };
        let _ = write!(
            text,
            "\n  “{}” ({}{read_as}) — GB/T 45654-2025 {}, {}; rule {} of {}",
            finding.quote,
            finding.field.name(),
            finding.class,
            finding.class.english(),
            finding.rule,
            finding.lexicon
        );
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        let _ = write!(text, "\n  and {more} more");
    }
    let _ = write!(
        text,
        "\nChange these words and try again. If this is a mistake, appeal to {}: send the prompt and the rule names above; they \
         can review the rule.",
        appeal.unwrap_or("whoever runs this Danqing")
    );
    text
}

pub(crate) fn chinese(findings: &[Finding], appeal: Option<&str>) -> String {
    let mut text = "内容安全策略拒绝了该请求：".to_owned();
    for finding in findings.iter().take(SHOWN) {
        let field = if finding.field == Field::Prompt { "提示词" } else { "负面提示词" };
        let read_as = if finding.view == View::Plain { String::new() } else { format!("，按{}识别", finding.view.chinese()) };
        let _ = write!(
            text,
            "\n  “{}”（{field}{read_as}）——GB/T 45654-2025 {}，{}；词库 {} 规则 {}",
            finding.quote,
            finding.class,
            finding.class.chinese(),
            finding.lexicon,
            finding.rule
        );
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        let _ = write!(text, "\n  另有 {more} 处");
    }
    let _ = write!(
        text,
        "\n请修改上述词语后重试。如属误判，请将提示词和上面的规则编号发给{}申诉，由其复核规则。",
        appeal.map_or_else(|| "本系统的运营者".to_owned(), |contact| format!(" {contact} "))
    );
    text
}
