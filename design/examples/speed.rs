//! Times of the optimiser, for docs/design.md: `cargo run --release -p design --example speed [-- --threads N]`.
use design::{Control, Problem, solve};
use std::time::Instant;

fn plane(name: &str, size: usize, rest: &str) -> (String, String) {
    let text = format!("title = \"{name}\"\nsize = [{size}, {size}]\nvolume_fraction = 0.4\nfilter_radius = 2.0\n{rest}");
    (format!("{name} {size}×{size}"), text)
}

fn solid(size: usize) -> (String, String) {
    let text = format!(
        "title = \"cantilever\"\nsize = [{size}, {size}, {size}]\nvolume_fraction = 0.2\nfilter_radius = 1.5\niterations = 30\n\
         supports = [{{ at = \"left\" }}]\nloads = [{{ at = \"bottom-right\", force = [0.0, -1.0, 0.0] }}]"
    );
    (format!("cantilever {size}×{size}×{size}"), text)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1)?.parse().ok());
    kernels::pool::set_threads(after("--threads").unwrap_or(1));
    let largest: usize = after("--largest").unwrap_or(48);
    let cantilever = |size: usize| {
        plane(
            "cantilever",
            size,
            &format!("supports = [{{ at = \"left\" }}]\nloads = [{{ at = [{size}, {}], force = [0.0, -1.0] }}]", size / 2),
        )
    };
    let beam = |size| {
        let rest = "supports = [{ at = \"left\", axes = [\"x\"] }, { at = \"bottom-right\", axes = [\"y\"] }]\nloads = [{ at = \"top-left\", force = [0.0, -1.0] }]";
        plane("MBB beam", size, rest)
    };
    let heat = |size| plane("heat sink", size, "physics = \"heat\"\nsupports = [{ at = [0, 0] }]\nloads = [{ at = \"all\", heat = 1.0 }]");
    let mut problems = vec![cantilever(64), beam(64), heat(64), cantilever(128), beam(128)];
    problems.extend([24, 48].into_iter().filter(|size| *size <= largest).map(solid));
    println!("| problem | iterations | solver iterations | seconds | compliance | ended |");
    println!("|---|---|---|---|---|---|");
    for (name, text) in problems {
        let problem = match Problem::parse(&text) {
            Ok(problem) => problem,
            Err(error) => return eprintln!("{error}"),
        };
        let start = Instant::now();
        match solve(&problem, &mut |_| Control::Continue) {
            Ok(solution) => {
                let inner: usize = solution.history.iter().map(|iteration| iteration.solver_iterations).sum();
                let seconds = start.elapsed().as_secs_f64();
                let (outer, ended) = (solution.history.len(), solution.ended);
                println!("| {name} | {outer} | {inner} | {seconds:.3} | {:.4} | {ended:?} |", solution.compliance);
            }
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
}
