use crate::Sha256Digest;
use serde::{Deserialize, Serialize};

/// Which weights made a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// The name the user chose it by, for example `xiaopin`.
    pub name: String,
    /// The pipeline class of `model_index.json`, for example `ErnieImagePipeline`.
    pub family: String,
    /// SHA-256 over the model folder: each file's relative path, length and digest, in path order.
    pub sha256: Sha256Digest,
}
