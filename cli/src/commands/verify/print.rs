use super::manifest;
use crate::commands::ledger::shown;
use ledger::Revealed;
use pipeline::verification::{Checked, Fault, FoundMark, Known, Mark, Question, SignerTrust, Tally};
use provenance::{LabelReport, LabelVerdict, Security};
use serde_json::{Value, json};

/// All that was found, for programs.
pub fn json(checked: &Checked, question: Question) -> Value {
    let (state, revealed) = match &checked.known {
        Known::NotAsked => ("not_asked", None),
        Known::NoLedger(_) => ("no_ledger", None),
        Known::Unknown => ("unknown", None),
        Known::Changed(revealed) => ("changed", Some(revealed)),
        Known::Recorded(revealed) => ("recorded", Some(revealed)),
    };
    let entry = revealed.map(|revealed| &revealed.entry);
    let personal = revealed.and_then(|revealed| revealed.personal.as_ref());
    let personal = personal.map(|personal| json!({"account": personal.account, "recipient": personal.recipient}));
    let watermark = match &checked.mark {
        Mark::NoKey => json!({"state": "no_key"}),
        Mark::NotLookedFor => json!({"state": "not_looked_for"}),
        Mark::NotFound => json!({"state": "not_found"}),
        Mark::Found(FoundMark { mark, entry, labels }) => {
            let is_labels = labels.as_ref() == Some(mark);
            let produced = entry.as_ref().and_then(|entry| entry.produced());
            let id = produced.map(|produced| produced.produce_id);
            json!({"state": "found", "mark": format!("{mark:012x}"), "produce_id": id, "is_labels": is_labels})
        }
    };
    let trust = match checked.trust {
        SignerTrust::NoSignature => "no_signature",
        SignerTrust::NotPinned => "not_pinned",
        SignerTrust::Trusted => "trusted",
        SignerTrust::Stranger => "stranger",
    };
    let file = checked.file.display().to_string();
    let faults: Vec<&str> = checked.faults(question).into_iter().map(Fault::code).collect();
    json!({"file": file, "passes": checked.passes(question), "faults": faults, "label": checked.report, "signer": trust, "ledger": state, "entry": entry, "personal": personal, "watermark": watermark, "c2pa": checked.manifest})
}

fn verdict(verdict: LabelVerdict) -> &'static str {
    match verdict {
        LabelVerdict::Compliant => "compliant / 合规",
        LabelVerdict::Noncompliant => "not compliant / 不合规",
        LabelVerdict::NotFound => "not found / 未找到",
        LabelVerdict::Inconclusive => "inconclusive / 无法判定",
    }
}

/// What speaks against a file, on one line; nothing of a file that nothing speaks against.
pub fn faults(checked: &Checked, question: Question) {
    let faults = checked.faults(question);
    if faults.is_empty() {
        return;
    }
    let findings: Vec<&str> = checked.report.findings.iter().map(|finding| finding.code()).collect();
    let details = if findings.is_empty() { String::new() } else { format!(" ({})", findings.join(", ")) };
    let texts: Vec<String> = faults.iter().map(|fault| format!("{} / {}", fault.english(), fault.chinese())).collect();
    let passes = if checked.passes(question) { "passes / 通过, but / 但 " } else { "" };
    println!("{}: {passes}{}{details}", checked.file.display(), texts.join("; "));
}

/// What a batch comes to.
pub fn summary(tally: &Tally, seconds: f64, as_json: bool) {
    let Tally { files, passed, recorded, compliant, unreadable, .. } = *tally;
    let rate = files as f64 / seconds.max(1e-9);
    if as_json {
        let faults: serde_json::Map<String, Value> = tally.faults().map(|(fault, count)| (fault.code().to_owned(), count.into())).collect();
        let summary = json!({"files": files, "passed": passed, "recorded": recorded, "compliant": compliant, "unreadable": unreadable,
            "faults": faults, "seconds": seconds, "files_per_second": rate});
        println!("{}", json!({"summary": summary}));
        return;
    }
    println!(
        "{files} files / 个文件: {passed} pass / 通过, {compliant} with a compliant label / 标识合规, {recorded} in the ledger / 账本有记录, {unreadable} unreadable / 无法读取"
    );
    for (fault, count) in tally.faults() {
        println!("  {count}: {} / {}", fault.english(), fault.chinese());
    }
    println!("{seconds:.2} s, {rate:.0} files/s / 个每秒");
}

/// All that was found, for people.
pub fn text(checked: &Checked, question: Question) {
    println!("{}", checked.file.display());
    let report = &checked.report;
    let format = report.format.map(|format| format!(" ({format})")).unwrap_or_default();
    println!("  implicit label / 隐式标识: {}{format}", verdict(report.verdict));
    for finding in &report.findings {
        println!("    {}: {} / {}", finding.code(), finding.english(), finding.chinese());
    }
    for text in &report.raw {
        println!("    {text}");
    }
    print_security(report, checked.trust);
    match &checked.known {
        Known::NotAsked => println!("  ledger / 账本: not asked / 未查询"),
        Known::NoLedger(path) => println!("  ledger / 账本: none at {} / 未找到账本", path.display()),
        Known::Unknown => println!("  ledger / 账本: does not know this file / 无此文件的记录"),
        Known::Changed(revealed) => {
            let index = revealed.entry.index;
            println!(
                "  ledger / 账本: entry {index} has this id but other content: the file was changed / 条目 {index} 的内容与文件不符：文件被改动过"
            );
        }
        Known::Recorded(revealed) => print_entry(revealed),
    }
    match &checked.mark {
        Mark::NoKey => println!("  watermark / 水印: not looked for, no key is configured / 未配置密钥，未检查"),
        Mark::NotLookedFor => println!("  watermark / 水印: not looked for / 未检查"),
        Mark::NotFound => println!("  watermark / 水印: not found / 未找到"),
        Mark::Found(FoundMark { mark, entry: Some(entry), .. }) => {
            let id = entry.produced().map(|produced| produced.produce_id.to_string()).unwrap_or_default();
            println!("  watermark / 水印: {mark:012x}, entry {} with ProduceID {id} / 对应条目 {}", entry.index, entry.index);
        }
        Mark::Found(FoundMark { mark, labels: Some(label), .. }) if label == mark => {
            println!("  watermark / 水印: {mark:012x}, that of the label's ProduceID / 与标识中的 ProduceID 一致");
        }
        Mark::Found(FoundMark { mark, .. }) => {
            println!("  watermark / 水印: {mark:012x}, neither the label's nor known to the ledger / 与标识不符，账本中也没有对应记录");
        }
    }
    manifest::print_text(&checked.manifest);
    for fault in checked.faults(question) {
        println!("  fault / 问题: {} / {}", fault.english(), fault.chinese());
    }
}

fn print_security(report: &LabelReport, trust: SignerTrust) {
    let producer = match (&report.producer_security, trust) {
        (Security::Absent, _) => "none / 无".to_owned(),
        (Security::Valid { key }, SignerTrust::Trusted) => format!("valid, by a trusted key / 有效，密钥受信任: {key}"),
        (Security::Valid { key }, SignerTrust::Stranger) => format!("valid, but by no trusted key / 有效，但密钥不受信任: {key}"),
        (Security::Valid { key }, _) => {
            format!("valid, by a key that nothing vouches for (trusted_label_keys is not set) / 有效，但未配置受信任密钥: {key}")
        }
        (other, _) => unchecked(other).to_owned(),
    };
    println!("  signature / 签名: {producer}");
    match &report.propagator_security {
        Security::Absent => {}
        Security::Valid { key } => println!("  propagator's signature / 传播方签名: valid / 有效: {key}"),
        other => println!("  propagator's signature / 传播方签名: {}", unchecked(other)),
    }
}

fn unchecked(security: &Security) -> &'static str {
    match security {
        Security::Invalid => "INVALID: a signed field was changed / 无效：被签名的字段已被改动",
        Security::Unsupported { .. } => "of an algorithm that this build cannot check / 当前构建不支持该算法",
        _ => "no signature over the label / 不是对标识的签名",
    }
}

fn print_entry(Revealed { entry, personal }: &Revealed) {
    println!("  ledger / 账本: entry {} of {} / 条目 {}", entry.index, entry.time.to_rfc3339(), entry.index);
    match personal {
        Some(personal) => {
            println!("    account / 账户: {}", personal.account.as_deref().unwrap_or("(none / 无)"));
            if let Some(recipient) = &personal.recipient {
                println!("    recipient / 接收人: {} ({})", recipient.name, recipient.identity);
            }
        }
        None if entry.personal.is_some() => {
            println!(
                "    account / 账户: (sealed; the record key is not at hand, or its key was destroyed / 已加密，无记录密钥或密钥已销毁)"
            );
        }
        None => {}
    }
    if let Some(produced) = entry.produced() {
        println!("    prompt / 提示词: {}", shown(&produced.request.texts.prompt));
        println!("    model / 模型: {} ({})", produced.model.name, produced.model.sha256);
        let label =
            if produced.explicit_label.is_empty() { "none, article 9 copy / 无，第九条副本" } else { &produced.explicit_label };
        println!("    seed / 种子: {}  explicit label / 显式标识: {label}", produced.seed);
    }
    if let Some(copied) = entry.copied() {
        let what = match copied.relabelling.operation {
            spec::Operation::PassedOn => "passed on / 传播",
            spec::Operation::Converted => "converted / 转换",
        };
        println!("    {what}: from SHA-256 {} / 源文件", copied.relabelling.source_sha256);
    }
}
