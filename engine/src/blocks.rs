//! Building blocks that families share.

mod projection;
mod rotary;
mod transformer_layer;

pub use projection::Projection;
pub use rotary::{RopeParameters, RotaryTables};
pub use transformer_layer::{KeyValueCache, TransformerLayer, TransformerSize};
