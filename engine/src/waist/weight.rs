use super::{Device, Node};
use std::any::Any;
use std::sync::Arc;

/// What a weight is used for, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightKind {
    /// `[outputs, inputs]`, as `torch.nn.Linear` stores it.
    Linear {
        /// Output features.
        outputs: usize,
        /// Input features.
        inputs: usize,
    },
    /// `[outputs, inputs, kernel, kernel]`, as `torch.nn.Conv2d` stores it.
    Conv {
        /// Output channels.
        outputs: usize,
        /// Input channels.
        inputs: usize,
        /// Side of the square kernel.
        kernel: usize,
    },
}

impl WeightKind {
    /// The shape in a checkpoint.
    pub fn shape(self) -> Vec<usize> {
        match self {
            Self::Linear { outputs, inputs } => vec![outputs, inputs],
            Self::Conv { outputs, inputs, kernel } => vec![outputs, inputs, kernel, kernel],
        }
    }
}

/// A matrix or filter bank in the form its executor wants, packed once.
#[derive(Clone)]
pub struct Weight {
    kind: WeightKind,
    device: Device,
    packed: Arc<dyn Any + Send + Sync>,
    node: Option<Node>,
}

impl Weight {
    /// Wraps what an executor packed.
    pub fn new(kind: WeightKind, device: Device, packed: Arc<dyn Any + Send + Sync>) -> Self {
        Self { kind, device, packed, node: None }
    }

    /// This weight as a leaf of a recording.
    #[must_use]
    pub fn with_node(mut self, node: Node) -> Self {
        self.node = Some(node);
        self
    }

    /// Use and sizes.
    pub fn kind(&self) -> WeightKind {
        self.kind
    }

    /// The executor that packed it.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The executor's own form, if it is a `T`.
    pub fn packed<T: 'static>(&self) -> Option<&T> {
        self.packed.downcast_ref()
    }

    /// Its place in a recording.
    pub fn node(&self) -> Option<Node> {
        self.node
    }
}
