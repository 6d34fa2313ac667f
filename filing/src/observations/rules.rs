//! What the records say against each other and against the numbers of the standards.

use super::{List, ObservationKind};
use crate::Records;
use crate::documents::labels;
use policy::standard;
use provenance::ServiceType;

/// Adds all of it to `list`.
pub fn apply(records: &Records, list: &mut List) {
    marking(records, list);
    lexicons(records, list);
    banks(records, list);
    model(records, list);
    data(records, list);
}

fn marking(records: &Records, list: &mut List) {
    let clause = "标识办法 5；TC260-PG-20252A";
    if let Some(code) = &records.provider_code {
        if code.service_type() != ServiceType::Generation {
            list.add(
                "provider-code-type",
                ObservationKind::Contradiction,
                clause,
                "character 23 of the provider code is not 1 (generation)",
                "服务提供者编码第 23 位不是 1（生成服务）",
            );
        }
        if records.subject.value("subject.uscc").is_some_and(|uscc| uscc != code.social_credit_code()) {
            list.add(
                "provider-code-subject",
                ObservationKind::Contradiction,
                clause,
                "the provider code holds another social credit code than the subject's",
                "服务提供者编码中的统一社会信用代码与主体信息不一致",
            );
        }
    }
    let unlabelled = labels::unlabelled(records);
    if unlabelled > 0 {
        list.add(
            "labels-missing",
            ObservationKind::Contradiction,
            "标识办法 4；GB 45438-2025 5.2",
            format!("{unlabelled} recorded pictures have no explicit label"),
            format!("账本中 {unlabelled} 张图片没有显式标识"),
        );
    }
    if !records.watermark {
        list.add(
            "watermark-off",
            ObservationKind::Note,
            "标识办法 5（鼓励）",
            "pictures carry no invisible watermark; the law encourages one but does not require it",
            "未启用隐形水印（办法鼓励而非强制）",
        );
    }
}

fn lexicons(records: &Records, list: &mut List) {
    for check in policy::lexicon_checks(&records.lexicons, records.today).iter().filter(|check| !check.passed) {
        let kind = if check.at_most { ObservationKind::Stale } else { ObservationKind::Missed };
        let id = match (check.at_most, check.english.strip_prefix("keywords for ")) {
            (true, _) => "lexicon-age".to_owned(),
            (false, Some(class)) => format!("lexicon-size-{class}"),
            (false, None) => "lexicon-size".to_owned(),
        };
        let found = check.found.map_or_else(|| "?".to_owned(), |found| format!("{found:.0}"));
        let (sign, bound) = (if check.at_most { "≤" } else { "≥" }, check.bound);
        let english = format!("{}: {found} ({sign} {bound:.0})", check.english);
        list.add(&id, kind, "GB/T 45654-2025 关键词库", english, format!("{}：{found}（{sign} {bound:.0}）", check.chinese));
    }
    let unsigned: Vec<String> =
        records.lexicons.iter().filter(|lexicon| crate::records::signer(lexicon) == "未签名").map(ToString::to_string).collect();
    if !unsigned.is_empty() || records.trusted_keys == 0 {
        list.add(
            "lexicon-unsigned",
            ObservationKind::Note,
            "算法推荐规定 9（特征库规则）",
            format!("lexicons without signature: {}; trusted keys configured: {}", unsigned.len(), records.trusted_keys),
            format!("未签名词库 {} 个；配置的受信任公钥 {} 个", unsigned.len(), records.trusted_keys),
        );
    }
}

fn banks(records: &Records, list: &mut List) {
    let clause = "GB/T 45654-2025 附录 B";
    let names = records.lexicon_names();
    if let Some(found) = &records.bank {
        let bank = &found.record;
        if bank.name.as_deref() == Some(policy::DRAFT) {
            list.add(
                "bank-draft",
                ObservationKind::Gap,
                clause,
                "the bank is a draft made by danqing, not a real one",
                "题库是程序生成的草稿，不是正式题库",
            );
        }
        let days = bank.created.map(|created| records.today.days_since(created));
        if days.is_none_or(|days| days > standard::BANK_DAYS.value) {
            let (english, chinese) = days.map_or_else(
                || ("the bank has no date".to_owned(), "题库没有日期".to_owned()),
                |days| (format!("the bank was updated {days} days ago (≤ 31)"), format!("题库距上次更新 {days} 天（≤ 31）")),
            );
            list.add("bank-age", ObservationKind::Stale, clause, english, chinese);
        }
    }
    let Some(found) = &records.evaluation else { return };
    let evaluation = &found.record;
    for check in evaluation.checks.iter().filter(|check| !check.passed) {
        let id = format!("evaluation:{}", check.english);
        let found = check.found.map_or_else(|| "?".to_owned(), |found| format!("{found}"));
        let (sign, bound) = (if check.at_most { "≤" } else { "≥" }, check.bound);
        let chinese = format!("{}：{found}（{sign} {bound}）", check.chinese);
        list.add(&id, ObservationKind::Missed, clause, format!("{}: {found} ({sign} {bound})", check.english), chinese);
    }
    if evaluation.lexicons != names {
        list.add(
            "evaluation-lexicons",
            ObservationKind::Stale,
            clause,
            format!("the evaluation used {}, in force are {}", evaluation.lexicons.join(", "), names.join(", ")),
            format!("评测所用词库为 {}，现行为 {}", evaluation.lexicons.join("、"), names.join("、")),
        );
    }
    let newest = records.lexicons.iter().filter_map(policy::Lexicon::created).max();
    if newest.is_some_and(|newest| newest > evaluation.evaluated) {
        list.add(
            "evaluation-older-than-lexicon",
            ObservationKind::Stale,
            clause,
            "the evaluation is older than the newest lexicon",
            "评测早于最新词库",
        );
    }
    if records.bank.as_ref().is_some_and(|found| found.record.sha256.to_string() != evaluation.bank_sha256) {
        list.add(
            "evaluation-bank",
            ObservationKind::Contradiction,
            clause,
            "the evaluation was made with another bank",
            "评测所用题库与所附题库不同",
        );
    }
    match &evaluation.model {
        None => list.add(
            "evaluation-model-unknown",
            ObservationKind::Gap,
            clause,
            "the evaluation names no model: repeat it with --model",
            "评测未写明模型：请加 --model 重做",
        ),
        Some(model) if model.sha256 != records.model.identity.sha256 => list.add(
            "evaluation-model",
            ObservationKind::Contradiction,
            "GB/T 45654-2025 措施（重要更新后重新评估）",
            format!("the evaluation was of model {}, filed is {}", model.sha256, records.model.identity.sha256),
            format!("评测的模型为 {}，拟备案模型为 {}", model.sha256, records.model.identity.sha256),
        ),
        Some(_) => {}
    }
}

fn model(records: &Records, list: &mut List) {
    let actual = records.model.identity.sha256.to_string();
    if let Some(filed) = records.subject.value("model.filed_sha256").filter(|filed| !filed.eq_ignore_ascii_case(&actual)) {
        list.add(
            "model-digest",
            ObservationKind::Contradiction,
            "暂行办法 19",
            format!("filing.toml says model {filed}, the files are {actual}"),
            format!("filing.toml 的模型摘要为 {filed}，实为 {actual}"),
        );
    }
    let Some(found) = &records.ledger else { return };
    let others: Vec<&str> =
        found.record.pictures_by_model.iter().filter(|(sha256, _)| **sha256 != actual).map(|(_, (name, _))| name.as_str()).collect();
    if !others.is_empty() {
        list.add(
            "ledger-other-models",
            ObservationKind::Contradiction,
            "暂行办法 17、19",
            format!("the ledger holds pictures of models that are not filed here: {}", others.join(", ")),
            format!("账本中有其他模型生成的图片：{}", others.join("、")),
        );
    }
}

fn data(records: &Records, list: &mut List) {
    let Some(found) = &records.registry else { return };
    for shortfall in found.record.shortfalls(None) {
        let kind = if shortfall.refuses { ObservationKind::Contradiction } else { ObservationKind::Gap };
        list.add(
            &format!("data:{}", shortfall.source),
            kind,
            "暂行办法 7；GB/T 45654-2025 训练数据",
            format!("{}: {}", shortfall.source, shortfall.english),
            format!("{}：{}", shortfall.source, shortfall.chinese),
        );
    }
    let Some(manifest) = &records.manifest else { return };
    for [name, version, licence, _] in &manifest.record.packages {
        let id = format!("npm:{name}@{version}");
        match found.record.source(&id) {
            Some(source) if source.licence == *licence => {}
            Some(_) => list.add(
                &format!("data-licence:{id}"),
                ObservationKind::Contradiction,
                "暂行办法 7",
                format!("{id}: manifest and registry name different licences"),
                format!("{id}：数据清单与登记的许可不一致"),
            ),
            None => list.add(
                &format!("data-unregistered:{id}"),
                ObservationKind::Contradiction,
                "暂行办法 7",
                format!("{id}: in the manifest but not in the registry"),
                format!("{id}：在数据清单中但未登记"),
            ),
        }
    }
}
