//! The CPU executor: the waist's operations on `kernels`.

use spec::RunPrecision;

/// Runs operations on the host's cores.
pub struct CpuExecutor {
    precision: RunPrecision,
}

impl CpuExecutor {
    /// Operands of products are rounded to `precision`.
    pub fn new(precision: RunPrecision) -> Self {
        Self { precision }
    }
}
