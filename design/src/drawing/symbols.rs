//! Signs for supports and loads.
use super::canvas::{Canvas, Colour};
use super::colours::{COLD, LOADS, SUPPORT};
use super::view::View;
use crate::problem::{NodalForce, Physics, Problem};

/// Pixels of a support's sign from tip to base.
const SUPPORT_SIZE: f64 = 16.0;
/// Pixels of the longest arrow, its tip included: shorter than the margin.
const ARROW: f64 = 72.0;
/// Pixels of an arrow's tip.
const TIP: f64 = 18.0;
/// Nodes nearer than this to one with the same sign go without.
const SUPPORT_SPACING: f64 = 30.0;
const ARROW_SPACING: f64 = 44.0;
/// Heat that enters at more than this share of all nodes is not marked node by node.
const EVERYWHERE: f64 = 0.2;

pub(super) fn supports(canvas: &mut Canvas, view: &View, problem: &Problem) {
    let heat = problem.description().physics == Physics::Heat;
    let mut drawn: Vec<([f64; 2], [bool; 3])> = Vec::new();
    for (index, held) in problem.held().iter().enumerate().filter(|(_, held)| held.contains(&true)) {
        let node = place(problem, index);
        let pixel = view.project(node);
        if crowded(&drawn, pixel, *held, SUPPORT_SPACING) {
            continue;
        }
        drawn.push((pixel, *held));
        let fixed = heat || held[..problem.dimensions()] == [true; 3][..problem.dimensions()];
        let outward = unit(view.direction(outward(problem, index, *held)));
        support(canvas, pixel, outward, fixed, if heat { COLD } else { SUPPORT });
    }
}

/// A triangle with its tip on the node where nothing moves, a roller where something does; and the ground.
fn support(canvas: &mut Canvas, tip: [f64; 2], outward: [f64; 2], fixed: bool, colour: Colour) {
    let across = [-outward[1], outward[0]];
    let at = |out: f64, side: f64| [tip[0] + out * outward[0] + side * across[0], tip[1] + out * outward[1] + side * across[1]];
    if fixed {
        canvas.polygon(&[tip, at(SUPPORT_SIZE, SUPPORT_SIZE * 0.6), at(SUPPORT_SIZE, -SUPPORT_SIZE * 0.6)], colour);
    } else {
        canvas.disc(at(SUPPORT_SIZE / 2.0, 0.0), SUPPORT_SIZE / 2.0, colour);
        canvas.disc(at(SUPPORT_SIZE / 2.0, 0.0), SUPPORT_SIZE / 2.0 - 2.5, super::canvas::WHITE);
    }
    canvas.line(at(SUPPORT_SIZE + 2.0, SUPPORT_SIZE * 0.8), at(SUPPORT_SIZE + 2.0, -SUPPORT_SIZE * 0.8), 3.0, colour);
}

pub(super) fn loads(canvas: &mut Canvas, view: &View, problem: &Problem, case: Option<usize>) {
    let heat = problem.description().physics == Physics::Heat;
    for (index, loads) in problem.cases().iter().enumerate().filter(|(index, _)| case.is_none_or(|case| case == *index)) {
        let colour = LOADS[index % LOADS.len()];
        if heat && loads.forces.len() as f64 > EVERYWHERE * problem.held().len() as f64 {
            continue;
        }
        let strongest = loads.forces.iter().map(amount).fold(f64::MIN_POSITIVE, f64::max);
        let mut forces: Vec<&NodalForce> = loads.forces.iter().collect();
        // The strongest first, so that crowding leaves out the weak; equal ones in the order of nodes.
        forces.sort_by(|a, b| amount(b).total_cmp(&amount(a)));
        let mut drawn = Vec::new();
        for force in forces {
            let pixel = view.project(place(problem, force.node));
            if crowded(&drawn, pixel, [true; 3], ARROW_SPACING) {
                continue;
            }
            drawn.push((pixel, [true; 3]));
            let direction = view.direction(force.force.map(|value| value / strongest));
            if heat || direction[0].hypot(direction[1]) < 0.05 {
                canvas.disc(pixel, TIP / 2.0, colour);
            } else {
                arrow(canvas, view, pixel, unit(direction), colour);
            }
        }
    }
}

/// An arrow that ends at the node if it comes from outside the picture's middle, and begins there otherwise.
fn arrow(canvas: &mut Canvas, view: &View, node: [f64; 2], direction: [f64; 2], colour: Colour) {
    let middle = view.project(view.size.map(|size| size / 2.0));
    let inwards = (middle[0] - node[0]) * direction[0] + (middle[1] - node[1]) * direction[1] > 1e-6;
    let start = if inwards { [node[0] - ARROW * direction[0], node[1] - ARROW * direction[1]] } else { node };
    let at = |along: f64, side: f64| {
        [start[0] + along * direction[0] - side * direction[1], start[1] + along * direction[1] + side * direction[0]]
    };
    canvas.line(at(0.0, 0.0), at(ARROW - TIP + 1.0, 0.0), 5.0, colour);
    canvas.polygon(&[at(ARROW, 0.0), at(ARROW - TIP, TIP * 0.45), at(ARROW - TIP, -TIP * 0.45)], colour);
}

fn amount(force: &NodalForce) -> f64 {
    force.force.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn crowded(drawn: &[([f64; 2], [bool; 3])], pixel: [f64; 2], kind: [bool; 3], spacing: f64) -> bool {
    drawn.iter().any(|(other, other_kind)| *other_kind == kind && (other[0] - pixel[0]).hypot(other[1] - pixel[1]) < spacing)
}

fn index_of(problem: &Problem, index: usize) -> [usize; 3] {
    let [width, height, _] = problem.nodes();
    [index % width, index / width % height, index / (width * height)]
}

fn place(problem: &Problem, index: usize) -> [f64; 3] {
    index_of(problem, index).map(|value| value as f64)
}

/// Out of the box at a node: away from the side whose nodes beside this one are held in the same way, or else against what is held.
fn outward(problem: &Problem, index: usize, held: [bool; 3]) -> [f64; 3] {
    let node = index_of(problem, index);
    let nodes = problem.nodes();
    let strides = [1, nodes[0], nodes[0] * nodes[1]];
    let alike = |axis: usize| {
        let below = (node[axis] > 0).then(|| problem.held()[index - strides[axis]]);
        let above = (node[axis] + 1 < nodes[axis]).then(|| problem.held()[index + strides[axis]]);
        below == Some(held) || above == Some(held)
    };
    let mut best = None;
    for axis in 0..problem.dimensions() {
        let sign = match node[axis] {
            0 => -1.0,
            last if last + 1 == nodes[axis] => 1.0,
            _ => continue,
        };
        let along = (0..problem.dimensions()).filter(|other| *other != axis && alike(*other)).count();
        let score = 4 * along + 2 * usize::from(held[axis]) + usize::from(axis == 1);
        if best.is_none_or(|(most, _, _)| score > most) {
            best = Some((score, axis, sign));
        }
    }
    let (axis, sign) = best.map_or((1, -1.0), |(_, axis, sign)| (axis, sign));
    std::array::from_fn(|other| if other == axis { sign } else { 0.0 })
}

fn unit(direction: [f64; 2]) -> [f64; 2] {
    let length = direction[0].hypot(direction[1]).max(f64::MIN_POSITIVE);
    direction.map(|value| value / length)
}
