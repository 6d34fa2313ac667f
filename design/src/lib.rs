//! Engineering designs: finite elements and topology optimisation on a box of unit elements.
//!
//! Contract: [`Problem::parse`] reads and checks a problem; [`solve`] makes the stiffest (or best conducting) design of the volume
//! allowed, by SIMP with optimality criteria and a sensitivity filter; [`analyse`] computes what any given design does. Results are
//! functions of the problem alone: the same bytes whatever the number of threads and the processor. Work is split over
//! the threads of `kernels`; the observer is called on the caller's thread. Nothing is read or written, and no clock is looked at.
//!
//! ```text
//! TOML → Problem → densities → stiffness → displacements (conjugate gradients, multigrid) → sensitivities → filter → densities …
//!                                                                                                 → Solution
//! ```
//!
//! Not promised: stresses at notches (elements are square), buckling, contact, large displacements, or that a design is the best there
//! is: the problem is not convex, and SIMP finds a good stationary point.
#![expect(clippy::inline_always, reason = "what is not inlined into the caller that is compiled for wider vectors gains nothing")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod analysis;
mod cholesky;
mod conjugate;
mod connectivity;
pub mod drawing;
mod element;
mod error;
mod filter;
mod grid;
mod hierarchy;
mod lanes;
mod operator;
mod optimality;
mod parts;
pub mod problem;
mod solution;
mod solve;
mod stencil;
mod surface;
mod text;
mod transfer;

pub use connectivity::{Connectivity, MATERIAL};
pub use error::ProblemError;
pub use problem::Problem;
pub use solution::{Analysis, CaseSolution, Control, DensityField, Ended, Iteration, Progress, Solution};
pub use solve::{analyse, polish, solve};
pub use surface::{Loop, Surface, outline, surface, threshold_of_volume};
pub use text::{dxf, vtk};
