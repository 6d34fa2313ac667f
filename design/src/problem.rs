//! A problem that has been checked: what is asked, node by node and element by element.
mod check;
mod description;
mod place;

pub use description::{Axis, Description, Fill, Load, LoadCase, Material, Passive, Physics, Place, Region, Support};

use crate::error::ProblemError;
use crate::grid::Grid;

/// A problem that can be solved.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub(crate) description: Description,
    pub(crate) grid: Grid,
    pub(crate) held: Vec<[bool; 3]>,
    pub(crate) cases: Vec<Case>,
    pub(crate) fills: Vec<Option<Fill>>,
}

/// A load case, node by node.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Weight of its compliance.
    pub weight: f64,
    /// Forces on nodes; for heat, the first component is the heat flow.
    pub forces: Vec<NodalForce>,
}

/// A force on a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodalForce {
    /// The node: x first, then y, then z.
    pub node: usize,
    /// The force along x, y and z.
    pub force: [f64; 3],
}

impl Problem {
    /// Reads and checks a problem in TOML. `docs/design.md` describes the fields.
    pub fn parse(text: &str) -> Result<Self, ProblemError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let description: Description =
            toml::from_str(text).map_err(|error| ProblemError::Syntax { message: error.to_string().trim_end().to_owned() })?;
        Self::new(description)
    }

    /// Checks a problem.
    pub fn new(description: Description) -> Result<Self, ProblemError> {
        check::check(description)
    }

    /// What was asked, as it was written.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// All texts in which somebody may have written something: for the gate to read.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = [self.description.title.as_str(), self.description.notes.as_str()];
        let names = self.description.load_cases.iter().map(|case| case.name.as_str());
        texts.into_iter().chain(names).filter(|text| !text.trim().is_empty())
    }

    /// 2 for a plane, 3 for a solid.
    pub fn dimensions(&self) -> usize {
        self.description.size.len()
    }

    /// Elements along x, y and z; 1 along z of a plane.
    pub fn size(&self) -> [usize; 3] {
        self.grid.elements
    }

    /// Nodes along x, y and z; 1 along z of a plane.
    pub fn nodes(&self) -> [usize; 3] {
        self.grid.nodes
    }

    /// For each node, along which axes it is held; for heat, the first says whether its temperature is 0.
    pub fn held(&self) -> &[[bool; 3]] {
        &self.held
    }

    /// The load cases, node by node.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// For each element, what it must be made of, if anything.
    pub fn fills(&self) -> &[Option<Fill>] {
        &self.fills
    }

    /// Values a node: 1 for heat, else as many as axes.
    pub(crate) fn components(&self) -> usize {
        match self.description.physics {
            Physics::Elasticity => self.dimensions(),
            Physics::Heat => 1,
        }
    }
}
