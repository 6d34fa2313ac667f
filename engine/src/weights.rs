//! Weights: where tensors come from ([`TensorSource`]), how they are stored ([`SafetensorsSource`],
//! [`write_safetensors`]), and how a model takes them ([`Loader`]).
//!
//! Files are hostile until proven otherwise: whatever bytes they hold, opening one ends in a source or an error that names
//! the file and the tensor, never in a panic, and never allocates more than the file is long.

mod bytes;
mod header;
mod loader;
mod memory;
mod packed;
mod safetensors;
mod writer;

pub use bytes::FileBytes;
pub use header::ElementType;
pub(crate) use loader::check_weights;
pub use loader::{Loader, TensorSource};
pub use memory::MemorySource;
pub use packed::{PackedComponent, PackedFolder, PackedFolderEntry, PackedKey};
pub use safetensors::{SafetensorsSource, TensorInformation};
pub use writer::{TensorBytes, write_safetensors};
