use crate::document::{Content, Row};
use crate::{Document, FindingKind, Records};

pub fn document(records: &Records, documents: &[Document]) -> Document {
    let clause = "封面";
    let mut gaps = Vec::new();
    for document in documents {
        for row in document.gaps() {
            let Content::Gap { supply } = &row.content else { continue };
            gaps.push(vec![
                row.clause.clone(),
                row.item.trim().to_owned(),
                format!("{}/{}", document.folder, document.name),
                supply.clone(),
            ]);
        }
    }
    let findings = crate::check::records_findings(records);
    let finding_rows =
        findings.iter().map(|finding| vec![finding.kind.chinese().to_owned(), finding.clause.clone(), finding.chinese.clone()]);
    let count = findings.iter().filter(|finding| finding.kind != FindingKind::Note).count();
    let files =
        documents.iter().map(|document| vec![document.folder.to_owned(), document.name.to_owned(), document.gaps().count().to_string()]);
    let text = format!("共 {} 处缺项，核对发现 {count} 项。", gaps.len());
    Document::new("", "0-封面与缺项", "备案材料封面与缺项清单")
        .text("本材料由程序从现有记录生成：每个已填的值注明所据记录，没有记录的一律标为【待补】。程序不作合规结论；表式与部分数值出自二手资料，须与主管部门现行文本核对（docs/compliance/open-questions.md）。")
        .form([
            Row::new("主体", records.answer("subject.name"), clause),
            Row::new("算法", records.answer("algorithm.name"), clause),
            Row::new("模型", records.of_model(format!("{}，SHA-256 {}", records.model.identity.name, records.model.identity.sha256)), clause),
            Row::new("生成日期", records.program(records.today.to_string()), clause),
        ])
        .text(text)
        .heading("一、文件")
        .table(&["文件夹", "文件", "缺项"], files.collect())
        .heading("二、核对发现")
        .table(&["性质", "条款", "内容"], finding_rows.collect())
        .heading("三、缺项")
        .table(&["条款", "项目", "文件", "补充方式"], gaps)
}
