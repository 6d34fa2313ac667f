use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Precision of the products in a run; residuals are f32 in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunPrecision {
    /// Operands in IEEE single precision.
    F32,
    /// Operands rounded to bfloat16.
    Bf16,
    /// Linear layers of the denoiser in 8-bit integers, a scale for each row and output; the rest as in [`Self::Bf16`].
    Int8,
}

impl fmt::Display for RunPrecision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        })
    }
}

/// Not a precision that Danqing runs in.
#[derive(Debug, thiserror::Error)]
#[error("unknown dtype {0:?}: use f32, bf16 or int8 / 未知精度 {0:?}：请用 f32、bf16 或 int8")]
pub struct UnknownPrecision(pub String);

impl FromStr for RunPrecision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "int8" => Ok(Self::Int8),
            _ => Err(UnknownPrecision(text.to_owned())),
        }
    }
}

/// How much work a picture may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// None: every step whole.
    #[default]
    Exact,
    /// What changes a picture little.
    Balanced,
    /// What still makes a good picture, though a somewhat different one.
    Fast,
}

impl Speed {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_exact(&self) -> bool {
        *self == Self::Exact
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exact => "exact",
            Self::Balanced => "balanced",
            Self::Fast => "fast",
        })
    }
}

/// Not a speed that Danqing knows.
#[derive(Debug, thiserror::Error)]
#[error("unknown speed {0:?}: use exact, balanced or fast / 未知速度 {0:?}：请用 exact、balanced 或 fast")]
pub struct UnknownSpeed(pub String);

impl FromStr for Speed {
    type Err = UnknownSpeed;

    fn from_str(text: &str) -> Result<Self, UnknownSpeed> {
        match text {
            "exact" => Ok(Self::Exact),
            "balanced" => Ok(Self::Balanced),
            "fast" => Ok(Self::Fast),
            _ => Err(UnknownSpeed(text.to_owned())),
        }
    }
}

/// How the model runs, whatever is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Run {
    /// Precision of the products.
    pub dtype: RunPrecision,
    /// Work that may be left out.
    #[serde(default, skip_serializing_if = "Speed::is_exact")]
    pub speed: Speed,
}

impl Run {
    /// In this precision, with nothing left out.
    pub fn exact(dtype: RunPrecision) -> Self {
        Self { dtype, speed: Speed::Exact }
    }
}
