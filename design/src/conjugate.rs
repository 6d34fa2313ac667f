//! Conjugate gradients, preconditioned by one multigrid cycle.
use crate::element::Element;
use crate::hierarchy::Hierarchy;
use crate::parts::{combine, dot};

/// Vectors that one solution after the other works in.
pub(crate) struct ConjugateGradients {
    residual: Vec<f64>,
    preconditioned: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

/// When to end.
#[derive(Clone, Copy)]
pub(crate) struct Accuracy {
    /// Length of the residual relative to that of the forces.
    pub(crate) tolerance: f64,
    pub(crate) most_iterations: usize,
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) iterations: usize,
    pub(crate) relative_residual: f64,
}

impl ConjugateGradients {
    pub(crate) fn new(length: usize) -> Self {
        let vector = || vec![0.0; length];
        Self { residual: vector(), preconditioned: vector(), direction: vector(), product: vector() }
    }

    /// Improves `displacements` until K · `displacements` = `forces` within `accuracy`. Both are zero where components are held.
    pub(crate) fn solve<E: Element>(
        &mut self,
        hierarchy: &mut Hierarchy<'_, E>,
        moduli: &[f64],
        forces: &[f64],
        displacements: &mut [f64],
        accuracy: Accuracy,
    ) -> Ended {
        let Self { residual, preconditioned, direction, product } = self;
        let scale = dot(forces, forces).sqrt();
        hierarchy.operator().apply(moduli, displacements, product);
        residual.copy_from_slice(forces);
        combine(residual, product, |force, product| force - product);
        let mut ended = Ended { iterations: 0, relative_residual: dot(residual, residual).sqrt() / scale };
        let mut previous = 0.0;
        while ended.relative_residual > accuracy.tolerance && ended.iterations < accuracy.most_iterations {
            hierarchy.cycle(moduli, residual, preconditioned);
            let current = dot(residual, preconditioned);
            let share = if ended.iterations == 0 { 0.0 } else { current / previous };
            previous = current;
            combine(direction, preconditioned, |direction, value| value + share * direction);
            hierarchy.operator().apply(moduli, direction, product);
            let step = current / dot(direction, product);
            if !step.is_finite() {
                break;
            }
            combine(displacements, direction, |value, direction| value + step * direction);
            combine(residual, product, |value, product| value - step * product);
            ended.iterations += 1;
            ended.relative_residual = dot(residual, residual).sqrt() / scale;
        }
        ended
    }
}
