//! `danqing filing` and `danqing data` from the command line: what an officer types, and the exit codes that scripts rely on.
mod support;

use support::{Desk, text};

#[test]
fn an_empty_subject_gives_a_bundle_full_of_gaps_and_a_failing_check() {
    let desk = Desk::new();
    let template = desk.run(["filing", "template"]);
    std::fs::write(desk.path().join("filing.toml"), &template.stdout).unwrap();
    let built = desk.run(["filing", "build", "out"]);
    assert_eq!(built.status.code(), Some(0), "{}", text(&built.stderr));
    let last_line = |output: &std::process::Output| text(&output.stdout).lines().last().unwrap_or_default().to_owned();
    assert_eq!(last_line(&built), last_line(&desk.run(["filing", "check"])), "one count");
    assert!(text(&built.stdout).contains("缺项") && desk.path().join("out/0-封面与缺项.docx").exists());
    let again = desk.run(["filing", "build", "out"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("已存在"));
    let checked = desk.run(["filing", "check", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let answer: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let ids: Vec<&str> = answer["findings"].as_array().unwrap().iter().filter_map(|finding| finding["id"].as_str()).collect();
    for id in ["provider-code-unset", "lexicon-size", "gap:subject.name"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
}

#[test]
fn pictures_refusals_and_a_saved_evaluation_reach_the_documents() {
    let desk = Desk::new();
    desk.generate(&["一只小猫"]);
    assert_eq!(desk.run(["generate", "裸体"]).status.code(), Some(3));
    assert_eq!(desk.run(["policy", "draft-bank", "bank.jsonl"]).status.code(), Some(0));
    let evaluation = desk.run(["policy", "evaluate", "bank.jsonl", "--model", "xiaopin", "--json"]);
    std::fs::write(desk.path().join("evaluation.json"), &evaluation.stdout).unwrap();
    std::fs::write(desk.path().join("filing.toml"), "[records]\nbank = \"bank.jsonl\"\nevaluation = \"evaluation.json\"\n").unwrap();
    assert_eq!(desk.run(["filing", "build", "out"]).status.code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(desk.path().join("out").join(name)).unwrap();
    assert!(read("3-应用商店标识材料/1-生成合成内容标识材料.md").contains("“AI生成” 1 个"));
    assert!(read("1-算法备案/3-算法详细属性信息.md").contains("拒绝 1 次（图片 1）：A1.f（"));
    assert!(read("2-生成式人工智能服务备案/2-安全评估报告.md").contains("非拒答题拒答率"));
    assert!(read("1-算法备案/3-算法详细属性信息.md").contains("拦截 0 件"));
    assert!(read("0-封面与缺项.md").contains("账本中没有账户暂停的记录"), "that the strike rule works is not on record");
    let findings = text(&desk.run(["filing", "check"]).stdout);
    assert!(findings.contains("草稿") && !findings.contains("evaluation was of model"), "{findings}");
}

#[test]
fn a_conclusion_against_the_records_is_written_with_its_mark_and_ends_the_build_with_1() {
    let desk = Desk::new();
    std::fs::write(desk.path().join("filing.toml"), "[assessment]\nkeywords_total = \"符合\"\n").unwrap();
    let built = desk.run(["filing", "build", "out"]);
    assert_eq!(built.status.code(), Some(1));
    assert!(text(&built.stderr).contains("记录与之不符"), "{}", text(&built.stderr));
    let report = std::fs::read_to_string(desk.path().join("out/2-生成式人工智能服务备案/2-安全评估报告.md")).unwrap();
    assert!(report.contains("【与记录矛盾】符合"));
}

#[test]
fn a_ledger_beside_the_subject_file_is_found_without_configuration() {
    let desk = Desk::new();
    desk.generate(&["一只小猫", "--out", "desk/danqing-out"]);
    std::fs::write(desk.path().join("desk/filing.toml"), "").unwrap();
    assert_eq!(desk.run(["filing", "build", "out", "--subject", "desk/filing.toml"]).status.code(), Some(0));
    let form = std::fs::read_to_string(desk.path().join("out/1-算法备案/3-算法详细属性信息.md")).unwrap();
    assert!(form.contains("默克尔树账本，共 1 条") && form.contains("（北京时间）"), "{form}");
}

#[test]
fn a_registry_that_is_kept_by_hand_keeps_its_comments() {
    let desk = Desk::new();
    let recipe = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("recipes/xiaopin.data.toml");
    let path = desk.path().join("own.registry.toml");
    std::fs::write(&path, "# 数据组维护\nformat = 1\n").unwrap();
    let registered = desk.run(["data", "register", "own.registry.toml", "--recipe", recipe.to_str().unwrap()]);
    assert_eq!(registered.status.code(), Some(0), "{}", text(&registered.stderr));
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.starts_with("# 数据组维护\nformat = 1\n") && kept.contains("[[source]]"), "{kept}");
}

#[test]
fn a_missing_subject_file_says_how_to_make_one() {
    let desk = Desk::new();
    let output = desk.run(["filing", "check"]);
    assert_eq!(output.status.code(), Some(10));
    assert!(text(&output.stderr).contains("danqing filing template") && text(&output.stderr).contains("缺少"));
}

#[test]
fn the_shipped_registry_admits_the_shipped_data_and_says_what_is_to_do() {
    let desk = Desk::new();
    let recipes = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("recipes");
    let (registry, recipe) = (recipes.join("xiaopin.registry.toml"), recipes.join("xiaopin.data.toml"));
    let checked = desk.run(["data", "check", registry.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).contains("可用于训练") && !text(&checked.stdout).contains("REFUSED"));
    let copy = desk.path().join("own.registry.toml");
    let registered = desk.run(["data", "register", copy.to_str().unwrap(), "--recipe", recipe.to_str().unwrap()]);
    assert_eq!(registered.status.code(), Some(0), "{}", text(&registered.stderr));
    let text_of_copy = std::fs::read_to_string(&copy).unwrap();
    std::fs::write(&copy, text_of_copy.replace("licence = \"MIT\"", "licence = \"\"")).unwrap();
    let checked = desk.run(["data", "check", copy.to_str().unwrap(), "--recipe", recipe.to_str().unwrap()]);
    assert!(text(&checked.stdout).contains("REFUSED npm:@lobehub/fluent-emoji-3d@1.1.0: it has no licence record / 缺少许可记录"));
}
