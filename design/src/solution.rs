//! What a solution says.
use crate::connectivity::Connectivity;

/// A field of densities: x first, then y upwards, then z.
#[derive(Debug, Clone, PartialEq)]
pub struct DensityField {
    /// Elements along x, y and z; 1 along z of a plane.
    pub size: [usize; 3],
    /// One value an element, from 0 to 1.
    pub values: Vec<f64>,
}

impl DensityField {
    /// Mean of all values.
    pub fn volume_fraction(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len().max(1) as f64
    }

    /// The value of an element.
    pub fn at(&self, element: [usize; 3]) -> f64 {
        self.values[(element[2] * self.size[1] + element[1]) * self.size[0] + element[0]]
    }
}

/// What became of a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The design.
    pub field: DensityField,
    /// Sum of the cases' compliances times their weights.
    pub compliance: f64,
    /// What the design does under each load case.
    pub cases: Vec<CaseSolution>,
    /// One entry an iteration.
    pub history: Vec<Iteration>,
    /// Share of the box that is filled.
    pub volume_fraction: f64,
    /// Why it ended.
    pub ended: Ended,
    /// Whether it hangs together.
    pub connectivity: Connectivity,
}

/// What a given design does.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Sum of the cases' compliances times their weights.
    pub compliance: f64,
    /// What the design does under each load case.
    pub cases: Vec<CaseSolution>,
    /// Derivative of the weighted compliance by each density, not filtered.
    pub sensitivities: Vec<f64>,
}

/// A design under one load case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseSolution {
    /// Name of the case.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// Work of the loads, twice the strain energy: force · displacement; for heat, heat · temperature.
    pub compliance: f64,
    /// Movement of each node; for heat, the first component is the temperature.
    pub displacements: Vec<[f64; 3]>,
    /// In the middle of each element, von Mises' stress of the material smeared over the element; for heat, the amount of heat flux.
    pub stresses: Vec<f64>,
}

/// One iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iteration {
    /// Weighted compliance of the densities that the iteration began with.
    pub compliance: f64,
    /// Their share of the box.
    pub volume_fraction: f64,
    /// Largest change of a density in this iteration; 0 for the last if it was stopped.
    pub change: f64,
    /// Iterations of the equations' solver, over all load cases.
    pub solver_iterations: usize,
}

/// Why the optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// No density changed by more than the tolerance.
    Converged,
    /// All iterations were used.
    IterationLimit,
    /// The observer said so; the design is the last one.
    Stopped,
}

/// How far an optimisation is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// This iteration, from 1.
    pub iteration: usize,
    /// Most iterations.
    pub iterations: usize,
    /// Weighted compliance now.
    pub compliance: f64,
    /// Largest change of a density in the last iteration; 1 in the first.
    pub change: f64,
    /// Iterations of the equations' solver in this one.
    pub solver_iterations: usize,
    /// The densities now.
    pub densities: &'a [f64],
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// End with the design as it is.
    Stop,
}
