//! Direct solution on the coarsest grid: a dense Cholesky factor.
use crate::element::Element;
use crate::grid::Grid;
use crate::stencil::Stencil;

/// Pivots below this share of their diagonal entry stand for components that nothing resists, up to rounding.
const LEAST_PIVOT: f64 = 1e-13;

#[derive(Default)]
pub(crate) struct Cholesky {
    size: usize,
    /// Lower factor, row by row; the diagonal holds reciprocals, zero where a component stays where it is.
    factor: Vec<f64>,
}

impl Cholesky {
    pub(crate) fn of_stencil<E: Element>(stencil: &Stencil) -> Self {
        let grid = &stencil.grid;
        let size = grid.node_count() * E::COMPONENTS;
        let mut matrix = vec![0.0; size * size];
        let unknown = |node: [usize; 3]| ((node[2] * grid.nodes[1] + node[1]) * grid.nodes[0] + node[0]) * E::COMPONENTS;
        for node in grid.each_node() {
            for neighbour in 0..27 {
                let steps = [neighbour % 3, neighbour / 3 % 3, neighbour / 9];
                let other = [0, 1, 2].map(|axis| (node[axis] + steps[axis]).wrapping_sub(1));
                if (0..3).any(|axis| other[axis] >= grid.nodes[axis]) {
                    continue;
                }
                for a in 0..E::COMPONENTS {
                    for b in 0..E::COMPONENTS {
                        let value = stencil.coefficients[stencil.at::<E>(node, steps, [a, b])];
                        matrix[(unknown(node) + a) * size + unknown(other) + b] = value;
                    }
                }
            }
        }
        Self::factorise(size, matrix)
    }

    fn factorise(size: usize, mut factor: Vec<f64>) -> Self {
        for row in 0..size {
            let (done, rest) = factor.split_at_mut(row * size);
            let current = &mut rest[..size];
            let entry = current[row];
            for column in 0..row {
                let above = &done[column * size..][..=column];
                let sum: f64 = current[..column].iter().zip(above).map(|(a, b)| a * b).sum();
                current[column] = (current[column] - sum) * above[column];
            }
            let pivot = entry - current[..row].iter().map(|value| value * value).sum::<f64>();
            current[row] = if pivot > LEAST_PIVOT * entry { 1.0 / pivot.sqrt() } else { 0.0 };
            if current[row] == 0.0 {
                current[..row].fill(0.0);
            }
        }
        Self { size, factor }
    }

    /// Solves on `grid`; both vectors are in its padded layout.
    pub(crate) fn solve<E: Element>(&self, grid: &Grid, forces: &[f64], displacements: &mut [f64]) {
        let places = || grid.each_node().flat_map(|node| (0..E::COMPONENTS).map(move |component| grid.at(node, component, E::COMPONENTS)));
        let mut values: Vec<f64> = places().map(|at| forces[at]).collect();
        let size = self.size;
        for row in 0..size {
            let current = &self.factor[row * size..][..=row];
            let sum: f64 = current[..row].iter().zip(&values).map(|(a, b)| a * b).sum();
            values[row] = (values[row] - sum) * current[row];
        }
        for row in (0..size).rev() {
            let current = &self.factor[row * size..][..=row];
            values[row] *= current[row];
            let value = values[row];
            values[..row].iter_mut().zip(current).for_each(|(target, entry)| *target -= value * entry);
        }
        for (at, value) in places().zip(values) {
            displacements[at] = value;
        }
    }
}
