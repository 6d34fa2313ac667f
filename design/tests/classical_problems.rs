//! The problems of `examples-problems/`: what comes out is a design, and the same one every time.
use design::{Control, Ended, Problem, Solution, analyse, polish, solve};

const NAMES: [&str; 6] = ["mbb-beam", "cantilever", "bridge", "two-load-cases", "heat-sink", "solid-cantilever"];

fn text(name: &str) -> String {
    std::fs::read_to_string(format!("{}/examples-problems/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn problem(name: &str) -> Problem {
    Problem::parse(&text(name)).unwrap()
}

fn solved(problem: &Problem) -> Solution {
    solve(problem, &mut |_| Control::Continue).unwrap()
}

#[test]
fn each_classical_problem_yields_a_connected_design_of_the_volume_asked() {
    for name in NAMES {
        let problem = problem(name);
        let solution = solved(&problem);
        let asked = problem.description().volume_fraction;
        assert!((solution.volume_fraction - asked).abs() < 1e-6, "{name}: {}", solution.volume_fraction);
        assert!(solution.connectivity.loads_connected, "{name}: {:?}", solution.connectivity);
        assert!(solution.connectivity.floating_share < 0.01, "{name}: {:?}", solution.connectivity);
        let first = solution.history[0].compliance;
        assert!(solution.compliance < 0.7 * first, "{name}: {} of {first}", solution.compliance);
        assert!(solution.cases.iter().all(|case| case.stresses.iter().all(|stress| stress.is_finite())), "{name}");
        let again = analyse(&problem, &solution.field.values).unwrap();
        assert!((again.compliance / solution.compliance - 1.0).abs() < 1e-8, "{name}");
    }
}

#[test]
fn a_symmetric_design_is_symmetric_to_the_last_bit() {
    let solution = solved(&problem("cantilever"));
    let [width, height, _] = solution.field.size;
    for y in 0..height {
        for x in 0..width {
            assert_eq!(solution.field.at([x, y, 0]).to_bits(), solution.field.at([x, height - 1 - y, 0]).to_bits());
        }
    }
}

#[test]
fn passive_regions_are_what_they_must_be() {
    let solution = solved(&problem("bridge"));
    for x in 0..96 {
        assert!([28, 29].iter().all(|y| solution.field.at([x, *y, 0]) >= 1.0), "deck at {x}");
    }
    assert!(solution.field.at([48, 10, 0]) <= 0.0);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let problem = problem("solid-cantilever");
    let bits = |threads: usize| {
        kernels::pool::set_threads(threads);
        let solution = solved(&problem);
        let stresses = solution.cases.iter().flat_map(|case| &case.stresses);
        solution.field.values.iter().chain(stresses).chain([&solution.compliance]).map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(5));
}

#[test]
fn a_stopped_run_keeps_the_design_it_has() {
    let problem = problem("mbb-beam");
    let mut kept = Vec::new();
    let solution = solve(&problem, &mut |progress| {
        kept = progress.densities.to_vec();
        if progress.iteration == 7 { Control::Stop } else { Control::Continue }
    });
    let solution = solution.unwrap();
    assert_eq!(solution.ended, Ended::Stopped);
    assert_eq!(solution.history.len(), 7);
    assert_eq!(solution.field.values, kept);
    assert!((solution.compliance / solution.history[6].compliance - 1.0).abs() < 1e-3);
}

#[test]
fn polishing_goes_on_from_a_given_design() {
    let problem = problem("mbb-beam");
    let solution = solved(&problem);
    let polished = polish(&problem, &solution.field.values, 5, &mut |_| Control::Continue).unwrap();
    assert!(polished.history.len() <= 5);
    assert!(polished.compliance < 1.002 * solution.compliance, "{} after {}", polished.compliance, solution.compliance);
    assert!(polish(&problem, &[0.5; 3], 5, &mut |_| Control::Continue).is_err());
    assert!(polish(&problem, &vec![f64::NAN; 96 * 32], 5, &mut |_| Control::Continue).is_err());
}

#[test]
fn sensitivities_are_the_slopes_of_the_compliance() {
    let problem = Problem::parse(&text("two-load-cases").replace("[60, 60]", "[9, 7]")).unwrap();
    let densities: Vec<f64> = (0..63).map(|index| 0.3 + 0.6 * f64::from(index * 37 % 63) / 63.0).collect();
    let analysis = analyse(&problem, &densities).unwrap();
    for element in [0, 8, 31, 62] {
        let shifted = |step: f64| {
            let mut densities = densities.clone();
            densities[element] += step;
            analyse(&problem, &densities).unwrap().compliance
        };
        let slope = (shifted(1e-4) - shifted(-1e-4)) / 2e-4;
        let error = (analysis.sensitivities[element] - slope).abs();
        assert!(error < 1e-5 * slope.abs(), "element {element}: {} instead of {slope}", analysis.sensitivities[element]);
    }
}
