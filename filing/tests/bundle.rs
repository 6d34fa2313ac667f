//! The bundle has every form, marks every gap, invents nothing, and appears whole or not at all (check-list F-1).

mod common;

use common::{bare, subject};
use filing::{Error, FIELDS, Subject, build};
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
        for other in ["[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/styles.xml", "docProps/core.xml"] {
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
    let listed = cover.split("三、缺项").nth(1).unwrap().lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(listed - 2, bundle.gaps, "each gap of each document is a line below the two of the header");
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
    assert!(markdown.contains("\\|乙") && markdown.contains("filing.toml 的 subject.name"));
    assert!(markdown.contains("| 月活跃用户数 | 12 |"));
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
