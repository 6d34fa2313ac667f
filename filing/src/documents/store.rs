use super::labels;
use crate::document::Row;
use crate::{Document, Records};

/// What application stores ask for (标识办法 7): the list is that of one store, as a secondary source gives it.
pub fn document(records: &Records) -> Document {
    let clause = "标识办法 7；应用商店标识材料";
    Document::new("3-应用商店标识材料", "1-生成合成内容标识材料", "生成合成内容标识材料")
        .heading("显式标识")
        .form([
            Row::new("方案", labels::explicit(records), clause),
            Row::new(
                "账本中的实际标识文字",
                records.of_ledger(|counts| {
                    let labels: Vec<String> = counts
                        .explicit_labels
                        .iter()
                        .map(|(text, count)| {
                            format!("{} {count} 个", if text.is_empty() { "【无标识】".to_owned() } else { format!("“{text}”") })
                        })
                        .collect();
                    if labels.is_empty() { "尚无文件".to_owned() } else { labels.join("，") }
                }),
                clause,
            ),
            records.field("store.explicit_screenshot"),
        ])
        .heading("文件元数据隐式标识")
        .form([
            Row::new(
                "位置",
                records.program(
                    "XMP，命名空间 http://www.tc260.org.cn/ns/AIGC/1.0/，属性 TC260:AIGC；PNG 为 iTXt，JPEG 为 APP1，WebP 为 XMP 块",
                ),
                clause,
            ),
            Row::new(
                "字段",
                records.program(
                    "Label（生成方恒为 \"1\"）、ContentProducer、ProduceID、ReservedCode1、ContentPropagator、PropagateID、ReservedCode2",
                ),
                clause,
            ),
            Row::new("服务提供者编码（ContentProducer）", records.provider_code(), clause),
            Row::new("内容编号（ProduceID）查询", records.program("每个编号对应账本一条记录，可用程序的核验功能查询"), clause),
            records.field("store.metadata_screenshot"),
        ])
        .heading("证明与承诺")
        .form([
            Row::new("算法备案编号", records.answer("algorithm.filing_number"), clause),
            Row::new("生成式人工智能服务备案号", records.answer("service.model_filing_number"), clause),
            Row::new("安全评估报告", records.program("见 2-生成式人工智能服务备案/2-安全评估报告"), clause),
            records.field("store.commitment"),
        ])
}
