use crate::{KindOfWork, Picture};

/// What was made. Closed on purpose: see [`crate::Asked`].
#[derive(Debug, Clone, PartialEq)]
pub enum Artifact {
    /// A picture.
    Picture(Picture),
    /// An engineering design.
    Design(Box<Design>),
}

/// A density field that topology optimisation made, in the forms that its files show.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// The field drawn with its loads and supports, without any label.
    pub drawing: Picture,
    /// The solid part, closed and oriented outwards, in the problem's unit of length.
    pub surface: Surface,
    /// Work that the loads do on the design, in the problem's units; what was minimised.
    pub compliance: f64,
    /// Share of the domain that is filled, 0 to 1.
    pub volume_fraction: f64,
    /// Iterations of the optimiser.
    pub iterations: u32,
}

/// Triangles in space.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surface {
    /// Corners, `[x, y, z]`.
    pub positions: Vec<[f32; 3]>,
    /// Indices of three corners each, counter-clockwise from outside.
    pub triangles: Vec<[u32; 3]>,
}

impl Artifact {
    /// The kind of work that made it.
    pub fn kind(&self) -> KindOfWork {
        match self {
            Self::Picture(_) => KindOfWork::Picture,
            Self::Design(_) => KindOfWork::Design,
        }
    }
}
