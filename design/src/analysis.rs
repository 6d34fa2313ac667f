//! The equations of one density field: displacements, compliance, sensitivities and stresses.
use crate::conjugate::{Accuracy, ConjugateGradients};
use crate::element::{Element, isotropic, plane_stress, shape_slopes, strain_of_displacement};
use crate::error::ProblemError;
use crate::hierarchy::Hierarchy;
use crate::operator::Operator;
use crate::parts::dot;
use crate::problem::{Physics, Problem};
use crate::solution::{Analysis, CaseSolution};

/// Stiffness of a void relative to the material: small enough not to carry, large enough for the solver (Andreassen and others 2011).
const VOID_STIFFNESS: f64 = 1e-9;
/// Conductivity of a void relative to the material. Heat that arises in voids must leave them (Bendsøe, Sigmund 2003, section 5.1).
const VOID_CONDUCTIVITY: f64 = 1e-3;
/// Within one iteration: compliance errs by the square of the residual, and each iteration begins where the last ended.
const ROUGH: Accuracy = Accuracy { tolerance: 1e-3, most_iterations: 200 };
/// For what is reported.
const FINE: Accuracy = Accuracy { tolerance: 1e-10, most_iterations: 2000 };
/// A relative residual above which displacements mean nothing.
const UNSOLVED: f64 = 1e-2;
/// A relative residual above which the reported digits are not the solution's.
const UNFINISHED: f64 = 1e-6;

/// 1 where a component of a node may move, 0 elsewhere, in the grid's layout.
pub(crate) fn free<E: Element>(problem: &Problem) -> Vec<f64> {
    let grid = &problem.grid;
    let mut free = vec![0.0; grid.vector_length(E::COMPONENTS)];
    for (node, held) in grid.each_node().zip(&problem.held) {
        for component in (0..E::COMPONENTS).filter(|component| !held[*component]) {
            free[grid.at(node, component, E::COMPONENTS)] = 1.0;
        }
    }
    free
}

struct Case {
    forces: Vec<f64>,
    displacements: Vec<f64>,
}

/// What an iteration of the optimiser needs.
pub(crate) struct Step {
    pub(crate) compliance: f64,
    /// How much the compliance falls as each density grows, padded.
    pub(crate) gains: Vec<f64>,
    pub(crate) solver_iterations: usize,
}

/// Solves the load cases of one problem for one density field after the other.
pub(crate) struct Analyser<'a, E: Element> {
    problem: &'a Problem,
    hierarchy: Hierarchy<'a, E>,
    conjugate_gradients: ConjugateGradients,
    cases: Vec<Case>,
    moduli: Vec<f64>,
}

impl<'a, E: Element> Analyser<'a, E> {
    pub(crate) fn new(problem: &'a Problem, element: &'a E, free: &'a [f64]) -> Self {
        let grid = problem.grid;
        let length = grid.vector_length(E::COMPONENTS);
        let nodes: Vec<[usize; 3]> = grid.each_node().collect();
        let cases = problem
            .cases
            .iter()
            .map(|case| {
                let mut forces = vec![0.0; length];
                for force in &case.forces {
                    for component in 0..E::COMPONENTS {
                        let at = grid.at(nodes[force.node], component, E::COMPONENTS);
                        forces[at] = free[at] * force.force[component];
                    }
                }
                Case { forces, displacements: vec![0.0; length] }
            })
            .collect();
        Self {
            problem,
            hierarchy: Hierarchy::new(Operator { grid, element, free }),
            conjugate_gradients: ConjugateGradients::new(length),
            cases,
            moduli: vec![0.0; grid.element_rows() * grid.element_pitch],
        }
    }

    /// From one value an element to the grid's padded layout.
    pub(crate) fn padded(&self, values: &[f64]) -> Vec<f64> {
        let grid = &self.problem.grid;
        let mut padded = vec![0.0; self.moduli.len()];
        for (target, source) in padded.chunks_mut(grid.element_pitch).zip(values.chunks(grid.elements[0])) {
            target[..source.len()].copy_from_slice(source);
        }
        padded
    }

    /// From the grid's padded layout to one value an element.
    pub(crate) fn compact(&self, values: &[f64]) -> Vec<f64> {
        let grid = &self.problem.grid;
        values.chunks(grid.element_pitch).flat_map(|row| &row[..grid.elements[0]]).copied().collect()
    }

    /// Compliance and gains of `densities`, as exactly as an iteration needs them.
    pub(crate) fn step(&mut self, densities: &[f64]) -> Result<Step, ProblemError> {
        let solver_iterations = self.solve(densities, ROUGH, UNSOLVED)?;
        Ok(Step { compliance: self.compliance(), gains: self.gains(densities), solver_iterations })
    }

    /// Everything that is reported of `densities`.
    pub(crate) fn finish(&mut self, densities: &[f64]) -> Result<Analysis, ProblemError> {
        self.solve(densities, FINE, UNFINISHED)?;
        let cases = self.problem.cases.iter().zip(&self.cases);
        let cases = cases
            .map(|(named, case)| CaseSolution {
                name: named.name.clone(),
                weight: named.weight,
                compliance: dot(&case.forces, &case.displacements) / self.modulus(),
                displacements: self.nodal(&case.displacements),
                stresses: self.stresses(&case.displacements),
            })
            .collect();
        let sensitivities = self.compact(&self.gains(densities)).into_iter().map(|gain| -gain).collect();
        Ok(Analysis { compliance: self.compliance(), cases, sensitivities })
    }

    fn solve(&mut self, densities: &[f64], accuracy: Accuracy, unsolved: f64) -> Result<usize, ProblemError> {
        let (void, penalty) = (self.void(), self.problem.description.penalty);
        let grid = self.problem.grid;
        for (moduli, densities) in self.moduli.chunks_mut(grid.element_pitch).zip(densities.chunks(grid.element_pitch)) {
            for (modulus, density) in moduli.iter_mut().zip(densities).take(grid.elements[0]) {
                *modulus = void + power(*density, penalty) * (1.0 - void);
            }
        }
        self.hierarchy.update(&self.moduli);
        let mut sum = 0;
        for (index, case) in self.cases.iter_mut().enumerate() {
            let ended = self.conjugate_gradients.solve(&mut self.hierarchy, &self.moduli, &case.forces, &mut case.displacements, accuracy);
            if ended.relative_residual.is_nan() || ended.relative_residual > unsolved {
                return Err(ProblemError::Unsolved {
                    case: self.problem.cases[index].name.clone(),
                    iterations: ended.iterations,
                    relative_residual: ended.relative_residual,
                });
            }
            sum += ended.iterations;
        }
        Ok(sum)
    }

    fn compliance(&self) -> f64 {
        let cases = self.problem.cases.iter().zip(&self.cases);
        cases.map(|(named, case)| named.weight * dot(&case.forces, &case.displacements)).sum::<f64>() / self.modulus()
    }

    fn gains(&self, densities: &[f64]) -> Vec<f64> {
        let mut gains = vec![0.0; self.moduli.len()];
        for (named, case) in self.problem.cases.iter().zip(&self.cases) {
            self.hierarchy.operator().add_energies(&case.displacements, named.weight / self.modulus(), &mut gains);
        }
        let (void, penalty) = (self.void(), self.problem.description.penalty);
        for (gain, density) in gains.iter_mut().zip(densities) {
            *gain *= penalty * power(*density, penalty - 1.0) * (1.0 - void);
        }
        gains
    }

    fn void(&self) -> f64 {
        match self.problem.description.physics {
            Physics::Elasticity => VOID_STIFFNESS,
            Physics::Heat => VOID_CONDUCTIVITY,
        }
    }

    /// The equations are solved for a modulus of 1.
    fn modulus(&self) -> f64 {
        match self.problem.description.physics {
            Physics::Elasticity => self.problem.description.material.young,
            Physics::Heat => self.problem.description.material.conductivity,
        }
    }

    fn nodal(&self, displacements: &[f64]) -> Vec<[f64; 3]> {
        let grid = &self.problem.grid;
        let value = |node, component| displacements[grid.at(node, component, E::COMPONENTS)] / self.modulus();
        let at = |node| std::array::from_fn(|component| if component < E::COMPONENTS { value(node, component) } else { 0.0 });
        grid.each_node().map(at).collect()
    }

    fn stresses(&self, displacements: &[f64]) -> Vec<f64> {
        let grid = &self.problem.grid;
        let middle = [0.5; 3];
        let dimensions = E::DIMENSIONS;
        let poisson = self.problem.description.material.poisson;
        let material = if dimensions == 2 { plane_stress(poisson) } else { isotropic(poisson) };
        let heat = E::COMPONENTS == 1;
        let strain = if heat { gradient(dimensions, middle) } else { strain_of_displacement(dimensions, middle) };
        let stress_of_displacement = if heat { strain } else { product(&material, &strain) };
        grid.each_element()
            .map(|element| {
                let modulus = self.moduli[grid.element_at(element)];
                let stress: Vec<f64> = stress_of_displacement
                    .iter()
                    .map(|row| {
                        let terms = row.iter().enumerate().map(|(freedom, factor)| {
                            let corner = freedom / E::COMPONENTS;
                            let node = std::array::from_fn(|axis| element[axis] + (corner >> axis & 1));
                            factor * displacements[grid.at(node, freedom % E::COMPONENTS, E::COMPONENTS)]
                        });
                        modulus * terms.sum::<f64>()
                    })
                    .collect();
                equivalent(&stress, heat)
            })
            .collect()
    }
}

/// Slopes of a temperature along the axes.
fn gradient(dimensions: usize, place: [f64; 3]) -> Vec<Vec<f64>> {
    (0..dimensions).map(|axis| (0..1 << dimensions).map(|corner| shape_slopes(dimensions, corner, place)[axis]).collect()).collect()
}

fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = b.first().map_or(0, Vec::len);
    a.iter().map(|row| (0..columns).map(|column| row.iter().zip(b).map(|(x, y)| x * y[column]).sum()).collect()).collect()
}

/// Von Mises' stress; of a heat flux, its amount.
fn equivalent(stress: &[f64], heat: bool) -> f64 {
    match (heat, stress) {
        (false, [x, y, xy]) => (x * x - x * y + y * y + 3.0 * xy * xy).max(0.0).sqrt(),
        (false, [x, y, z, xy, yz, zx]) => {
            let normal = (x - y).powi(2) + (y - z).powi(2) + (z - x).powi(2);
            (0.5 * normal + 3.0 * (xy * xy + yz * yz + zx * zx)).sqrt()
        }
        _ => stress.iter().map(|value| value * value).sum::<f64>().sqrt(),
    }
}

/// `powf` differs between systems' mathematical libraries; whole exponents are products here, with the same bits everywhere.
fn power(density: f64, exponent: f64) -> f64 {
    if exponent.fract() == 0.0 { density.powi(exponent as i32) } else { density.powf(exponent) }
}
