//! Whether a design hangs together.
use crate::problem::Problem;
use crate::solution::DensityField;

/// Densities from here on count as material.
pub const MATERIAL: f64 = 0.5;

/// How the material of a design hangs together, elements being neighbours if they share a side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Connectivity {
    /// Elements with material.
    pub material: usize,
    /// Pieces that they form.
    pub pieces: usize,
    /// Share of the material that no support reaches.
    pub floating_share: f64,
    /// Whether in every load case, material leads from each load to a support.
    pub loads_connected: bool,
}

impl Connectivity {
    /// Looks at a field of the problem's size.
    pub fn of(problem: &Problem, field: &DensityField) -> Self {
        let pieces = pieces(field);
        let count = pieces.iter().filter_map(|piece| *piece).max().map_or(0, |last| last + 1);
        let mut supported = vec![false; count];
        let nodes = problem.nodes();
        for (index, _) in problem.held.iter().enumerate().filter(|(_, axes)| axes.contains(&true)) {
            around(nodes, field.size, index).filter_map(|element| pieces[element]).for_each(|piece| supported[piece] = true);
        }
        let reached = |piece: &Option<usize>| piece.is_some_and(|piece| supported[piece]);
        let material = pieces.iter().flatten().count();
        let floating = material - pieces.iter().filter(|piece| reached(piece)).count();
        let connected = |node: usize| around(nodes, field.size, node).any(|element| reached(&pieces[element]));
        let heat = problem.components() == 1;
        // Heat flows from every point; only what a force rests on must be there.
        let loads_connected = heat || problem.cases.iter().flat_map(|case| &case.forces).all(|force| connected(force.node));
        Self { material, pieces: count, floating_share: floating as f64 / material.max(1) as f64, loads_connected }
    }
}

/// For each element with material, the number of its piece.
pub(crate) fn pieces(field: &DensityField) -> Vec<Option<usize>> {
    let [width, height, depth] = field.size;
    let mut pieces: Vec<Option<usize>> = vec![None; field.values.len()];
    let mut count = 0;
    let mut open = Vec::new();
    for start in 0..pieces.len() {
        if pieces[start].is_some() || field.values[start] < MATERIAL {
            continue;
        }
        pieces[start] = Some(count);
        open.push(start);
        while let Some(element) = open.pop() {
            let place = [element % width, element / width % height, element / (width * height)];
            for (axis, length, stride) in [(0, width, 1), (1, height, width), (2, depth, width * height)] {
                let below = (place[axis] > 0).then(|| element - stride);
                let above = (place[axis] + 1 < length).then(|| element + stride);
                for neighbour in below.into_iter().chain(above) {
                    if pieces[neighbour].is_none() && field.values[neighbour] >= MATERIAL {
                        pieces[neighbour] = Some(count);
                        open.push(neighbour);
                    }
                }
            }
        }
        count += 1;
    }
    pieces
}

/// Elements that have a node.
fn around(nodes: [usize; 3], size: [usize; 3], node: usize) -> impl Iterator<Item = usize> {
    let place = [node % nodes[0], node / nodes[0] % nodes[1], node / (nodes[0] * nodes[1])];
    let solid = nodes[2] > 1;
    (0..if solid { 8 } else { 4 }).filter_map(move |corner: usize| {
        let element: [usize; 3] =
            std::array::from_fn(|axis| (place[axis] + (corner >> axis & 1)).wrapping_sub(usize::from(axis < 2 || solid)));
        (0..3).all(|axis| element[axis] < size[axis]).then(|| (element[2] * size[1] + element[1]) * size[0] + element[0])
    })
}
