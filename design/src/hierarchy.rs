//! One cycle of multigrid on a hierarchy of grids: the preconditioner of the conjugate gradients.
//!
//! Coarse stiffnesses are Galerkin products PᵀKP, element by element: a coarse element's matrix is the sum of its children's, seen
//! through the interpolation. Voids and supports of the finest grid are thus felt on all (Amir, Aage, Lazarov 2014).
use crate::cholesky::Cholesky;
use crate::element::Element;
use crate::grid::Grid;
use crate::operator::Operator;
use crate::parts::combine;
use crate::stencil::Stencil;
use crate::transfer::Transfer;

/// Unknowns that a direct solution takes: factorising them costs less than one sweep over the finest grid of any problem that has more.
const DIRECT: usize = 100;
/// Weight of a Jacobi sweep: below 2 over the largest eigenvalue of D⁻¹K, which elements bound by about 3.
const DAMPING: f64 = 0.6;

struct Level {
    stencil: Stencil,
    /// From the next finer grid to this one.
    transfer: Transfer,
    free: Vec<f64>,
    forces: Vec<f64>,
    displacements: Vec<f64>,
    residual: Vec<f64>,
    /// Element matrices on their way up, one for each depth of the recursion.
    scratch: Vec<f64>,
}

/// What does not change while densities do.
pub(crate) struct Hierarchy<'a, E: Element> {
    operator: Operator<'a, E>,
    /// Elements of the finest grid with a corner that is held.
    held: Vec<bool>,
    /// PᵀKP of a free child of unit modulus, by the child's place in its parent.
    children: Vec<Vec<f64>>,
    levels: Vec<Level>,
    inverse_diagonal: Vec<f64>,
    residual: Vec<f64>,
    direct: Cholesky,
}

impl<'a, E: Element> Hierarchy<'a, E> {
    pub(crate) fn new(operator: Operator<'a, E>) -> Self {
        let grid = operator.grid;
        let held = grid.each_element().map(|element| corners::<E>(&grid, element).any(|at| operator.free[at] == 0.0)).collect();
        let mut levels: Vec<Level> = Vec::new();
        let mut fine = grid;
        loop {
            let free = levels.last().map_or(operator.free, |level| level.free.as_slice());
            let level = Level::new::<E>(fine, free);
            let coarse = level.stencil.grid;
            levels.push(level);
            if coarse.node_count() * E::COMPONENTS <= DIRECT || coarse.elements == fine.elements {
                break;
            }
            fine = coarse;
        }
        let halved = levels[0].transfer.halved;
        let children = (0..E::CORNERS)
            .map(|child| {
                let mut matrix = operator.element.matrix().to_vec();
                coarsen::<E>(&mut matrix, halved, child);
                matrix
            })
            .collect();
        let length = grid.vector_length(E::COMPONENTS);
        Self { operator, held, children, levels, inverse_diagonal: Vec::new(), residual: vec![0.0; length], direct: Cholesky::default() }
    }

    pub(crate) fn operator(&self) -> &Operator<'a, E> {
        &self.operator
    }

    /// Takes other moduli, which are in the grid's padded layout.
    pub(crate) fn update(&mut self, moduli: &[f64]) {
        self.inverse_diagonal = self.operator.diagonal(moduli);
        self.inverse_diagonal.iter_mut().filter(|value| **value > 0.0).for_each(|value| *value = 1.0 / *value);
        for level in &mut self.levels {
            level.stencil.coefficients.fill(0.0);
        }
        let top = self.levels.len() - 1;
        for element in self.levels[top].stencil.grid.each_element() {
            let mut matrix = std::mem::take(&mut self.levels[top].scratch);
            self.gather(top, element, moduli, &mut matrix);
            self.levels[top].scratch = matrix;
        }
        for level in &mut self.levels {
            level.stencil.finish::<E>();
        }
        self.direct = Cholesky::of_stencil::<E>(&self.levels[top].stencil);
    }

    /// Computes the matrix of a coarse element, and adds it and all matrices below it to their levels.
    fn gather(&mut self, level: usize, element: [usize; 3], moduli: &[f64], matrix: &mut [f64]) {
        let Transfer { fine, halved, .. } = self.levels[level].transfer;
        matrix.fill(0.0);
        for child in 0..E::CORNERS {
            let place: [usize; 3] = std::array::from_fn(|axis| {
                let bit = child >> axis & 1;
                if halved[axis] { 2 * element[axis] + bit } else { element[axis] + bit * fine.elements[axis] }
            });
            if (0..3).any(|axis| place[axis] >= fine.elements[axis]) {
                continue;
            }
            if level > 0 {
                let mut below = std::mem::take(&mut self.levels[level - 1].scratch);
                self.gather(level - 1, place, moduli, &mut below);
                coarsen::<E>(&mut below, halved, child);
                matrix.iter_mut().zip(&below).for_each(|(sum, value)| *sum += value);
                self.levels[level - 1].scratch = below;
                continue;
            }
            let modulus = moduli[fine.element_at(place)];
            let index = (place[2] * fine.elements[1] + place[1]) * fine.elements[0] + place[0];
            if self.held[index] {
                let mut own = self.operator.element.matrix().to_vec();
                hold::<E>(&mut own, &fine, place, self.operator.free);
                coarsen::<E>(&mut own, halved, child);
                matrix.iter_mut().zip(&own).for_each(|(sum, value)| *sum += modulus * value);
            } else {
                let own = &self.children[child];
                kernels::dispatch::vectorised(
                    #[inline(always)]
                    || {
                        matrix.iter_mut().zip(own).for_each(
                            #[inline(always)]
                            |(sum, value)| *sum += modulus * value,
                        );
                    },
                );
            }
        }
        let Level { stencil, free, .. } = &mut self.levels[level];
        hold::<E>(matrix, &stencil.grid, element, free);
        stencil.add::<E>(element, matrix);
    }

    /// An approximate solution of K · `result` = `forces`: linear, symmetric and positive definite.
    pub(crate) fn cycle(&mut self, moduli: &[f64], forces: &[f64], result: &mut [f64]) {
        let inverse_diagonal = &self.inverse_diagonal;
        crate::parts::each_part(result, 1, &|first, part| {
            let values = forces[first..].iter().zip(&inverse_diagonal[first..]);
            part.iter_mut().zip(values).for_each(|(target, (force, inverse))| *target = DAMPING * inverse * force);
        });
        self.operator.apply(moduli, result, &mut self.residual);
        combine(&mut self.residual, forces, |product, force| force - product);
        coarse_cycle::<E>(&mut self.levels, &self.direct, &self.residual, self.operator.free, result);
        self.operator.apply(moduli, result, &mut self.residual);
        let residual = &self.residual;
        crate::parts::each_part(result, 1, &|first, part| {
            let values = forces[first..].iter().zip(&inverse_diagonal[first..]).zip(&residual[first..]);
            part.iter_mut().zip(values).for_each(|(target, ((force, inverse), product))| *target += DAMPING * inverse * (force - product));
        });
    }
}

/// Adds the coarser levels' correction of a finer level's residual to its displacements.
fn coarse_cycle<E: Element>(levels: &mut [Level], direct: &Cholesky, residual: &[f64], free: &[f64], displacements: &mut [f64]) {
    let Some((level, coarser)) = levels.split_first_mut() else { return };
    level.transfer.restrict(residual, &level.free, &mut level.forces);
    if coarser.is_empty() {
        direct.solve::<E>(&level.stencil.grid, &level.forces, &mut level.displacements);
    } else {
        let (forces, inverse) = (&level.forces, &level.stencil.inverse_diagonal);
        let values = forces.iter().zip(inverse);
        level.displacements.iter_mut().zip(values).for_each(|(target, (force, inverse))| *target = DAMPING * inverse * force);
        level.stencil.residual::<E>(&level.forces, &level.displacements, &mut level.residual);
        coarse_cycle::<E>(coarser, direct, &level.residual, &level.free, &mut level.displacements);
        level.stencil.smooth::<E>(DAMPING, &level.forces, &level.displacements, &mut level.residual);
        std::mem::swap(&mut level.displacements, &mut level.residual);
    }
    level.transfer.prolong(&level.displacements, free, displacements);
}

impl Level {
    fn new<E: Element>(fine: Grid, fine_free: &[f64]) -> Self {
        let halved: [bool; 3] = std::array::from_fn(|axis| axis < E::DIMENSIONS && fine.elements[axis] > 1);
        let elements = std::array::from_fn(|axis| if halved[axis] { fine.elements[axis].div_ceil(2) } else { fine.elements[axis] });
        let coarse = Grid::new(E::DIMENSIONS, elements);
        let mut free = vec![0.0; coarse.vector_length(E::COMPONENTS)];
        for node in coarse.each_node() {
            let place: [usize; 3] = std::array::from_fn(|axis| if halved[axis] { 2 * node[axis] } else { node[axis] });
            let inside = (0..3).all(|axis| place[axis] < fine.nodes[axis]);
            for component in 0..E::COMPONENTS {
                let value = if inside { fine_free[fine.at(place, component, E::COMPONENTS)] } else { 1.0 };
                free[coarse.at(node, component, E::COMPONENTS)] = value;
            }
        }
        let vector = || vec![0.0; coarse.vector_length(E::COMPONENTS)];
        Self {
            stencil: Stencil::new::<E>(coarse),
            transfer: Transfer { fine, coarse, halved, components: E::COMPONENTS },
            free,
            forces: vector(),
            displacements: vector(),
            residual: vector(),
            scratch: vec![0.0; E::FREEDOMS * E::FREEDOMS],
        }
    }
}

/// Where a vector keeps the components of an element's corners.
fn corners<E: Element>(grid: &Grid, element: [usize; 3]) -> impl Iterator<Item = usize> + use<E> {
    let grid = *grid;
    (0..E::FREEDOMS).map(move |freedom| {
        let corner = freedom / E::COMPONENTS;
        let node = std::array::from_fn(|axis| element[axis] + (corner >> axis & 1));
        grid.at(node, freedom % E::COMPONENTS, E::COMPONENTS)
    })
}

/// Clears rows and columns of components that are held.
fn hold<E: Element>(matrix: &mut [f64], grid: &Grid, element: [usize; 3], free: &[f64]) {
    for (freedom, at) in corners::<E>(grid, element).enumerate() {
        if free[at] == 0.0 {
            for other in 0..E::FREEDOMS {
                matrix[freedom * E::FREEDOMS + other] = 0.0;
                matrix[other * E::FREEDOMS + freedom] = 0.0;
            }
        }
    }
}

/// Turns a child's matrix into its share of the parent's: PᵀKP, one axis after the other.
fn coarsen<E: Element>(matrix: &mut [f64], halved: [bool; 3], child: usize) {
    for axis in (0..E::DIMENSIONS).filter(|axis| halved[*axis]) {
        let upper = child >> axis & 1 == 1;
        for low in (0..E::CORNERS).filter(|corner| corner >> axis & 1 == 0) {
            for component in 0..E::COMPONENTS {
                let low_row = low * E::COMPONENTS + component;
                let high_row = (low | 1 << axis) * E::COMPONENTS + component;
                let (head, tail) = matrix.split_at_mut(high_row * E::FREEDOMS);
                let low_values = &mut head[low_row * E::FREEDOMS..][..E::FREEDOMS];
                for (a, b) in low_values.iter_mut().zip(&mut tail[..E::FREEDOMS]) {
                    share(a, b, upper);
                }
            }
        }
        for row in matrix.chunks_mut(E::FREEDOMS) {
            for low in (0..E::CORNERS).filter(|corner| corner >> axis & 1 == 0) {
                for component in 0..E::COMPONENTS {
                    let low = low * E::COMPONENTS + component;
                    let (head, tail) = row.split_at_mut(low + (E::COMPONENTS << axis));
                    share(&mut head[low], &mut tail[0], upper);
                }
            }
        }
    }
}

/// The parent's ends get what the child's ends have: the child's inner end lies halfway between the parent's.
#[inline(always)]
fn share(low: &mut f64, high: &mut f64, upper: bool) {
    if upper {
        let half = 0.5 * *low;
        *low = half;
        *high += half;
    } else {
        let half = 0.5 * *high;
        *high = half;
        *low += half;
    }
}
