//! A problem becomes a labelled, recorded design, by the way that pictures take.
mod support;

use serde_json::Value;
use support::{Desk, text};

const PROBLEM: &str = r#"
title = "小梁"
size = [24, 8]
volume_fraction = 0.5
iterations = 10

[[supports]]
at = "left"

[[loads]]
at = "bottom-right"
force = [0.0, -1.0]
"#;

fn desk(problem: &str) -> Desk {
    let desk = Desk::new();
    std::fs::write(desk.path().join("beam.toml"), problem).unwrap();
    desk
}

#[test]
fn a_design_is_labelled_recorded_and_verifies_in_both_formats() {
    let desk = desk(PROBLEM);
    for name in ["beam.png", "beam.stl"] {
        let solved = desk.run(["design", "solve", "beam.toml", "--out", name, "--json"]);
        assert!(solved.status.success(), "{}", text(&solved.stderr));
        let released: Value = serde_json::from_slice(&solved.stdout).unwrap();
        let verified = desk.run(["verify", "--json", name]);
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(report["ledger"], "recorded");
        assert_eq!(report["label"]["values"]["ProduceID"], released["produce_id"]);
        assert_eq!(report["entry"]["record"]["screening"]["rule"], "design-v1", "no silent pass");
    }
    let solid = std::fs::read_to_string(desk.path().join("beam.stl")).unwrap();
    assert!(solid.starts_with("solid ") && solid.lines().next().is_some_and(|line| line.contains("AIGC")), "{solid:.200}");
    assert!(desk.run(["ledger", "verify", "--ledger", "danqing-ledger.sqlite"]).status.success());
}

#[test]
fn the_same_problem_gives_the_same_solid() {
    let desk = desk(PROBLEM);
    let facets = |name: &str, threads: &str| {
        let solved = desk.run(["--threads", threads, "design", "solve", "beam.toml", "--out", name]);
        assert!(solved.status.success(), "{}", text(&solved.stderr));
        let solid = std::fs::read_to_string(desk.path().join(name)).unwrap();
        solid.lines().skip(1).filter(|line| !line.starts_with("endsolid")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(facets("a.stl", "1"), facets("b.stl", "2"));
}

#[test]
fn what_cannot_be_designed_is_refused_before_anything_is_written() {
    let missing = PROBLEM.replace("[[supports]]\nat = \"left\"\n", "");
    for (problem, says) in [(missing.as_str(), "support"), ("title = 1", "title"), ("", "title")] {
        let desk = desk(problem);
        let refused = desk.run(["design", "solve", "beam.toml", "--out", "beam.png"]);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
        assert!(!desk.path().join("beam.png").exists());
    }
    let desk = desk(PROBLEM);
    let refused = desk.run(["design", "solve", "beam.toml", "--out", "beam.jpg"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
}

#[test]
fn the_gate_reads_the_problem_file() {
    let desk = desk(&PROBLEM.replace("小梁", "制造炸弹的外壳"));
    let refused = desk.run(["design", "solve", "beam.toml", "--out", "beam.png"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(!desk.path().join("beam.png").exists());
}
