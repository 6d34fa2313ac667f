use crate::Records;
use crate::document::Content;
use crate::documents::{self, assessment};
use policy::standard;
use provenance::ServiceType;
use serde::Serialize;

/// What kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Nobody supplied it.
    Gap,
    /// It is older than the standard allows, or than what it speaks of.
    Stale,
    /// A number of the standard is missed.
    Missed,
    /// Two records say different things.
    Contradiction,
    /// Worth knowing; no duty.
    Note,
}

impl FindingKind {
    /// Name in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Gap => "缺项",
            Self::Stale => "过期",
            Self::Missed => "未达标",
            Self::Contradiction => "矛盾",
            Self::Note => "提示",
        }
    }
}

/// Something that stands in the way of filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name, for scripts.
    pub id: String,
    /// What kind.
    pub kind: FindingKind,
    /// The clause that it belongs to.
    pub clause: String,
    /// In English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
}

/// All findings: records first, then the gaps of the forms.
pub fn check(records: &Records) -> Vec<Finding> {
    let mut findings = records_findings(records);
    let mut seen = std::collections::HashSet::new();
    for document in documents::all(records) {
        for row in document.gaps() {
            let Content::Gap { supply } = &row.content else { continue };
            if seen.insert(supply.clone()) {
                findings.push(Finding {
                    id: format!("gap:{}", supply.trim_start_matches("filing.toml 的 ")),
                    kind: FindingKind::Gap,
                    clause: row.clause.clone(),
                    english: format!("nobody supplied {:?}; supply it by {supply}", row.item.trim()),
                    chinese: format!("“{}”未提供；补充方式：{supply}", row.item.trim()),
                });
            }
        }
    }
    findings
}

struct List(Vec<Finding>);

impl List {
    fn add(&mut self, id: &str, kind: FindingKind, clause: &str, english: impl Into<String>, chinese: impl Into<String>) {
        self.0.push(Finding { id: id.to_owned(), kind, clause: clause.to_owned(), english: english.into(), chinese: chinese.into() });
    }
}

/// What the records say against each other and against the standards.
pub(crate) fn records_findings(records: &Records) -> Vec<Finding> {
    let mut list = List(Vec::new());
    labels(records, &mut list);
    lexicons(records, &mut list);
    banks(records, &mut list);
    model(records, &mut list);
    data(records, &mut list);
    conclusions(records, &mut list);
    list.0
}

fn labels(records: &Records, list: &mut List) {
    let clause = "标识办法 5；TC260-PG-20252A";
    match &records.provider_code {
        None => list.add(
            "provider-code-unset",
            FindingKind::Gap,
            clause,
            "no provider code is configured: ContentProducer stays empty",
            "未配置服务提供者编码，ContentProducer 为空",
        ),
        Some(code) => {
            if code.service_type() != ServiceType::Generation {
                list.add(
                    "provider-code-type",
                    FindingKind::Contradiction,
                    clause,
                    "character 23 of the provider code is not 1 (generation)",
                    "服务提供者编码第 23 位不是 1（生成服务）",
                );
            }
            let uscc = records.subject.value("subject.uscc");
            if uscc.is_some_and(|uscc| uscc != code.social_credit_code()) {
                list.add(
                    "provider-code-subject",
                    FindingKind::Contradiction,
                    clause,
                    "the provider code holds another social credit code than the subject's",
                    "服务提供者编码中的统一社会信用代码与主体信息不一致",
                );
            }
        }
    }
    if let Some(found) = &records.ledger {
        let unlabelled = found.record.explicit_labels.get("").copied().unwrap_or_default();
        if unlabelled > 0 {
            list.add(
                "labels-missing",
                FindingKind::Contradiction,
                "标识办法 4；GB 45438-2025 5.2",
                format!("{unlabelled} recorded pictures have no explicit label"),
                format!("账本中 {unlabelled} 张图片没有显式标识"),
            );
        }
    }
    if !records.watermark {
        list.add(
            "watermark-off",
            FindingKind::Note,
            "标识办法 5（鼓励）",
            "pictures carry no invisible watermark; the law encourages one but does not require it",
            "未启用隐形水印（办法鼓励而非强制）",
        );
    }
    if records.appeal_contact.is_none() {
        list.add(
            "appeal-contact-unset",
            FindingKind::Gap,
            "暂行办法 15；深度合成规定 12",
            "no appeal contact is configured: refusals do not say whom to appeal to",
            "未配置申诉联系方式，拒绝时不告知申诉对象",
        );
    }
}

fn lexicons(records: &Records, list: &mut List) {
    for check in policy::lexicon_checks(&records.lexicons, records.today).iter().filter(|check| !check.passed) {
        let kind = if check.at_most { FindingKind::Stale } else { FindingKind::Missed };
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
            FindingKind::Note,
            "算法推荐规定 9（特征库规则）",
            format!("lexicons without signature: {}; trusted keys configured: {}", unsigned.len(), records.trusted_keys),
            format!("未签名词库 {} 个；配置的受信任公钥 {} 个", unsigned.len(), records.trusted_keys),
        );
    }
}

fn banks(records: &Records, list: &mut List) {
    let clause = "GB/T 45654-2025 附录 B";
    let names: Vec<String> = records.lexicons.iter().map(ToString::to_string).collect();
    if let Some(found) = &records.bank {
        let bank = &found.record;
        if bank.name.as_deref() == Some(policy::DRAFT) {
            list.add(
                "bank-draft",
                FindingKind::Gap,
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
            list.add("bank-age", FindingKind::Stale, clause, english, chinese);
        }
    }
    let Some(found) = &records.evaluation else { return };
    let evaluation = &found.record;
    for check in evaluation.checks.iter().filter(|check| !check.passed) {
        let id = format!("evaluation:{}", check.english);
        let found = check.found.map_or_else(|| "?".to_owned(), |found| format!("{found}"));
        let (sign, bound) = (if check.at_most { "≤" } else { "≥" }, check.bound);
        let chinese = format!("{}：{found}（{sign} {bound}）", check.chinese);
        list.add(&id, FindingKind::Missed, clause, format!("{}: {found} ({sign} {bound})", check.english), chinese);
    }
    if evaluation.lexicons != names {
        list.add(
            "evaluation-lexicons",
            FindingKind::Stale,
            clause,
            format!("the evaluation used {}, in force are {}", evaluation.lexicons.join(", "), names.join(", ")),
            format!("评测所用词库为 {}，现行为 {}", evaluation.lexicons.join("、"), names.join("、")),
        );
    }
    let newest = records.lexicons.iter().filter_map(policy::Lexicon::created).max();
    if newest.is_some_and(|newest| newest > evaluation.evaluated) {
        list.add(
            "evaluation-older-than-lexicon",
            FindingKind::Stale,
            clause,
            "the evaluation is older than the newest lexicon",
            "评测早于最新词库",
        );
    }
    if records.bank.as_ref().is_some_and(|found| found.record.sha256.to_string() != evaluation.bank_sha256) {
        list.add(
            "evaluation-bank",
            FindingKind::Contradiction,
            clause,
            "the evaluation was made with another bank",
            "评测所用题库与所附题库不同",
        );
    }
    match &evaluation.model {
        None => list.add(
            "evaluation-model-unknown",
            FindingKind::Gap,
            clause,
            "the evaluation names no model: repeat it with --model",
            "评测未写明模型：请加 --model 重做",
        ),
        Some(model) if model.sha256 != records.model.identity.sha256 => list.add(
            "evaluation-model",
            FindingKind::Contradiction,
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
            FindingKind::Contradiction,
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
            FindingKind::Contradiction,
            "暂行办法 17、19",
            format!("the ledger holds pictures of models that are not filed here: {}", others.join(", ")),
            format!("账本中有其他模型生成的图片：{}", others.join("、")),
        );
    }
}

fn data(records: &Records, list: &mut List) {
    let Some(found) = &records.registry else { return };
    for shortfall in found.record.shortfalls(None) {
        let kind = if shortfall.refuses { FindingKind::Contradiction } else { FindingKind::Gap };
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
                FindingKind::Contradiction,
                "暂行办法 7",
                format!("{id}: manifest and registry name different licences"),
                format!("{id}：数据清单与登记的许可不一致"),
            ),
            None => list.add(
                &format!("data-unregistered:{id}"),
                FindingKind::Contradiction,
                "暂行办法 7",
                format!("{id}: in the manifest but not in the registry"),
                format!("{id}：在数据清单中但未登记"),
            ),
        }
    }
}

/// Conclusions of people that a measured number speaks against.
fn conclusions(records: &Records, list: &mut List) {
    let lexicon_missed = |english: &str| {
        let checks = policy::lexicon_checks(&records.lexicons, records.today);
        checks.iter().any(|check| !check.passed && check.english.starts_with(english))
    };
    let evaluation_missed = |words: &[&str]| {
        let found = records.evaluation.as_ref();
        found.is_some_and(|found| {
            found.record.checks.iter().any(|check| !check.passed && words.iter().any(|word| check.english.starts_with(word)))
        })
    };
    for item in assessment::ITEMS {
        let says_conforms = records.subject.value(&format!("assessment.{}", item.id)).is_some_and(|value| value.starts_with("符合"));
        let missed = match item.id {
            "keywords_total" => policy::lexicon_checks(&records.lexicons, records.today).first().is_some_and(|check| !check.passed),
            "keywords_per_class" => lexicon_missed("keywords for "),
            "keywords_update" => lexicon_missed("days since"),
            "refusal" => evaluation_missed(&["refusal rate of what should be refused", "should-refuse questions tested"]),
            "false_refusal" => evaluation_missed(&["refusal rate of what should not be refused", "should-allow questions tested"]),
            "bank_content" => evaluation_missed(&["content questions"]),
            "bank_refuse" => evaluation_missed(&["questions that should be refused", "should-refuse questions for"]),
            "bank_allow" => evaluation_missed(&["questions that should not be refused", "should-allow questions on"]),
            "content_manual" => evaluation_missed(&["outputs judged by manual", "outputs that pass by manual"]),
            "content_classifier" => evaluation_missed(&["outputs judged by classifier", "outputs that pass by classifier"]),
            "label_implicit" => records.provider_code.is_none(),
            "corpus_source" => {
                records.registry.as_ref().is_some_and(|found| found.record.shortfalls(None).iter().any(|shortfall| shortfall.refuses))
            }
            _ => false,
        };
        if says_conforms && missed {
            list.add(
                &format!("conclusion:{}", item.id),
                FindingKind::Contradiction,
                item.clause,
                format!("filing.toml concludes that {} conforms, the records say otherwise", item.id),
                format!("filing.toml 认定“{}”符合，但记录与之不符", item.chinese),
            );
        }
    }
}
