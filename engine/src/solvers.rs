//! What is computed rather than sampled: solvers, which have no weights and take the same way as models.

mod simp;

pub use simp::check_problem;
pub(crate) use simp::{FAMILY, NAME, VERSION, design};
