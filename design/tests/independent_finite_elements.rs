//! Goldens of `testkit/scripts/design_goldens.py`, which shares nothing with this crate but the definition of a problem.
use design::{Control, Problem, analyse, solve};
use serde_json::Value;

fn golden(name: &str) -> Value {
    let path = format!("{}/../testkit/goldens/design/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Largest difference, relative to the largest expected amount.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale
}

#[test]
fn compliance_displacements_stresses_and_sensitivities_equal_those_of_an_independent_program() {
    for golden in golden("fem.json").as_array().unwrap() {
        let name = golden["name"].as_str().unwrap();
        let problem = Problem::parse(golden["problem"].as_str().unwrap()).unwrap();
        let found = analyse(&problem, &numbers(&golden["densities"])).unwrap();
        let close = |what: &str, error: f64| assert!(error < 1e-6, "{name}: {what} differ by {error:e}");
        close("compliances", difference(&[found.compliance], &[golden["compliance"].as_f64().unwrap()]));
        close("sensitivities", difference(&every(&found.sensitivities, 5), &numbers(&golden["sensitivities"])));
        for (case, expected) in found.cases.iter().zip(golden["cases"].as_array().unwrap()) {
            close("compliances of a case", difference(&[case.compliance], &[expected["compliance"].as_f64().unwrap()]));
            close("stresses", difference(&every(&case.stresses, 7), &numbers(&expected["stresses"])));
            let displacements: Vec<f64> = every(&case.displacements, 17).concat();
            let expected: Vec<f64> = expected["displacements"].as_array().unwrap().iter().flat_map(numbers).collect();
            close("displacements", difference(&displacements, &expected));
        }
    }
}

fn every<T: Copy>(values: &[T], step: usize) -> Vec<T> {
    values.iter().step_by(step).copied().collect()
}

#[test]
fn every_iteration_of_the_optimiser_equals_that_of_an_independent_program() {
    let golden = golden("simp.json");
    let problem = Problem::parse(golden["problem"].as_str().unwrap()).unwrap();
    let solution = solve(&problem, &mut |_| Control::Continue).unwrap();
    let history: Vec<f64> = solution.history.iter().map(|iteration| iteration.compliance).collect();
    let expected = numbers(&golden["history"]);
    for (iteration, (found, expected)) in history.iter().zip(&expected).enumerate() {
        assert!((found / expected - 1.0).abs() < 1e-3, "iteration {}: {found} instead of {expected}", iteration + 1);
    }
    assert!((solution.compliance / golden["compliance"].as_f64().unwrap() - 1.0).abs() < 1e-3);
    assert!(difference(&solution.field.values, &numbers(&golden["densities"])) < 0.05);
}
