//! A picture of a design with its supports and loads, as plain pixels. Nothing is written on it: labels belong to provenance, and a
//! white band is left for them along the lower edge.
mod canvas;
mod colours;
mod plane;
mod solid;
mod symbols;
mod view;

use crate::problem::Problem;
use crate::solution::Solution;
use canvas::Canvas;
use view::View;

/// Pixels around the part: an arrow and its tip fit in.
const MARGIN: usize = 96;
/// Least height of the band for a label, and its share of the width: a label of the usual size on a picture of this width fits in.
const LABEL_HEIGHT: usize = 72;
const LABEL_SHARE: usize = 12;
/// Fewest and most pixels of the part's longer side.
const SIDES: (usize, usize) = (64, 4096);

/// What the picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Pixels of the part's longer side; those around it come on top.
    pub longest_side: usize,
    /// What the colours mean.
    pub map: Map,
    /// The load case whose arrows (and stresses) are shown; all of them (and the largest stress of any) if none is named.
    pub case: Option<usize>,
}

/// What the colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Dark where there is material.
    Density,
    /// From dark blue (none) to yellow (much), with a bar beside the part; for heat, the heat flux.
    Stress,
}

/// A picture: RGB, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue of each pixel.
    pub pixels: Vec<u8>,
    /// The band that is left white for a label.
    pub label_room: Rectangle,
}

/// A part of a picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Default for Options {
    fn default() -> Self {
        // Arrows stay legible on a page, and a text column's width is filled at 150 pixels an inch.
        Self { longest_side: 960, map: Map::Density, case: None }
    }
}

/// Draws a design of `problem`.
pub fn draw(problem: &Problem, solution: &Solution, options: &Options) -> Drawing {
    let longest_side = options.longest_side.clamp(SIDES.0, SIDES.1) as f64;
    let view = View::of(problem, longest_side, MARGIN as f64);
    let [width, part] = view.extent();
    let label = LABEL_HEIGHT.max(width / LABEL_SHARE);
    let height = part + label;
    let mut canvas = Canvas::new(width, height);
    let stresses = (options.map == Map::Stress).then(|| stresses(solution, options.case));
    if problem.dimensions() == 2 {
        plane::draw(&mut canvas, &view, &solution.field, stresses.as_deref());
    } else {
        solid::draw(&mut canvas, &view, &solution.field, stresses.as_deref());
    }
    if stresses.is_some() {
        let bar = Rectangle { x: width - MARGIN / 3, y: MARGIN, width: MARGIN / 6, height: part.saturating_sub(2 * MARGIN) };
        colours::bar(&mut canvas, bar);
    }
    symbols::supports(&mut canvas, &view, problem);
    symbols::loads(&mut canvas, &view, problem, options.case);
    Drawing { width, height, pixels: canvas.into_pixels(), label_room: Rectangle { x: 0, y: part, width, height: label } }
}

/// Stress of each element as a share of what counts as much: the level that one element with material in a hundred exceeds.
fn stresses(solution: &Solution, case: Option<usize>) -> Vec<f64> {
    let chosen = |index: usize| case.is_none_or(|case| case == index);
    let mut stresses = vec![0f64; solution.field.values.len()];
    for (_, case) in solution.cases.iter().enumerate().filter(|(index, _)| chosen(*index)) {
        stresses.iter_mut().zip(&case.stresses).for_each(|(largest, stress)| *largest = largest.max(*stress));
    }
    let material = solution.field.values.iter().zip(&stresses).filter(|(density, _)| **density >= crate::MATERIAL);
    let mut sorted: Vec<f64> = material.map(|(_, stress)| *stress).collect();
    sorted.sort_by(f64::total_cmp);
    let much = sorted.get(sorted.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE);
    stresses.into_iter().map(|stress| (stress / much).min(1.0)).collect()
}
