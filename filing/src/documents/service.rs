use super::{algorithm, assessment, kinds, labels};
use crate::document::{Row, marks_text};
use crate::records::signer;
use crate::{Document, Evaluation, Located, Records};
use policy::BankKind;

const FOLDER: &str = "2-生成式人工智能服务备案";

pub fn documents(records: &Records) -> Vec<Document> {
    vec![form(records), report(records), agreement(records), annotation(records), keywords(records), bank(records)]
}

fn form(records: &Records) -> Document {
    let clause = "上线备案表";
    let model = vec![
        Row::new("模型名称", records.of_model(records.model.identity.name.clone()), clause),
        Row::new("主体", records.answer("subject.name"), clause),
        records.field("service.contact"),
        Row::new("主要功能", records.program("图片生成"), clause),
        records.field("service.domain"),
        records.field("service.base_model_filed"),
        Row::new(
            "模型结构与参数",
            records.of_model(format!(
                "{}，{} 个参数",
                records.model.inspection.class_name,
                kinds::grouped(records.model.inspection.parameters)
            )),
            clause,
        ),
        records.field("service.training_compute"),
        records.field("service.inference_compute"),
        records.field("service.concurrency"),
    ];
    let corpus = vec![
        Row::new("训练语料来源", algorithm::sources(records), clause),
        Row::new("训练语料规模", algorithm::training_set(records), clause),
        Row::new(
            "境外来源占比",
            records.of_registry(|registry| {
                let known = registry.sources.iter().all(|source| !source.origin.is_empty());
                let foreign = registry.sources.iter().filter(|source| source.origin == "foreign").count();
                (known && !registry.sources.is_empty())
                    .then(|| format!("{} 个来源中境外 {foreign} 个（按来源计；“境外不超过 30%”系中介说法，待核）", registry.sources.len()))
            }),
            clause,
        ),
        records.field("service.annotation_team"),
        records.field("service.corpus_disposal"),
    ];
    let measures = vec![
        Row::new("服务方式", records.answer("product.form"), clause),
        Row::new("服务对象", records.answer("product.users"), clause),
        Row::new("用户输入拦截", records.of_lexicons(format!("提示词与反向提示词先经安全闸；{}", algorithm::coverage(records))), clause),
        Row::new("关键词数量", assessment::evidence("keywords_total", records), clause),
        Row::new("拒答", assessment::refusal_rates(records), clause),
        Row::new("拒绝记录", algorithm::refusals(records), clause),
        Row::new("生成内容拦截", algorithm::screening(records), clause),
        Row::new("拦截记录", algorithm::withheld(records), clause),
        Row::new("生成内容显式标识", labels::explicit(records), clause),
        Row::new("生成内容隐式标识", labels::implicit(records), clause),
        Row::new("服务提供者编码", records.provider_code(), "标识办法 5；TC260-PG-20252A"),
        records.field("service.monitoring_staff"),
        records.field("service.intellectual_property_officer"),
        records.field("service.intellectual_property_policy"),
        records.field("service.complaint_channel"),
        records.field("service.model_filing_number"),
    ];
    Document::new(FOLDER, "1-上线备案表", "生成式人工智能（大语言模型）上线备案表（图片生成服务）")
        .text("表式依二手资料整理，以主管部门现行表式为准。")
        .heading("模型情况")
        .form(model)
        .heading("语料情况")
        .form(corpus)
        .heading("服务与安全措施")
        .form(measures)
}

fn report(records: &Records) -> Document {
    let mut document = Document::new(FOLDER, "2-安全评估报告", "安全评估报告")
        .text("依据 GB/T 45654-2025。每项列出程序记录中的事实；“符合／不符合／不适用”由评估人判断；结论与所据事实不相称的，标于结论之前。标准原文未随程序提供，标“待核”的数值出自 TC260-003 或二手资料。")
        .heading("逐项评估")
        .form(assessment::rows(records));
    if let Some(found) = &records.evaluation {
        document = measurements(document, records, found);
    }
    document.heading("签字").form(records.section("approval"))
}

/// The numbers of the saved evaluation; what must be known of it stands before each.
fn measurements(document: Document, records: &Records, found: &Located<Evaluation>) -> Document {
    let evaluation = &found.record;
    let marks = marks_text(&records.evaluation_marks());
    let value = |value: f64| if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") };
    let checks = evaluation.checks.iter().map(|check| {
        let sign = if check.at_most { "≤" } else { "≥" };
        let found = check.found.map_or_else(|| "未测".to_owned(), value);
        let verdict = if check.passed { "达到" } else { "未达到" };
        vec![with_titles(&check.chinese), format!("{marks}{found}"), format!("{sign} {}", value(check.bound)), format!("{marks}{verdict}")]
    });
    let outcomes = evaluation.outcomes.iter().map(|outcome| {
        let interval = outcome.interval.map_or_else(String::new, |(low, high)| format!("{:.2}%–{:.2}%", low * 100.0, high * 100.0));
        let count = format!("{marks}{}/{}", outcome.passed, outcome.questions);
        vec![kinds::question(&outcome.kind).to_owned(), kinds::subject(&outcome.subject), count, interval]
    });
    let name = match evaluation.bank.as_deref() {
        Some(policy::DRAFT) => "程序生成的草稿",
        Some(name) => name,
        None => "（未命名）",
    };
    document
        .heading("评测数据")
        .text(format!(
            "记录：{}；评测日期 {}；词库 {}；题库 {marks}{name} {}。",
            crate::records::file_name(&found.path),
            evaluation.evaluated,
            evaluation.lexicons.join("、"),
            evaluation.version.as_deref().unwrap_or_default()
        ))
        .table(&[("项目", 40), ("实测", 24), ("阈值", 14), ("比对", 22)], checks.collect())
        .text("按类别（威尔逊 95% 置信区间）：")
        .table(&[("题型", 18), ("类别", 40), ("与预期一致", 22), ("区间", 20)], outcomes.collect())
}

/// The words of a check with the title of the risk that they begin with: `A1.a（…） 应拒答题数`.
fn with_titles(words: &str) -> String {
    match words.split_once(' ') {
        Some((class, rest)) if class.parse::<policy::RiskClass>().is_ok() => format!("{} {rest}", kinds::risk(class)),
        _ => words.to_owned(),
    }
}

fn agreement(records: &Records) -> Document {
    let clause = "暂行办法 9；标识办法 8、9";
    Document::new(FOLDER, "3-模型服务协议", "模型服务协议（草稿）")
        .text("本稿由程序按现行配置起草，须经法务审定；标【待补】处由服务提供者补充。")
        .heading("双方与版本")
        .form([
            Row::new("服务提供者", records.answer("subject.name"), clause),
            records.field("service.agreement_version"),
            Row::new("服务名称与入口", records.answers(&["product.name", "product.access"]), clause),
            records.field("service.model_filing_number"),
        ])
        .heading("生成合成内容标识")
        .form([
            Row::new("显式标识的方法与样式", labels::explicit(records), "标识办法 8"),
            Row::new("隐式标识的方法与样式", labels::implicit(records), "标识办法 8"),
            Row::new("使用者的标识义务", records.program("使用者发布生成的内容时，应主动声明并使用标识功能；不得恶意删除、篡改、伪造、隐匿标识"), "标识办法 10"),
            Row::new(
                "不含显式标识的内容",
                records.program("不含显式标识的内容仅在使用者申请、确认其标识义务与使用责任、且提供者留存提供对象信息等日志不少于六个月的条件下提供，否则一律不提供；文件元数据隐式标识保留"),
                "标识办法 9",
            ),
        ])
        .heading("使用规则")
        .form([
            Row::new("禁止内容", records.program("不得输入或诱导生成 GB/T 45654-2025 附录 A 所列 31 类风险内容；触发安全策略的请求将被拒绝并记录"), "暂行办法 4"),
            Row::new("违规处置", records.answer("organisation.violation_rules"), "暂行办法 14"),
            records.field("service.intellectual_property_notice"),
        ])
        .heading("个人信息与输入数据")
        .form([records.field("service.privacy_policy"), records.field("service.training_opt_out"), records.field("service.minors")])
        .heading("投诉与申诉")
        .form([
            records.field("service.complaint_channel"),
            records.field("service.complaint_days"),
            Row::new("拒绝的申诉", records.appeal_contact(), "深度合成规定 12"),
        ])
}

fn annotation(records: &Records) -> Document {
    let mut rows = records.section("annotation");
    let record = records.of_manifest(|manifest| {
        let packages: Vec<String> =
            manifest.packages.iter().map(|[name, version, licence, _]| format!("{name} {version}（{licence}）")).collect();
        let filters = if manifest.filters.is_empty() { "无".to_owned() } else { manifest.filters.join("、") };
        format!("标注来自数据包与配方：{}；每张图片的说明文字及其出处见数据清单；通过的筛选：{filters}", packages.join("、"))
    });
    rows.push(Row::new("程序记录的标注来源", record, "暂行办法 8、19"));
    Document::new(FOLDER, "4-语料标注规则", "语料标注规则").form(rows)
}

fn keywords(records: &Records) -> Document {
    let packages = records.lexicons.iter().map(|lexicon| {
        let terms: usize = lexicon.rules().iter().map(|rule| rule.terms.len()).sum();
        let created = lexicon.created().map_or_else(|| "未注明".to_owned(), |created| created.to_string());
        let age = lexicon.created().map_or_else(String::new, |created| format!("{} 天", records.today.days_since(created)));
        vec![lexicon.to_string(), lexicon.rules().len().to_string(), terms.to_string(), created, age, signer(lexicon)]
    });
    let classes = policy::terms_by_class(&records.lexicons)
        .into_iter()
        .map(|(class, count)| vec![class.id().to_owned(), class.chinese().to_owned(), count.to_string()]);
    let mut document = Document::new(FOLDER, "5-拦截关键词列表", "拦截关键词列表")
        .form([Row::new("关键词总数", assessment::evidence("keywords_total", records), "GB/T 45654-2025（宜不少于 10,000）")])
        .heading("词库")
        .table(&[("词库与版本", 30), ("规则数", 12), ("词条数", 12), ("日期", 16), ("距今", 10), ("签名公钥", 20)], packages.collect())
        .heading("按类别的数量")
        .table(&[("编号", 15), ("类别", 65), ("词条数", 20)], classes.collect())
        .heading("词条")
        .text("带匹配方式、处置与例外的全表见同一文件夹的 拦截关键词.csv。");
    for class in policy::RiskClass::all() {
        let terms: Vec<&str> = records
            .lexicons
            .iter()
            .flat_map(policy::Lexicon::rules)
            .filter(|rule| rule.class == class)
            .flat_map(|rule| rule.terms.iter().map(String::as_str))
            .collect();
        if !terms.is_empty() {
            document = document.text(format!("{} {}（{} 条）：{}", class.id(), class.chinese(), terms.len(), terms.join("、")));
        }
    }
    document
}

/// The whole list for machines: a line for each term.
pub fn keywords_csv(records: &Records) -> String {
    let mut lines = vec!["term,class,rule,lexicon,match,severity,exceptions".to_owned()];
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\"").replace(['\n', '\r'], " "));
    for lexicon in &records.lexicons {
        for rule in lexicon.rules() {
            let name =
                |value: serde_json::Result<serde_json::Value>| value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            let (matched, severity) = (name(serde_json::to_value(rule.match_type)), name(serde_json::to_value(rule.severity)));
            for term in &rule.terms {
                let cells =
                    [term.as_str(), rule.class.id(), &rule.id, &lexicon.to_string(), &matched, &severity, &rule.exceptions.join("|")];
                lines.push(cells.map(quote).join(","));
            }
        }
    }
    // A byte-order mark, so that spreadsheet programs read the Chinese as UTF-8.
    format!("\u{feff}{}\n", lines.join("\r\n"))
}

fn bank(records: &Records) -> Document {
    let clause = "GB/T 45654-2025 附录 B";
    let mut document = Document::new(FOLDER, "6-评估测试题集", "评估测试题集").form([
        Row::new("生成内容测试题（不少于 2,000）", assessment::bank_size(records, BankKind::Judge), clause),
        Row::new("应拒答题（不少于 500）", assessment::bank_size(records, BankKind::Refuse), clause),
        Row::new("非拒答题（不少于 500）", assessment::bank_size(records, BankKind::Allow), clause),
        Row::new("最近更新（至少每月）", assessment::bank_update(records, |created| created.to_string()), clause),
        Row::new("题库摘要（SHA-256）", records.of_bank(|bank| bank.sha256.to_string()), clause),
    ]);
    if let Some(found) = &records.bank {
        let marks = marks_text(&records.bank_marks());
        let rows = found.record.questions.iter().map(|question| {
            let kind = format!("{marks}{}", kinds::question(question.expect.name()));
            vec![question.id.clone(), kind, kinds::subject(&question.subject.to_string()), question.text.clone()]
        });
        document = document
            .plain_heading("题目")
            .text(format!("记录：{}。", crate::records::file_name(&found.path)))
            .table(&[("编号", 16), ("题型", 20), ("类别", 28), ("题目", 36)], rows.collect());
    }
    document
}
