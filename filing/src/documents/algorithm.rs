use super::{assessment, kinds, labels};
use crate::document::{Content, Row};
use crate::records::{beijing_time, configured};
use crate::{DefaultOutput, Document, Records};
use ledger::SuspensionCause;

const FOLDER: &str = "1-算法备案";

pub fn documents(records: &Records) -> Vec<Document> {
    vec![
        subject(records),
        basic(records),
        detailed(records),
        products(records),
        responsibility(records),
        report(records),
        publication(records),
    ]
}

fn subject(records: &Records) -> Document {
    let mut rows = records.section("subject");
    rows.extend(records.section("officer"));
    rows.extend(records.section("uploads"));
    Document::new(FOLDER, "1-主体信息", "主体信息").form(rows)
}

fn basic(records: &Records) -> Document {
    let clause = "算法备案·算法基础属性信息";
    Document::new(FOLDER, "2-算法基础属性信息", "算法基础属性信息").form([
        Row::new("算法类型", records.program("生成合成类（图片）"), clause),
        records.field("algorithm.name"),
        records.field("algorithm.role"),
        records.field("algorithm.online_since"),
        records.field("algorithm.application_field"),
        Row::new("算法安全自评估报告", records.program("见 6-算法安全自评估报告"), clause),
        Row::new("拟公示内容", records.program("见 7-拟公示内容"), clause),
    ])
}

/// Lines on data, model and strategy, which several forms ask for.
pub(super) fn mechanism(records: &Records) -> Vec<Row> {
    let clause = "算法备案·算法详细属性信息";
    let inspection = &records.model.inspection;
    let components: Vec<String> = inspection
        .components
        .iter()
        .filter(|component| component.parameters > 0)
        .map(|component| {
            format!("{}：{}，{} 个参数", kinds::component(&component.name), component.class_name, kinds::grouped(component.parameters))
        })
        .collect();
    let DefaultOutput { width, height, num_inference_steps } = records.model.defaults;
    vec![
        Row::new("输入数据模态", records.program("文字（提示词、反向提示词）"), clause),
        Row::new("输出数据模态", records.program("图片（PNG、JPEG、WebP）"), clause),
        Row::new("训练数据来源", sources(records), clause),
        Row::new("训练数据集规模", training_set(records), clause),
        records.field("algorithm.personal_data"),
        Row::new("模型结构", records.of_model(format!("{}\n{}", inspection.class_name, components.join("\n"))), clause),
        Row::new(
            "模型参数量",
            records.of_model(format!("{} 个，{} 字节", kinds::grouped(inspection.parameters), kinds::grouped(inspection.bytes))),
            clause,
        ),
        Row::new("模型摘要（SHA-256）", records.of_model(records.model.identity.sha256.to_string()), clause),
        Row::new("默认输出", records.of_model(format!("{width}×{height} 像素，{num_inference_steps} 步")), clause),
        Row::new("是否使用第三方模型", records.answer("service.base_model_filed"), clause),
        Row::new(
            "算法流程",
            records.program(format!(
                "请求 → 内容安全策略 → 模型 → 采样 → 解码 → {}标识 → 存储 → 账本；未经标识与记录的文件不会放行",
                if records.classifiers.is_empty() { "" } else { "图片审核 → " }
            )),
            clause,
        ),
        Row::new("算法策略（干预策略）", strategy(records), clause),
        Row::new("结果标识：显式标识", labels::explicit(records), clause),
        Row::new("结果标识：隐式标识", labels::implicit(records), clause),
        Row::new("结果标识：隐形水印", labels::watermark(records), clause),
    ]
}

fn strategy(records: &Records) -> Content {
    let names = records.lexicon_names();
    let combinations: usize = policy::coverage(&records.lexicons).iter().map(|risk| risk.combinations).sum();
    records.of_lexicons(format!(
        "提示词与反向提示词在生成前按 {} 个词库（{}）逐条检查，共 {} 个词条、{combinations} 条组合规则：{}；命中即拒绝，拒绝理由引用使用者原词，并记入账本",
        names.len(),
        names.join("、"),
        records.terms(),
        coverage(records)
    ))
}

/// For which of the 31 risks the lexicons have terms or combinations of words.
pub(super) fn coverage(records: &Records) -> String {
    let risks = policy::coverage(&records.lexicons);
    let without: Vec<&str> = risks.iter().filter(|risk| !risk.is_covered()).map(|risk| risk.class.id()).collect();
    let with = risks.len() - without.len();
    match without.is_empty() {
        true => format!("{} 类风险均有词条", risks.len()),
        false => format!("{} 类风险中 {with} 类有词条，{} 类没有（{}）", risks.len(), without.len(), without.join("、")),
    }
}

pub(super) fn sources(records: &Records) -> Content {
    records.of_registry(|registry| {
        let lines = registry
            .sources
            .iter()
            .map(|source| format!("{}（{}，{}，{}）", source.id, source.kind.chinese(), kinds::modality(&source.modality), source.licence));
        (!registry.sources.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n"))
    })
}

pub(super) fn training_set(records: &Records) -> Content {
    records.of_manifest(|manifest| {
        // The form is Chinese; a note in another language stays in the manifest.
        let note = match manifest.note.as_str() {
            "" => String::new(),
            note if kinds::is_chinese(note) => format!("\n{note}"),
            _ => "；数据清单另有外文说明，须由填报人译为中文".to_owned(),
        };
        format!(
            "{}：使用 {} 张图片，剔除 {} 张；配方 SHA-256 {}{note}",
            manifest.name, manifest.used, manifest.left_out, manifest.recipe_sha256
        )
    })
}

fn detailed(records: &Records) -> Document {
    let mut rows = vec![records.field("algorithm.introduction"), records.field("algorithm.scenarios")];
    rows.extend(mechanism(records));
    rows.push(records.field("algorithm.misuse_risks"));
    Document::new(FOLDER, "3-算法详细属性信息", "算法详细属性信息").form(rows).plain_heading("算法风险与防范机制").form(prevention(records))
}

fn prevention(records: &Records) -> Vec<Row> {
    let clause = "算法备案·算法风险与防范机制";
    vec![
        Row::new("输入审核", strategy(records), clause),
        Row::new("生成合成内容显式标识", labels::explicit(records), clause),
        Row::new("生成合成内容隐式标识", labels::implicit(records), clause),
        Row::new("日志留存", ledger_text(records), clause),
        Row::new("拒绝情况", refusals(records), clause),
        Row::new("输出审核", screening(records), clause),
        Row::new("拦截情况", withheld(records), clause),
        Row::new("违规账户处置", suspensions(records), "暂行办法 14 第二款"),
        Row::new("申诉渠道", records.appeal_contact(), "算法推荐规定 22；深度合成规定 12"),
    ]
}

pub(super) fn ledger_text(records: &Records) -> Content {
    records.of_ledger(|counts| {
        let kinds: Vec<String> = counts.kinds.iter().map(|(kind, count)| format!("{} {count} 条", kinds::entry(kind))).collect();
        let time = |time: Option<spec::Timestamp>| time.map(beijing_time).unwrap_or_default();
        let root = counts.root.map(|root| root.to_string()).unwrap_or_default();
        format!(
            "默克尔树账本，共 {} 条（{}），自 {} 至 {}，已全部校验，树根 {root}",
            counts.entries,
            kinds.join("，"),
            time(counts.first),
            time(counts.last)
        )
    })
}

pub(super) fn refusals(records: &Records) -> Content {
    records.of_ledger(|counts| {
        let refused = counts.kinds.get("refused").copied().unwrap_or_default();
        let classes: Vec<String> =
            counts.refusals_by_class.iter().map(|(class, count)| format!("{} {count} 次", kinds::risk(class))).collect();
        let total = format!("拒绝 {refused} 次{}", kinds::of_kinds(&counts.refused_by_kind));
        if classes.is_empty() { total } else { format!("{total}：{}", classes.join("，")) }
    })
}

/// Who looks at pictures before they leave.
pub(super) fn screening(records: &Records) -> Content {
    if records.classifiers.is_empty() {
        return Content::gap("gap:image-safety", "danqing.toml 的 [image_safety]：图片审核已关闭");
    }
    let names: Vec<&str> = records.classifiers.iter().map(|classifier| classifier.name.as_str()).collect();
    let names = names.join("、");
    configured(format!("每张图片在加标识之前先经 {} 个分类器（{names}）；得分达到阈值即拦截并记入账本", records.classifiers.len()))
}

/// Pictures that they withheld.
pub(super) fn withheld(records: &Records) -> Content {
    records.of_ledger(|counts| {
        let withheld = counts.kinds.get("withheld").copied().unwrap_or_default();
        let mut parts: Vec<String> =
            counts.withheld_by_class.iter().map(|(class, count)| format!("{} {count} 件", kinds::risk(class))).collect();
        if counts.withheld_unanswered > 0 {
            parts.push(format!("因分类器无有效结果 {} 件", counts.withheld_unanswered));
        }
        let total = format!("拦截 {withheld} 件{}", kinds::of_kinds(&counts.withheld_by_kind));
        if parts.is_empty() { total } else { format!("{total}：{}", parts.join("，")) }
    })
}

/// Accounts that the strike rule suspended. Where none was, nothing on record shows that the rule works, and that is a gap.
pub(super) fn suspensions(records: &Records) -> Content {
    let evidence = |counts: &ledger::Statistics| {
        let latest = counts.latest_suspension?;
        let of = |cause| counts.suspensions_by_cause.get(&cause).copied().unwrap_or_default();
        let (row, day) = (of(SuspensionCause::InARow), of(SuspensionCause::InADay));
        let lifted = counts.kinds.get("lifted").copied().unwrap_or_default();
        Some(format!(
            "账本有账户暂停 {} 条（连续三次 {row}，一日五次 {day}），最近一条为第 {latest} 条；解除暂停 {lifted} 条；现有 {} 个账户处于暂停；其中计入的拦截 {} 件",
            row + day,
            counts.suspended_accounts,
            counts.withheld_strikes
        ))
    };
    match records.ledger.as_ref().map(|found| evidence(&found.record)) {
        Some(Some(text)) => records.of_ledger(|_| text),
        Some(None) => Content::gap(
            "gap:suspension",
            "账本中没有账户暂停的记录：可用测试账户连续三次提交应拒绝的提示词作演示（danqing generate … --account 测试账户），再以 danqing policy account list 核对",
        ),
        None => records.of_ledger(|_| String::new()),
    }
}

fn products(records: &Records) -> Document {
    Document::new(FOLDER, "4-关联产品及功能信息", "关联产品及功能信息（服务提供者）／技术服务方式（技术支持者）")
        .form(records.section("product"))
}

fn responsibility(records: &Records) -> Document {
    let (department, rules): (Vec<Row>, Vec<Row>) =
        records.section("organisation").into_iter().partition(|row| row.clause == "落实主体责任 一");
    let measures = [
        Row::new("算法安全监测：拒绝", refusals(records), "落实主体责任 三"),
        Row::new("算法安全监测：拦截", withheld(records), "落实主体责任 三"),
        Row::new("日志留存与防篡改", ledger_text(records), "落实主体责任 三；网络安全法（不少于六个月）"),
    ];
    Document::new(FOLDER, "5-落实算法安全主体责任基本情况", "落实算法安全主体责任基本情况")
        .heading("算法安全专职机构")
        .form(department)
        .heading("算法安全管理制度建设")
        .form(rules)
        .heading("技术保障措施")
        .form(measures)
}

fn report(records: &Records) -> Document {
    let clause = "算法备案·自评估报告";
    let cover = vec![
        Row::new("主体名称", records.answer("subject.name"), clause),
        Row::new("统一社会信用代码", records.answer("subject.uscc"), clause),
        Row::new("算法名称", records.answer("algorithm.name"), clause),
        Row::new("算法类型", records.program("生成合成类（图片）"), clause),
        Row::new("应用领域", records.answer("algorithm.application_field"), clause),
        Row::new("使用场景", records.answer("algorithm.scenarios"), clause),
        Row::new("上线情况", records.answer("product.status"), clause),
        records.field("algorithm.filing_type"),
        records.field("algorithm.self_assessment_date"),
        Row::new("报告生成日期", records.program(records.today.to_string()), clause),
    ];
    let description = vec![
        Row::new("算法简介", records.answer("algorithm.introduction"), clause),
        Row::new("应用范围", records.answer("algorithm.application_field"), clause),
        Row::new("服务群体", records.answer("product.users"), clause),
        records.field("product.user_count"),
        records.field("algorithm.social_impact"),
        records.field("algorithm.facilities"),
    ];
    let service = vec![
        Row::new("上线时间", records.answer("algorithm.online_since"), "自评估报告 二"),
        Row::new("服务形式", records.answer("product.form"), "自评估报告 二"),
        Row::new("访问入口", records.answer("product.access"), "自评估报告 二"),
        Row::new("服务对象", records.answer("product.users"), "自评估报告 二"),
        Row::new("用户数量", records.answer("product.user_count"), "自评估报告 二"),
        records.field("product.traffic"),
        Row::new(
            "生成数量（按种类）",
            records.of_ledger(|counts| match counts.generated_by_kind.is_empty() {
                true => "尚无".to_owned(),
                false => kinds::by_kind(&counts.generated_by_kind),
            }),
            "自评估报告 二",
        ),
    ];
    let rights = vec![
        Row::new("用户权益保护：投诉入口", records.answer("service.complaint_channel"), "自评估报告 四"),
        Row::new("用户权益保护：处理时限", records.answer("service.complaint_days"), "自评估报告 四"),
        Row::new("内容生态治理：评测", assessment::refusal_rates(records), "自评估报告 四"),
        Row::new("模型安全保障：模型摘要", records.of_model(records.model.identity.sha256.to_string()), "自评估报告 四"),
        Row::new("数据安全防护：来源登记", assessment::registry_state(records), "自评估报告 四"),
    ];
    Document::new(FOLDER, "6-算法安全自评估报告", "算法安全自评估报告（生成合成类）")
        .form(cover)
        .plain_heading("评估算法描述")
        .form(description)
        .heading("算法情况")
        .form(mechanism(records))
        .heading("服务情况")
        .form(service)
        .heading("风险研判")
        .form([records.field("algorithm.misuse_risks")])
        .heading("风险防控情况")
        .form(prevention(records))
        .form(rights)
        .heading("安全评估结论")
        .form([conclusion(records)])
}

/// The officer's conclusion on the whole, marked where the records do not bear it.
fn conclusion(records: &Records) -> Row {
    let row = records.field(CONCLUSION);
    let Some(mark) = crate::observations::mark_of_whole(records) else { return row };
    Row { content: row.content.marked(mark), ..row }
}

/// Key of the conclusion on the whole.
pub(crate) const CONCLUSION: &str = "algorithm.self_assessment_conclusion";

fn publication(records: &Records) -> Document {
    let clause = "算法备案·拟公示内容；算法推荐规定 16";
    Document::new(FOLDER, "7-拟公示内容", "拟公示内容").form([
        Row::new("算法名称", records.answer("algorithm.name"), clause),
        Row::new(
            "算法基本原理",
            records.program(format!(
                "{}：从随机噪声出发，按文字条件逐步去噪得到潜变量，再由自编码器解码为图片",
                records.model.inspection.class_name
            )),
            clause,
        ),
        Row::new(
            "算法运行机制",
            records.program(format!(
                "提示词经内容安全策略检查后送入模型；生成的图片{}加显式与隐式标识，记入账本后放行",
                if records.classifiers.is_empty() { "" } else { "经图片审核后" }
            )),
            clause,
        ),
        Row::new("算法应用场景", records.answer("algorithm.scenarios"), clause),
        Row::new("算法目的意图", records.answer("algorithm.purpose"), clause),
        Row::new("算法公示情况", records.answer("algorithm.publication"), clause),
        records.field("algorithm.filing_number"),
    ])
}
