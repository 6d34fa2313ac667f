//! A problem as it is written in TOML, before anything has been checked.
use serde::{Deserialize, Serialize};

/// What is asked. Lengths are in elements, whose sides are 1; forces and moduli are in any units that fit each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the part is called.
    pub title: String,
    /// Anything else to say about it.
    #[serde(default)]
    pub notes: String,
    /// Elements along x (to the right), y (up) and, for a solid, z (towards the viewer).
    pub size: Vec<usize>,
    /// What is to be stiff, or to conduct.
    #[serde(default)]
    pub physics: Physics,
    /// Share of the box that material may fill, passive regions included.
    pub volume_fraction: f64,
    /// Exponent of the density in the stiffness (SIMP).
    #[serde(default = "three")]
    pub penalty: f64,
    /// Radius of the sensitivity filter, in elements: about half the thickness of the thinnest member.
    #[serde(default = "filter_radius")]
    pub filter_radius: f64,
    /// Most iterations.
    #[serde(default = "iterations")]
    pub iterations: usize,
    /// Ends when no density changes by more than this.
    #[serde(default = "tolerance")]
    pub tolerance: f64,
    /// Axes along which the design is mirrored about the middle.
    #[serde(default)]
    pub symmetry: Vec<Axis>,
    /// Constants of the material.
    #[serde(default)]
    pub material: Material,
    /// What holds the part, or keeps it cold.
    #[serde(default)]
    pub supports: Vec<Support>,
    /// The loads of a problem with one load case.
    #[serde(default)]
    pub loads: Vec<Load>,
    /// Load cases, which act one after the other.
    #[serde(default)]
    pub load_cases: Vec<LoadCase>,
    /// Regions that are solid or void whatever the optimiser would like.
    #[serde(default)]
    pub passive: Vec<Passive>,
}

/// The equations to solve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Physics {
    /// Small displacements of an elastic part: plane stress, or a solid.
    #[default]
    Elasticity,
    /// Steady conduction of heat.
    Heat,
}

/// x, y or z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// To the right.
    X,
    /// Up.
    Y,
    /// Towards the viewer.
    Z,
}

/// Constants of the material at density 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Young's modulus; times the thickness in a plane.
    #[serde(default = "one")]
    pub young: f64,
    /// Poisson's ratio.
    #[serde(default = "poisson")]
    pub poisson: f64,
    /// Thermal conductivity; times the thickness in a plane.
    #[serde(default = "one")]
    pub conductivity: f64,
}

/// Nodes that a support or a load acts on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a place is a name such as \"left\" or \"bottom-left\", a point such as [0, 20], or a box such as { from = [0, 0], to = [0, 20] }"
)]
pub enum Place {
    /// Sides joined by hyphens (`left`, `right`, `bottom`, `top`, and for a solid `back`, `front`): where they meet; or `all`.
    Named(String),
    /// The node nearest to a point.
    Point(Vec<f64>),
    /// All nodes of a box, its faces included.
    Box(Region),
}

/// A box between two corners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its lowest corner.
    pub from: Vec<f64>,
    /// Its highest corner.
    pub to: Vec<f64>,
}

/// What does not move, or has temperature 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Where.
    pub at: Place,
    /// Along which axes it holds; along all unless they are named.
    #[serde(default)]
    pub axes: Vec<Axis>,
}

/// A force, or a source of heat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Where. The load is spread evenly over the place.
    pub at: Place,
    /// The whole force.
    #[serde(default)]
    pub force: Vec<f64>,
    /// The whole heat flow.
    #[serde(default)]
    pub heat: Option<f64>,
}

/// Loads that act together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadCase {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Weight of its compliance in the sum that is made small.
    #[serde(default = "one")]
    pub weight: f64,
    /// Its loads.
    pub loads: Vec<Load>,
}

/// What a passive region is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fill {
    /// Material.
    Solid,
    /// None.
    Void,
}

/// Elements whose centres lie in a box, in a circle or ball, or in a cylinder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passive {
    /// What it is made of.
    pub fill: Fill,
    /// Lowest corner of a box.
    #[serde(default)]
    pub from: Vec<f64>,
    /// Highest corner of a box.
    #[serde(default)]
    pub to: Vec<f64>,
    /// Centre of a circle, ball or cylinder.
    #[serde(default)]
    pub centre: Vec<f64>,
    /// Its radius.
    #[serde(default)]
    pub radius: Option<f64>,
    /// Axis of a cylinder through the whole of a solid.
    #[serde(default)]
    pub along: Option<Axis>,
}

impl Default for Material {
    fn default() -> Self {
        Self { young: one(), poisson: poisson(), conductivity: one() }
    }
}

impl Axis {
    /// 0, 1 or 2.
    pub fn index(self) -> usize {
        self as usize
    }
}

fn one() -> f64 {
    1.0
}

/// Steel, nearly, and what the literature's examples take.
fn poisson() -> f64 {
    0.3
}

/// The least whole exponent for which grey costs more than it carries, whatever Poisson's ratio (Bendsøe, Sigmund 1999).
fn three() -> f64 {
    3.0
}

/// The least radius that keeps checkerboards away in practice (Sigmund 2001).
fn filter_radius() -> f64 {
    1.5
}

/// Most problems change little after as many.
fn iterations() -> usize {
    100
}

/// As in the 99- and 88-line codes.
fn tolerance() -> f64 {
    0.01
}
