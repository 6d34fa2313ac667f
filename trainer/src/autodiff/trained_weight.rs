use engine::{Device, Result, Tensor, Weight, WeightKind};

/// A weight as the recorder keeps it: the f32 master values for the adjoint and the packed form for the forward pass.
pub(super) struct TrainedWeight {
    /// In the layout of the checkpoint.
    pub(super) values: Tensor,
    /// Packed by the CPU executor.
    pub(super) forward: Weight,
}

impl TrainedWeight {
    pub(super) fn new(cpu: &Device, name: &str, kind: WeightKind, tensor: &Tensor) -> Result<Self> {
        let values = tensor.to_device(cpu).to_f32();
        let forward = cpu.weight(cpu, name, kind, &values)?;
        Ok(Self { values, forward })
    }
}
