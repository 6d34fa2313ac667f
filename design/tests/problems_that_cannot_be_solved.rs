//! Impossible and hostile problems: a clear error in both languages, before any work.
use design::{Problem, ProblemError};

const GOOD: &str = r#"
title = "plate"
size = [8, 4]
volume_fraction = 0.5
supports = [{ at = "left" }]
loads = [{ at = "bottom-right", force = [0.0, -1.0] }]
"#;

fn error(text: &str) -> String {
    let error = Problem::parse(text).unwrap_err().to_string();
    assert!(error.contains(" / ") && error.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)), "only one language: {error}");
    error
}

#[test]
fn the_plain_problem_reads_even_after_a_byte_order_mark() {
    assert!(Problem::parse(GOOD).is_ok());
    assert!(Problem::parse(&format!("\u{feff}{GOOD}")).is_ok());
    assert_eq!(Problem::parse(GOOD).unwrap().texts().collect::<Vec<_>>(), ["plate"]);
}

#[test]
fn each_fault_is_named_with_its_field() {
    for (from, to, expected) in [
        ("title = \"plate\"", "", "title"),
        ("title = \"plate\"", "title = \" \"", "title: say what the part is"),
        ("[8, 4]", "[8]", "size:"),
        ("[8, 4]", "[8, 0]", "size:"),
        ("[8, 4]", "[8, 5000]", "size:"),
        ("[8, 4]", "[8, -4]", "invalid value"),
        ("[8, 4]", "[8, 4, 2, 2]", "size:"),
        ("[8, 4]", "[4000, 4000]", "memory"),
        ("0.5", "1.5", "volume_fraction: 1.5 lies outside"),
        ("0.5", "nan", "volume_fraction: NaN lies outside"),
        ("0.5", "0.5\nfilter_radius = 0.5", "filter_radius"),
        ("0.5", "0.5\nfilter_radius = 1e300", "filter_radius"),
        ("0.5", "0.5\npenalty = 0", "penalty"),
        ("0.5", "0.5\niterations = 0", "iterations"),
        ("0.5", "0.5\niterations = 99999999", "iterations"),
        ("0.5", "0.5\ntolerance = -1.0", "tolerance"),
        ("0.5", "0.5\nmaterial = { poisson = 0.5 }", "material.poisson"),
        ("0.5", "0.5\nmaterial = { young = 0.0 }", "material.young"),
        ("0.5", "0.5\nsymmetry = [\"z\"]", "symmetry"),
        ("0.5", "0.5\nunknown = 1", "unknown field"),
        ("0.5", "0.5\nphysics = \"magnetism\"", "unknown variant"),
        ("\"left\"", "\"middle\"", "supports[0].at: \"middle\" is no side"),
        ("\"left\"", "\"left-right\"", "two sides of one axis"),
        ("\"left\"", "\"front\"", "is no side"),
        ("\"left\"", "7", "a place is a name"),
        ("\"left\"", "[0, 9]", "supports[0].at: [0.0, 9.0] lies outside"),
        ("\"left\"", "[0, nan]", "lies outside"),
        ("\"left\"", "{ from = [3, 2], to = [1, 4] }", "no node lies between"),
        ("\"left\" }", "\"left\", axes = [\"z\"] }", "supports[0].axes"),
        ("\"bottom-right\"", "[9, 0]", "loads[0].at: [9.0, 0.0] lies outside"),
        ("[0.0, -1.0]", "[0.0]", "loads[0]: write `force` with 2 numbers"),
        ("[0.0, -1.0]", "[0.0, inf]", "finite"),
        ("[0.0, -1.0]", "[0.0, 0.0]", "nothing acts on a node"),
        ("\"bottom-right\"", "\"left\"", "nothing acts on a node"),
        ("loads = [{ at = \"bottom-right\", force = [0.0, -1.0] }]", "", "loads: there are none"),
        ("0.5", "0.5\nload_cases = [{ loads = [] }]", "not both"),
        ("0.5", "0.5\npassive = [{ fill = \"void\", from = [6, 0], to = [8, 4] }]", "lies wholly in a region that is void"),
        ("0.5", "0.5\npassive = [{ fill = \"solid\", from = [0, 0], to = [8, 3] }]", "does not fit the passive regions"),
        ("0.5", "0.5\npassive = [{ fill = \"solid\" }]", "passive[0]: write either"),
        ("0.5", "0.5\nsymmetry = [\"x\"]\npassive = [{ fill = \"solid\", from = [0, 0], to = [1, 1] }]", "symmetry: the passive regions"),
        ("0.5", "0.5\npassive = [{ fill = \"solid\", centre = [1, 1], radius = 0.1 }]", "no element's centre"),
        ("0.5", "0.5\npassive = [{ fill = \"solid\", centre = [1, 1], radius = nan }]", "passive[0]"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let message = error(&GOOD.replacen(from, to, 1));
        assert!(message.contains(expected), "{to}: {message}");
    }
}

#[test]
fn missing_supports_are_told_by_the_movement_they_leave() {
    for (supports, expected) in [
        ("", "against moving along x"),
        ("supports = [{ at = \"left\", axes = [\"x\"] }]", "against moving along y"),
        ("supports = [{ at = \"bottom\", axes = [\"y\"] }]", "against moving along x"),
        ("supports = [{ at = \"bottom-left\" }]", "against turning"),
        ("supports = [{ at = \"bottom-left\" }, { at = \"bottom-right\", axes = [\"x\"] }]", "against turning"),
    ] {
        let text = GOOD.replace("supports = [{ at = \"left\" }]", supports);
        assert!(matches!(Problem::parse(&text), Err(ProblemError::Unsupported { .. })), "{supports}");
        let message = error(&text);
        assert!(message.contains(expected), "{supports}: {message}");
    }
    let text =
        GOOD.replace("supports = [{ at = \"left\" }]", "supports = [{ at = \"bottom-left\" }, { at = \"bottom-right\", axes = [\"y\"] }]");
    let text = text.replace("\"bottom-right\", force", "\"top-right\", force");
    assert!(Problem::parse(&text).is_ok());
    let solid = GOOD.replace("[8, 4]", "[8, 4, 3]").replace("[0.0, -1.0]", "[0.0, -1.0, 0.0]");
    assert!(Problem::parse(&solid).is_ok());
    let hinge = solid.replace("\"left\"", "\"bottom-left\"");
    assert!(error(&hinge).contains("against turning"));
}

#[test]
fn no_text_makes_the_parser_panic() {
    let mut state = 1_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let pieces = ["[", "]", "{", "}", "\"", "-1", "1e309", "nan", "=", "\n", "left", "0", "4096", "size", "at", "from", "é", ","];
    for _ in 0..20_000 {
        let mut text = GOOD.to_owned();
        for _ in 0..=next(3) {
            let at = next(text.len());
            let end = (at + next(4)).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, pieces[next(pieces.len())]);
            }
        }
        let _ = Problem::parse(&text);
    }
}
