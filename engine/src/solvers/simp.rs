use crate::error::{Error, Result};
use crate::families::{Control, Observer, Progress};
use design::drawing::{Options, draw};
use design::{Ended, Problem, surface, threshold_of_volume};
use spec::{Design, DesignRequest, Picture, Surface};

/// The name that requests choose it by.
pub(crate) const NAME: &str = "simp";
/// Its class, where records name a model's family.
pub(crate) const FAMILY: &str = "SimpSolver";
/// What its digest in records is made of: whoever changes what it computes changes this text.
pub(crate) const VERSION: &str = "danqing design: SIMP, optimality criteria, sensitivity filter; version 1";

/// Longest problem file in bytes: a hundred times the longest that is written by hand.
const MOST_BYTES: usize = 1 << 20;
/// Thickness of the solid that a plane design is extruded to, as a share of its longer side: thick enough to print and to hold.
const THICKNESS: f64 = 0.1;

/// An error if nothing can be designed for this problem: found before any work.
pub fn check_problem(problem: &str) -> Result<()> {
    parse(problem).map(drop)
}

/// Solves a problem. An observer that stops it ends it with [`Error::Interrupted`].
pub(crate) fn design(asked: &DesignRequest, observer: &mut Observer<'_>) -> Result<Design> {
    let problem = parse(&asked.problem)?;
    let solution = design::solve(&problem, &mut |progress| match observer(Progress::Step {
        done: progress.iteration.saturating_sub(1),
        total: progress.iterations,
    }) {
        Control::Continue => design::Control::Continue,
        Control::Stop => design::Control::Stop,
    })
    .map_err(|error| invalid(&error))?;
    if solution.ended == Ended::Stopped {
        return Err(Error::Interrupted);
    }
    let drawing = draw(&problem, &solution, &Options::default());
    let drawing = Picture::new(drawing.width as u32, drawing.height as u32, drawing.pixels)
        .map_err(|error| Error::Shape { operation: "drawing", detail: error.to_string() })?;
    let longer_side = problem.size().into_iter().max().unwrap_or(1) as f64;
    let solid = surface(&solution.field, threshold_of_volume(&solution.field), (longer_side * THICKNESS).max(1.0));
    Ok(Design {
        drawing,
        surface: Surface { positions: solid.positions, triangles: solid.triangles },
        compliance: solution.compliance,
        volume_fraction: solution.volume_fraction,
        iterations: u32::try_from(solution.history.len()).unwrap_or(u32::MAX),
    })
}

fn parse(problem: &str) -> Result<Problem> {
    if problem.len() > MOST_BYTES {
        let message = format!("the problem file is longer than {0} KiB / 问题文件超过 {0} KiB", MOST_BYTES >> 10);
        return Err(Error::InvalidRequest(message));
    }
    Problem::parse(problem).map_err(|error| invalid(&error))
}

fn invalid(error: &design::ProblemError) -> Error {
    Error::InvalidRequest(error.to_string())
}
