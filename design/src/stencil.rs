//! The stiffness on a coarser grid: for each node, its coefficients with the neighbours around it.
//!
//! ```text
//! coefficients   [node row][neighbour: (dz · 3 + dy) · 3 + dx][component][component of the neighbour][pitch]
//! ```
use crate::element::{COMPONENTS, Element};
use crate::grid::{Grid, MARGIN};
use crate::lanes::{LANES, Lanes};
use crate::parts::each_part;
use kernels::dispatch::vectorised;

pub(crate) struct Stencil {
    pub(crate) grid: Grid,
    pub(crate) coefficients: Vec<f64>,
    /// Zero where a component is held, in the margins, and where nothing resists.
    pub(crate) inverse_diagonal: Vec<f64>,
}

/// Neighbours of a node along the first `dimensions` axes, itself among them.
pub(crate) const fn neighbours(dimensions: usize) -> usize {
    if dimensions == 3 { 27 } else { 9 }
}

impl Stencil {
    pub(crate) fn new<E: Element>(grid: Grid) -> Self {
        let length = grid.node_rows() * neighbours(E::DIMENSIONS) * E::COMPONENTS * E::COMPONENTS * grid.pitch;
        Self { grid, coefficients: vec![0.0; length], inverse_diagonal: vec![0.0; grid.vector_length(E::COMPONENTS)] }
    }

    /// Where the coefficient of a node and a neighbour begins: `steps` to the neighbour are 0, 1 or 2 along each axis, 1 being none.
    pub(crate) fn at<E: Element>(&self, node: [usize; 3], steps: [usize; 3], components: [usize; 2]) -> usize {
        let row = node[2] * self.grid.nodes[1] + node[1];
        let dz = if E::DIMENSIONS == 3 { steps[2] } else { 0 };
        let neighbour = (dz * 3 + steps[1]) * 3 + steps[0];
        let entry = (neighbour * E::COMPONENTS + components[0]) * E::COMPONENTS + components[1];
        (row * neighbours(E::DIMENSIONS) * E::COMPONENTS * E::COMPONENTS + entry) * self.grid.pitch + MARGIN + node[0]
    }

    /// Adds an element's matrix at the element whose lowest corner is `corner`.
    pub(crate) fn add<E: Element>(&mut self, corner: [usize; 3], matrix: &[f64]) {
        for row in 0..E::CORNERS {
            let node = [corner[0] + (row & 1), corner[1] + (row >> 1 & 1), corner[2] + (row >> 2)];
            for column in 0..E::CORNERS {
                let step = |axis: usize| 1 + (column >> axis & 1) - (row >> axis & 1);
                let steps = [step(0), step(1), step(2)];
                let mut at = self.at::<E>(node, steps, [0, 0]);
                for a in 0..E::COMPONENTS {
                    for b in 0..E::COMPONENTS {
                        let entry = (row * E::COMPONENTS + a) * E::FREEDOMS + column * E::COMPONENTS + b;
                        self.coefficients[at] += matrix[entry];
                        at += self.grid.pitch;
                    }
                }
            }
        }
    }

    /// To be called when all elements have been added.
    pub(crate) fn finish<E: Element>(&mut self) {
        for node in self.grid.each_node() {
            for component in 0..E::COMPONENTS {
                let diagonal = self.coefficients[self.at::<E>(node, [1, 1, 1], [component, component])];
                self.inverse_diagonal[self.grid.at(node, component, E::COMPONENTS)] = if diagonal > 0.0 { 1.0 / diagonal } else { 0.0 };
            }
        }
    }

    /// `result = forces − K · displacements`.
    pub(crate) fn residual<E: Element>(&self, forces: &[f64], displacements: &[f64], result: &mut [f64]) {
        self.each_row::<E>(
            displacements,
            result,
            #[inline(always)]
            |at, product| Lanes::load(&forces[at..]) - product,
        );
    }

    /// `result = displacements + factor · D⁻¹ · (forces − K · displacements)`.
    pub(crate) fn smooth<E: Element>(&self, factor: f64, forces: &[f64], displacements: &[f64], result: &mut [f64]) {
        let factor = Lanes::splat(factor);
        self.each_row::<E>(
            displacements,
            result,
            #[inline(always)]
            |at, product| {
                let residual = Lanes::load(&forces[at..]) - product;
                Lanes::load(&displacements[at..]) + factor * Lanes::load(&self.inverse_diagonal[at..]) * residual
            },
        );
    }

    #[inline(always)]
    fn each_row<E: Element>(&self, displacements: &[f64], result: &mut [f64], finish: impl Fn(usize, Lanes) -> Lanes + Sync) {
        let row = E::COMPONENTS * self.grid.pitch;
        each_part(result, row, &|first, part| {
            vectorised(
                #[inline(always)]
                || {
                    for (offset, target) in part.chunks_mut(row).enumerate() {
                        self.row::<E>(first / row + offset, displacements, target, &finish);
                    }
                },
            );
        });
    }

    #[inline(always)]
    fn row<E: Element>(&self, node_row: usize, displacements: &[f64], target: &mut [f64], finish: &impl Fn(usize, Lanes) -> Lanes) {
        let (grid, pitch) = (&self.grid, self.grid.pitch);
        let (j, k) = (node_row % grid.nodes[1], node_row / grid.nodes[1]);
        let entries = E::COMPONENTS * E::COMPONENTS;
        let coefficients = &self.coefficients[node_row * neighbours(E::DIMENSIONS) * entries * pitch..];
        for x in (MARGIN..=grid.nodes[0]).step_by(LANES) {
            let mut sums = [Lanes::ZERO; COMPONENTS];
            for row in 0..neighbours(E::DIMENSIONS) / 3 {
                let (y, z) = (j + row % 3, if E::DIMENSIONS == 3 { k + row / 3 } else { 1 });
                if y == 0 || z == 0 || y > grid.nodes[1] || z > grid.nodes[2] {
                    continue;
                }
                let source = ((z - 1) * grid.nodes[1] + y - 1) * E::COMPONENTS * pitch + x - 1;
                for b in 0..E::COMPONENTS {
                    let source = &displacements[source + b * pitch..][..LANES + 2];
                    for step in 0..3 {
                        let value = Lanes::load(&source[step..]);
                        for (a, sum) in sums.iter_mut().enumerate().take(E::COMPONENTS) {
                            let entry = ((row * 3 + step) * E::COMPONENTS + a) * E::COMPONENTS + b;
                            *sum += Lanes::load(&coefficients[entry * pitch + x..]) * value;
                        }
                    }
                }
            }
            for (a, sum) in sums.into_iter().enumerate().take(E::COMPONENTS) {
                let at = a * pitch + x;
                finish(node_row * E::COMPONENTS * pitch + at, sum).store(&mut target[at..]);
            }
        }
    }
}
