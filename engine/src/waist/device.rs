use super::Executor;
use crate::cpu::CpuExecutor;
use spec::RunPrecision;
use std::ops::Deref;
use std::sync::Arc;

/// Where a tensor lives and who computes on it. Cheap to clone.
#[derive(Clone)]
pub struct Device(Arc<dyn Executor>);

impl Device {
    /// The CPU executor, with operands of products in `precision`.
    pub fn cpu(precision: RunPrecision) -> Self {
        Self::new(CpuExecutor::new(precision))
    }

    /// A device over any executor.
    pub fn new(executor: impl Executor + 'static) -> Self {
        Self(Arc::new(executor))
    }

    /// A device over an executor that the caller keeps a handle to.
    pub fn from_shared(executor: Arc<dyn Executor>) -> Self {
        Self(executor)
    }
}

impl Deref for Device {
    type Target = dyn Executor;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
