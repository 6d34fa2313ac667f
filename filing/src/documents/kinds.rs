//! Chinese names of what records name in English.

use policy::{Aspect, RiskClass};
use spec::KindOfWork;
use std::collections::BTreeMap;

/// Kinds of ledger entries.
const ENTRIES: &[(&str, &str)] = &[
    ("produced", "生成"),
    ("refused", "拒绝"),
    ("withheld", "拦截"),
    ("relabelled", "传播或转换"),
    ("stopped", "停用"),
    ("resumed", "恢复"),
    ("suspended", "账户暂停"),
    ("lifted", "解除暂停"),
    ("applied", "第九条申请"),
    ("approved", "第九条批准"),
    ("delivered", "第九条提供"),
    ("shredded", "密钥销毁"),
];

/// The name of a kind of ledger entry; its own where this list does not know it.
pub fn entry(kind: &str) -> &str {
    ENTRIES.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, chinese)| chinese)
}

/// Counts of every kind of work: `图片 3，工程设计 1`.
pub fn by_kind(counts: &BTreeMap<KindOfWork, u64>) -> String {
    let parts: Vec<String> = counts.iter().map(|(kind, count)| format!("{} {count}", kind.chinese())).collect();
    parts.join("，")
}

/// Counts of every kind of work in brackets, to stand after their sum; nothing where there are none.
pub fn of_kinds(counts: &BTreeMap<KindOfWork, u64>) -> String {
    if counts.is_empty() { String::new() } else { format!("（{}）", by_kind(counts)) }
}

/// A risk with its title: `A1.f（淫秽色情…）`.
pub fn risk(class: &str) -> String {
    class.parse::<RiskClass>().map_or_else(|()| class.to_owned(), |class| format!("{}（{}）", class.id(), class.chinese()))
}

/// What a question is about: a risk with its title, or an aspect in Chinese.
pub fn subject(name: &str) -> String {
    Aspect::all().find(|aspect| aspect.english() == name).map_or_else(|| risk(name), |aspect| aspect.chinese().to_owned())
}

/// What is asked of a question.
pub fn question(kind: &str) -> &str {
    match kind {
        "refuse" => "应拒答题",
        "allow" => "非拒答题",
        "judge" => "生成内容测试题",
        other => other,
    }
}

/// What a source of data holds.
pub fn modality(name: &str) -> &str {
    match name {
        "image" => "图片",
        "text" => "文字",
        "audio" => "音频",
        "video" => "视频",
        other => other,
    }
}

/// A component of a model.
pub fn component(name: &str) -> &str {
    match name {
        "transformer" | "unet" => "去噪网络",
        "vae" => "自编码器",
        "text_encoder" | "text_encoder_2" => "文本编码器",
        "tokenizer" | "tokenizer_2" => "分词器",
        "scheduler" => "调度器",
        "pe" => "提示词增强",
        other => other,
    }
}

/// Why a picture was left out of the training data, in Chinese. The authors of recipes write reasons in any language; what is not Chinese and
/// not known here is referred to.
pub fn left_out(reason: &str) -> &str {
    const NOT_LISTED: &str = "not in the recipe's list";
    match reason.strip_prefix(NOT_LISTED) {
        Some("") => "不在配方名单内",
        Some(more) if more.starts_with("; group ") => "不在配方名单内，所属组别不保留",
        Some(_) => "不在配方名单内，另有排除理由（见数据清单）",
        None if reason.starts_with("no base annotation") => "无基础标注：肤色、性别或序列变体，或部件",
        None if is_chinese(reason) => reason,
        None => "其他（外文理由见数据清单）",
    }
}

/// Whether a text is written in Chinese rather than only quoting it: a third of its letters are ideographs.
pub fn is_chinese(text: &str) -> bool {
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let ideographs = text.chars().filter(|letter| ('\u{4e00}'..='\u{9fff}').contains(letter)).count();
    ideographs * 3 >= letters
}

/// `11,806,208`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{grouped, is_chinese, left_out, subject};

    #[test]
    fn numbers_are_read_in_groups_of_three() {
        assert_eq!([0, 999, 1_000, 11_806_208].map(grouped), ["0", "999", "1,000", "11,806,208"]);
    }

    #[test]
    fn reasons_in_other_languages_are_referred_to() {
        assert!(
            ["not in the recipe's list; weapon", "no base annotation: a variant", "why not"]
                .iter()
                .all(|reason| is_chinese(left_out(reason)))
        );
        assert_eq!(left_out("画面模糊"), "画面模糊");
    }

    #[test]
    fn risks_have_their_titles() {
        assert!(subject("A1.f").starts_with("A1.f（") && subject("unknown") == "unknown");
    }
}
