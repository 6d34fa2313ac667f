use super::{algorithm, assessment, kinds};
use crate::document::{Element, Row};
use crate::{Document, Records};

pub fn document(records: &Records) -> Document {
    let clause = "暂行办法 4(5)、19；模型卡";
    let model = &records.model;
    let mut rows = vec![
        Row::new("名称", records.of_model(model.identity.name.clone()), clause),
        Row::new("管线", records.of_model(model.identity.family.clone()), clause),
        Row::new("摘要（SHA-256）", records.of_model(model.identity.sha256.to_string()), clause),
    ];
    rows.extend(model.inspection.components.iter().map(|component| {
        let types: Vec<String> = component.dtypes.iter().map(|(name, count)| format!("{name}×{count}")).collect();
        let text = format!(
            "{}；{} 个参数；{} 字节 {}",
            component.class_name,
            kinds::grouped(component.parameters),
            kinds::grouped(component.bytes),
            types.join("、")
        );
        Row::new(format!("组件：{}", kinds::component(&component.name)), records.of_model(text), clause)
    }));
    rows.extend([
        Row::new("训练数据来源", algorithm::sources(records), clause),
        Row::new("训练数据规模", algorithm::training_set(records), clause),
        Row::new("评测", assessment::refusal_rates(records), clause),
        records.field("model.contact"),
    ]);
    let mut document = Document::new("4-模型卡", "1-模型卡", format!("模型卡：{}", model.identity.name)).form(rows);
    if let Some(found) = &records.manifest {
        let mut reasons: Vec<(&str, u64)> = Vec::new();
        for (reason, count) in &found.record.reasons {
            let reason = kinds::left_out(reason);
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += count,
                None => reasons.push((reason, *count)),
            }
        }
        let reasons = reasons.into_iter().map(|(reason, count)| vec![reason.to_owned(), count.to_string()]);
        document = document
            .plain_heading("剔除的图片")
            .text(format!("记录：{}。", crate::records::file_name(&found.path)))
            .table(&[("理由", 80), ("张数", 20)], reasons.collect());
    }
    match &model.card {
        Some(card) => {
            let text = card.record.lines().filter(|line| !line.starts_with("![")).map(|line| line.trim_start_matches('#').trim());
            document =
                document.plain_heading("作者的模型卡").text(format!("原文照录自 {}（图片从略）：", crate::records::file_name(&card.path)));
            document.elements.extend(text.filter(|line| !line.is_empty()).map(|line| Element::Text(line.to_owned())));
            document
        }
        None => document.form([Row::new(
            "用途、局限与质量",
            crate::document::Content::gap("gap:model_card", "在 [records] 中指明 model_card"),
            "暂行办法 10；模型卡",
        )]),
    }
}
