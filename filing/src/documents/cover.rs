use super::gaps;
use crate::document::Row;
use crate::{Document, Observation, Records, Tally};

/// The list that stays in the house: what is missing, and what speaks against what.
pub fn document(records: &Records, documents: &[Document], observations: &[Observation]) -> Document {
    let clause = "封面";
    let missing = gaps(documents);
    let found = observations.iter().filter(|observation| !missing.iter().any(|gap| gap.id == observation.id));
    let findings = found.map(|observation| {
        let Observation { kind, clause, chinese, .. } = observation;
        vec![kind.chinese().to_owned(), clause.clone(), chinese.clone()]
    });
    let files = documents.iter().map(|document| {
        let place = document.place();
        let count = missing.iter().filter(|gap| gap.places.contains(&place)).count();
        vec![document.folder.to_owned(), document.name.to_owned(), count.to_string()]
    });
    let lines = missing.iter().map(|gap| vec![gap.clause.clone(), gap.item.clone(), gap.places.join("\n"), gap.supply.clone()]);
    let mut marks = vec![vec![crate::document::GAP.to_owned(), "没有记录，须由填报人提供".to_owned()]];
    marks.extend(crate::Mark::ALL.map(|mark| vec![mark.text().to_owned(), mark.meaning().to_owned()]));
    Document::new("", "0-封面与缺项", "备案材料封面与缺项清单")
        .text("本文件供内部核对，不随材料提交。本材料由程序从现有记录生成：每个已填的值注明所据记录，没有记录的一律标为【待补】，不可径信的值前加标记。程序不作合规结论；表式与部分数值出自二手资料，须与主管部门现行文本核对。")
        .form([
            Row::new("主体", records.answer("subject.name"), clause),
            Row::new("算法", records.answer("algorithm.name"), clause),
            Row::new("模型", records.of_model(format!("{}，SHA-256 {}", records.model.identity.name, records.model.identity.sha256)), clause),
            Row::new("生成日期", records.program(format!("{}（北京时间）", records.today)), clause),
        ])
        .text(format!("核对结果：{}。", Tally::of(observations).chinese()))
        .heading("文件")
        .table(&[("文件夹", 35), ("文件", 50), ("缺项", 15)], files.collect())
        .heading("核对发现")
        .table(&[("性质", 14), ("条款", 30), ("内容", 56)], findings.collect())
        .heading("缺项")
        .table(&[("条款", 22), ("项目", 24), ("文件", 30), ("补充方式", 24)], lines.collect())
        .heading("标记")
        .table(&[("标记", 25), ("含义", 75)], marks)
}
