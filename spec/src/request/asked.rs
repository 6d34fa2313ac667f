use crate::{FileFormat, KindOfWork};
use serde::{Deserialize, Serialize};

/// What is asked, kind by kind. Closed: a new kind of work makes every `match` say what the gate reads, who examines, how the result is
/// marked, and what the record says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Asked {
    /// Pictures of a prompt.
    Picture(PictureRequest),
    /// Designs that a problem of structural mechanics asks for.
    Design(DesignRequest),
}

/// Pictures of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureRequest {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Denoising steps.
    pub num_inference_steps: u32,
    /// Classifier-free guidance; 1 or less turns it off.
    pub guidance_scale: f32,
    /// Lowest and highest noise level, 0 to 1, at which guidance is applied; at all where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_interval: Option<[f32; 2]>,
    /// File format of the pictures: PNG, JPEG or WebP.
    pub format: FileFormat,
}

/// A design: where material goes so that a part bears its loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesignRequest {
    /// The whole problem file, TOML: loads, supports, the volume fraction. The gate reads all of it.
    pub problem: String,
    /// File format of the design: PNG or STL.
    pub format: FileFormat,
}

impl Asked {
    /// The kind of work.
    pub fn kind(&self) -> KindOfWork {
        match self {
            Self::Picture(_) => KindOfWork::Picture,
            Self::Design(_) => KindOfWork::Design,
        }
    }

    /// The format that the artifact's file will have.
    pub fn format(&self) -> FileFormat {
        match self {
            Self::Picture(picture) => picture.format,
            Self::Design(design) => design.format,
        }
    }

    /// What is asked of pictures; `None` for another kind of work.
    pub fn picture(&self) -> Option<&PictureRequest> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Design(_) => None,
        }
    }

    /// Texts besides [`crate::Texts`] that a person wrote, each with the name of its field.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Picture(_) => Vec::new(),
            Self::Design(design) => vec![("problem", &design.problem)],
        }
    }
}
