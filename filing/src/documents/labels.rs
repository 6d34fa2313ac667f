//! What the documents say of labels, each kind on its own.

use crate::Records;
use crate::document::{Content, Mark};
use crate::records::configured;

/// The visible label.
pub fn explicit(records: &Records) -> Content {
    let scheme = format!("图片角部文字“{}”，字高不低于最短边的 5%", records.explicit_label);
    let text = match &records.ledger {
        Some(found) => {
            let labelled: u64 = found.record.explicit_labels.iter().filter(|(text, _)| !text.is_empty()).map(|(_, count)| count).sum();
            format!("{scheme}；账本中带显式标识的文件 {labelled} 个，不带的 {} 个", unlabelled(records))
        }
        None => scheme,
    };
    configured(text).marked_if(Mark::Contradicted, unlabelled(records) > 0)
}

/// The label in the file's metadata.
pub fn implicit(records: &Records) -> Content {
    let scheme = "文件元数据 XMP 属性 TC260:AIGC，七个字段";
    match &records.provider_code {
        Some(code) => configured(format!("{scheme}；服务提供者编码 {}", code.as_str())),
        None => configured(format!("{scheme}；尚未配置服务提供者编码，ContentProducer 为空")).marked(Mark::Missed),
    }
}

/// The mark in the pixels, which the law encourages.
pub fn watermark(records: &Records) -> Content {
    configured(if records.watermark { "已启用隐形水印" } else { "未启用隐形水印（办法鼓励而非强制）" })
}

/// Recorded pictures without visible label.
pub fn unlabelled(records: &Records) -> u64 {
    records.ledger.as_ref().and_then(|found| found.record.explicit_labels.get("").copied()).unwrap_or_default()
}
