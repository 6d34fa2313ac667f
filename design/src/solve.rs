//! SIMP: solid isotropic material with penalisation, by optimality criteria.
use crate::analysis::Analyser;
use crate::connectivity::Connectivity;
use crate::element::{Conduction, Element, Plane, Solid};
use crate::error::ProblemError;
use crate::filter::{Filter, mirror};
use crate::optimality::Bounds;
use crate::problem::{Physics, Problem};
use crate::solution::{Analysis, Control, DensityField, Ended, Iteration, Progress, Solution};

/// Makes the design of a problem, from the same density everywhere. The observer is called once an iteration, on this thread.
pub fn solve(problem: &Problem, observer: &mut dyn FnMut(&Progress<'_>) -> Control) -> Result<Solution, ProblemError> {
    let start = Start { densities: None, iterations: problem.description.iterations };
    with_element(problem, Task { start, observer })
}

/// Improves a design by at most `iterations`: `densities` holds one value an element, x first, then y upwards, then z.
pub fn polish(
    problem: &Problem,
    densities: &[f64],
    iterations: usize,
    observer: &mut dyn FnMut(&Progress<'_>) -> Control,
) -> Result<Solution, ProblemError> {
    check_densities(problem, densities)?;
    with_element(problem, Task { start: Start { densities: Some(densities), iterations }, observer })
}

/// What a given design does under the problem's loads, solved to ten digits, and how its compliance depends on each density.
pub fn analyse(problem: &Problem, densities: &[f64]) -> Result<Analysis, ProblemError> {
    check_densities(problem, densities)?;
    with_element(problem, densities)
}

fn check_densities(problem: &Problem, densities: &[f64]) -> Result<(), ProblemError> {
    let expected = problem.grid.element_count();
    if densities.len() == expected && densities.iter().all(|value| (0.0..=1.0).contains(value)) {
        return Ok(());
    }
    Err(ProblemError::Densities { found: densities.len(), expected })
}

/// What to do once the kind of element is known.
trait With {
    type Result;
    fn with<E: Element>(self, problem: &Problem, element: &E) -> Self::Result;
}

fn with_element<W: With>(problem: &Problem, work: W) -> W::Result {
    let poisson = problem.description.material.poisson;
    match (problem.description.physics, problem.dimensions()) {
        (Physics::Elasticity, 2) => work.with(problem, &Plane::new(poisson)),
        (Physics::Elasticity, _) => work.with(problem, &Solid::new(poisson)),
        (Physics::Heat, 2) => work.with(problem, &Conduction::<2>::new()),
        (Physics::Heat, _) => work.with(problem, &Conduction::<3>::new()),
    }
}

struct Start<'a> {
    densities: Option<&'a [f64]>,
    iterations: usize,
}

struct Task<'a, 'b> {
    start: Start<'a>,
    observer: &'b mut dyn FnMut(&Progress<'_>) -> Control,
}

impl With for &[f64] {
    type Result = Result<Analysis, ProblemError>;

    fn with<E: Element>(self, problem: &Problem, element: &E) -> Self::Result {
        let free = crate::analysis::free::<E>(problem);
        let mut analyser = Analyser::new(problem, element, &free);
        let densities = analyser.padded(self);
        analyser.finish(&densities)
    }
}

impl With for Task<'_, '_> {
    type Result = Result<Solution, ProblemError>;

    fn with<E: Element>(self, problem: &Problem, element: &E) -> Self::Result {
        let Self { start, observer } = self;
        let free = crate::analysis::free::<E>(problem);
        let mut analyser = Analyser::new(problem, element, &free);
        let grid = problem.grid;
        let description = &problem.description;
        let filter = Filter::new(grid, description.filter_radius);
        let length = grid.element_rows() * grid.element_pitch;
        let bounds = Bounds::new(length, &problem.fills, grid.each_element().map(|element| grid.element_at(element)));
        let volume = description.volume_fraction * grid.element_count() as f64;
        let mut densities = match start.densities {
            None => bounds.uniform(volume),
            Some(given) => {
                let mut given = analyser.padded(given);
                mirror(&grid, &description.symmetry, &mut given);
                bounds.nearest(&given, volume)
            }
        };
        let mut history: Vec<Iteration> = Vec::new();
        let mut ended = Ended::IterationLimit;
        for iteration in 1..=start.iterations {
            let step = analyser.step(&densities)?;
            let compact = analyser.compact(&densities);
            let volume_fraction = compact.iter().sum::<f64>() / compact.len() as f64;
            let change = history.last().map_or(1.0, |last| last.change);
            history.push(Iteration {
                compliance: step.compliance,
                volume_fraction,
                change: 0.0,
                solver_iterations: step.solver_iterations,
            });
            let progress = Progress {
                iteration,
                iterations: start.iterations,
                compliance: step.compliance,
                change,
                solver_iterations: step.solver_iterations,
                densities: &compact,
            };
            if observer(&progress) == Control::Stop {
                ended = Ended::Stopped;
                break;
            }
            let mut gains = step.gains;
            filter.apply(&densities, &mut gains);
            // Behind the filter, which rounds differently on either side.
            mirror(&grid, &description.symmetry, &mut gains);
            let next = bounds.next(&densities, &gains, volume);
            let change = next.iter().zip(&densities).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            densities = next;
            if let Some(last) = history.last_mut() {
                last.change = change;
            }
            if change < description.tolerance {
                ended = Ended::Converged;
                break;
            }
        }
        let field = DensityField { size: grid.elements, values: analyser.compact(&densities) };
        let analysis = analyser.finish(&densities)?;
        Ok(Solution {
            compliance: analysis.compliance,
            cases: analysis.cases,
            history,
            volume_fraction: field.volume_fraction(),
            ended,
            connectivity: Connectivity::of(problem, &field),
            field,
        })
    }
}
