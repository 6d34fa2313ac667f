//! The bundle has every form, marks every gap, invents nothing, and appears whole or not at all (check-list F-1).

mod common;

use common::{bare, subject};
use filing::{Error, FIELDS, Located, ObservationKind, Subject, Tally, build};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn part(docx: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(docx)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_form_is_there_in_both_kinds_and_the_same_every_time() {
    let place = tempfile::tempdir().unwrap();
    let records = bare(Subject::default());
    let bundle = build(&records, &place.path().join("a")).unwrap();
    build(&records, &place.path().join("b")).unwrap();
    let (first, second) = (files(&place.path().join("a")), files(&place.path().join("b")));
    assert_eq!(first, second);
    assert_eq!(first.len(), bundle.files.len());
    for name in [
        "0-封面与缺项",
        "1-算法备案/1-主体信息",
        "1-算法备案/2-算法基础属性信息",
        "1-算法备案/3-算法详细属性信息",
        "1-算法备案/4-关联产品及功能信息",
        "1-算法备案/5-落实算法安全主体责任基本情况",
        "1-算法备案/6-算法安全自评估报告",
        "1-算法备案/7-拟公示内容",
        "2-生成式人工智能服务备案/1-上线备案表",
        "2-生成式人工智能服务备案/2-安全评估报告",
        "2-生成式人工智能服务备案/3-模型服务协议",
        "2-生成式人工智能服务备案/4-语料标注规则",
        "2-生成式人工智能服务备案/5-拦截关键词列表",
        "2-生成式人工智能服务备案/6-评估测试题集",
        "3-应用商店标识材料/1-生成合成内容标识材料",
        "4-模型卡/1-模型卡",
    ] {
        let markdown = String::from_utf8(first[&format!("{name}.md")].clone()).unwrap();
        let document = part(&first[&format!("{name}.docx")], "word/document.xml");
        // A general XML parser reads the parts, and the same gaps are marked in both kinds.
        roxmltree::Document::parse(&document).unwrap();
        for other in [
            "[Content_Types].xml",
            "_rels/.rels",
            "word/_rels/document.xml.rels",
            "word/styles.xml",
            "word/numbering.xml",
            "word/settings.xml",
            "word/header1.xml",
            "word/footer1.xml",
            "docProps/core.xml",
        ] {
            roxmltree::Document::parse(&part(&first[&format!("{name}.docx")], other)).unwrap();
        }
        assert_eq!(markdown.matches("【待补】").count(), document.matches("【待补】").count(), "{name}");
    }
}

#[test]
fn each_field_that_nobody_supplied_is_a_gap_on_the_cover_with_its_clause() {
    let place = tempfile::tempdir().unwrap();
    let bundle = build(&bare(Subject::default()), &place.path().join("out")).unwrap();
    let cover = String::from_utf8(files(&place.path().join("out"))["0-封面与缺项.md"].clone()).unwrap();
    for field in FIELDS.iter().filter(|field| field.key != "model.filed_sha256") {
        let line = cover.lines().find(|line| line.contains(&format!("filing.toml 的 {} |", field.key)));
        assert!(line.is_some_and(|line| !line.starts_with("|  |")), "{}", field.key);
    }
    let section = cover.split("## 三、缺项").nth(1).unwrap().split("## ").next().unwrap();
    let listed = section.lines().filter(|line| line.starts_with("| ")).count() - 2;
    assert_eq!(listed, Tally::of(&bundle.observations).count(ObservationKind::Gap), "each gap is a line below the two of the header");
}

#[test]
fn a_supplied_value_stands_with_its_record_and_cannot_break_a_document() {
    let place = tempfile::tempdir().unwrap();
    let hostile = "甲<b>&\\\"]]>|乙\\u0007";
    let subject = subject(place.path(), &format!("[subject]\nname = \"{hostile}\"\nmonthly_active_users = 12\n"));
    build(&bare(subject), &place.path().join("out")).unwrap();
    let found = files(&place.path().join("out"));
    let document = part(&found["1-算法备案/1-主体信息.docx"], "word/document.xml");
    let parsed = roxmltree::Document::parse(&document).unwrap();
    let text: Vec<&str> = parsed.descendants().filter_map(|node| node.text()).collect();
    assert!(text.contains(&"甲<b>&\"]]>|乙"), "control characters are left out, the rest is text");
    let markdown = String::from_utf8(found["1-算法备案/1-主体信息.md"].clone()).unwrap();
    assert!(markdown.contains("\\|乙") && markdown.contains("所据：主体信息文件"));
    assert!(markdown.contains("| 月活跃用户数 | 12 |"));
    let records = String::from_utf8(found["records.json"].clone()).unwrap();
    assert!(records.contains("\"key\": \"subject.name\""), "for machines the key is there");
}

#[test]
fn no_line_has_a_value_without_a_record() {
    let place = tempfile::tempdir().unwrap();
    build(&bare(Subject::default()), &place.path().join("out")).unwrap();
    let records: serde_json::Value = serde_json::from_slice(&files(&place.path().join("out"))["records.json"]).unwrap();
    let rows = records["rows"].as_array().unwrap();
    assert!(rows.len() > 200);
    for row in rows {
        let filled =
            row["value"].as_str().is_some_and(|text| !text.is_empty()) && row["record"].as_str().is_some_and(|text| !text.is_empty());
        let gap = row["gap"].as_str().is_some_and(|text| !text.is_empty());
        assert!(filled != gap && row["clause"].as_str().is_some_and(|text| !text.is_empty()), "{row}");
    }
}

#[test]
fn a_folder_that_is_there_is_left_alone_and_a_failure_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let records = bare(Subject::default());
    let out = place.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("mine.txt"), "mine").unwrap();
    assert!(matches!(build(&records, &out), Err(Error::OutputExists { .. })));
    assert_eq!(files(place.path()).len(), 1);
    assert!(matches!(build(&records, &out.join("mine.txt/below")), Err(Error::Io { .. })));
    assert_eq!(files(place.path()).len(), 1);
}

#[test]
fn unknown_and_misplaced_keys_are_named_in_both_languages() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("filing.toml");
    for (text, english, chinese) in [
        ("[subject]\nnam = \"x\"\n", "subject.nam is not known", "不是已知的项"),
        ("name = \"x\"\n", "must stand in a section", "小节"),
        ("[subject]\nname = [1]\n", "a text or a number", "文字或数字"),
        ("[assessment]\nrefusal = \"大概\"\n", "must begin with one of", "之一开头"),
        ("[subject\n", "expected", "格式有误"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Subject::read(&path).unwrap_err().to_string();
        assert!(error.contains(english) && error.contains(chinese), "{error}");
    }
    std::fs::write(&path, Subject::template()).unwrap();
    let empty = Subject::read(&path).unwrap();
    assert!(FIELDS.iter().all(|field| empty.value(field.key).is_none()), "the template is an empty subject");
}

/// Every document but the cover, which stays in the house, and the model card, which quotes its author.
fn handed_in(folder: &Path) -> BTreeMap<String, String> {
    let all = files(folder).into_iter().filter(|(name, _)| {
        Path::new(name).extension().is_some_and(|ending| ending == "md") && !name.starts_with("0-") && !name.starts_with("4-")
    });
    all.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

#[test]
fn what_an_officer_hands_in_names_no_identifiers_and_no_commands() {
    let place = tempfile::tempdir().unwrap();
    let conclusions: String = ["corpus_source", "minors"].map(|id| format!("{id} = \"符合\"\n")).concat();
    let records = bare(subject(place.path(), &format!("[subject]\nname = \"某公司\"\n[assessment]\n{conclusions}")));
    build(&records, &place.path().join("out")).unwrap();
    for (name, text) in handed_in(&place.path().join("out")) {
        for field in FIELDS {
            assert!(!text.contains(field.key), "{name}: {}", field.key);
        }
        for word in ["filing.toml", "danqing.toml", "[records]", "corpus_source", "docs/", "danqing "] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn what_a_draft_bank_measured_says_so_wherever_it_stands() {
    let place = tempfile::tempdir().unwrap();
    let mut records = bare(Subject::default());
    let text = policy::draft_bank(&records.lexicons, records.today);
    let bank = policy::Bank::parse(&text, "bank.jsonl").unwrap();
    let gate = policy::Gate::new(&records.lexicons).unwrap();
    let report = serde_json::json!(bank.evaluate(&gate, records.today));
    let evaluation = serde_json::from_value(report).unwrap();
    records.evaluation = Some(Located { path: "evaluation.json".into(), record: evaluation });
    let check = |out: &str, records: &filing::Records| {
        build(records, &place.path().join(out)).unwrap();
        let mut found = 0;
        for (name, text) in handed_in(&place.path().join(out)) {
            for line in text.lines().filter(|line| line.contains("100.00%")) {
                assert!(line.contains("【草稿】"), "{name}: {line}");
                found += 1;
            }
        }
        assert!(found >= 3, "it stands in {found} lines");
    };
    check("without the bank", &records);
    records.bank = Some(Located { path: "bank.jsonl".into(), record: bank });
    check("with the bank", &records);
    let questions = &handed_in(&place.path().join("with the bank"))["2-生成式人工智能服务备案/6-评估测试题集.md"];
    assert!(questions.lines().filter(|line| line.contains("应拒答题 |")).all(|line| line.contains("【草稿】")));
}

#[test]
fn each_conclusion_is_a_column_and_carries_its_own_mark() {
    let place = tempfile::tempdir().unwrap();
    let text = "[assessment]\nkeywords_total = \"符合\"\nminors = \"符合\"\ninput_check = \"符合\"\n";
    build(&bare(subject(place.path(), text)), &place.path().join("out")).unwrap();
    let report = handed_in(&place.path().join("out"))["2-生成式人工智能服务备案/2-安全评估报告.md"].clone();
    let line = |item: &str| report.lines().find(|line| line.starts_with(&format!("| {item}"))).unwrap().to_owned();
    assert!(report.contains("| 评估项目 | 记录中的事实 | 结论 |"));
    assert!(line("关键词库不少于").contains("| 【与记录矛盾】符合 |"));
    assert!(line("未成年人保护").contains("| 【待补】 | 【无记录佐证】符合 |"));
    assert!(line("对使用者输入逐次检查").contains("| 符合 |"));
    assert!(!line("显式标识").contains("TC260:AIGC") && !line("文件元数据隐式标识").contains("图片角部文字"));
}

#[test]
fn only_risks_that_have_terms_are_said_to_be_checked() {
    let place = tempfile::tempdir().unwrap();
    let records = bare(Subject::default());
    let with = policy::coverage(&records.lexicons).iter().filter(|risk| risk.is_covered()).count();
    build(&records, &place.path().join("out")).unwrap();
    let text = handed_in(&place.path().join("out"))["1-算法备案/3-算法详细属性信息.md"].clone();
    let expected = if with == 31 { "31 类风险均有词条".to_owned() } else { format!("31 类风险中 {with} 类有词条") };
    assert!(text.contains(&expected) && !text.contains("31 类风险逐条检查"), "{text}");
}

#[test]
fn the_agreement_warns_users_in_the_words_of_its_own_field() {
    let place = tempfile::tempdir().unwrap();
    let text = "[service]\nintellectual_property_officer = \"李四\"\n";
    build(&bare(subject(place.path(), text)), &place.path().join("out")).unwrap();
    let agreement = handed_in(&place.path().join("out"))["2-生成式人工智能服务备案/3-模型服务协议.md"].clone();
    let line = agreement.lines().find(|line| line.contains("知识产权风险提示")).unwrap();
    assert!(line.contains("【待补】") && !agreement.contains("李四"), "{line}");
}

#[test]
fn a_note_in_english_stays_in_the_manifest() {
    let place = tempfile::tempdir().unwrap();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("models/xiaopin/data_manifest.jsonl");
    let mut records = bare(Subject::default());
    records.manifest = Some(Located { record: filing::ManifestSummary::read(&manifest).unwrap(), path: manifest });
    build(&records, &place.path().join("out")).unwrap();
    for (name, text) in handed_in(&place.path().join("out")) {
        assert!(!text.contains("speaks of the last round"), "{name}");
    }
}
