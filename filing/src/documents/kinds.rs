//! Chinese names of what records name in English.

use policy::{Aspect, RiskClass};

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
