use crate::error::{Error, Result};
use crate::model_folder::JsonFile;

/// How `mu` bends the sigmas when shifting is dynamic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeShift {
    /// `eᵐᵘ / (eᵐᵘ + (1/σ − 1))`.
    Exponential,
    /// `mu / (mu + (1/σ − 1))`.
    Linear,
}

/// How sigmas lie between the first and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigmaSpacing {
    /// Evenly before shifting, and left as shifting makes them.
    Shifted,
    /// Karras et al. 2022, ρ = 7.
    Karras,
    /// Evenly in the logarithm.
    Exponential,
    /// Quantiles of the beta distribution with α = β = 0.6 (Lee et al. 2024).
    Beta,
}

/// The fields of diffusers' `FlowMatchEulerDiscreteScheduler`, with its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowMatchEulerConfiguration {
    /// Timestep of pure noise.
    pub num_train_timesteps: u32,
    /// Static shift; unused when shifting is dynamic.
    pub shift: f64,
    /// How `mu` bends the sigmas; `None` when shifting is static (`use_dynamic_shifting` is false).
    pub dynamic_shift: Option<TimeShift>,
    /// `mu` at `base_image_seq_len` tokens.
    pub base_shift: f64,
    /// `mu` at `max_image_seq_len` tokens.
    pub max_shift: f64,
    /// Tokens of the smallest picture.
    pub base_image_seq_len: u32,
    /// Tokens of the largest picture.
    pub max_image_seq_len: u32,
    /// Sigmas run from data to noise.
    pub invert_sigmas: bool,
    /// The last sigma before zero, if the schedule is stretched to reach it.
    pub shift_terminal: Option<f64>,
    /// Spacing.
    pub spacing: SigmaSpacing,
    /// Fresh noise at each step.
    pub stochastic_sampling: bool,
}

impl Default for FlowMatchEulerConfiguration {
    fn default() -> Self {
        Self {
            num_train_timesteps: 1000,
            shift: 1.0,
            dynamic_shift: None,
            base_shift: 0.5,
            max_shift: 1.15,
            base_image_seq_len: 256,
            max_image_seq_len: 4096,
            invert_sigmas: false,
            shift_terminal: None,
            spacing: SigmaSpacing::Shifted,
            stochastic_sampling: false,
        }
    }
}

impl FlowMatchEulerConfiguration {
    /// Reads a `scheduler_config.json`. Fields that diffusers does not know are ignored, as diffusers ignores them.
    pub fn from_json(file: &JsonFile) -> Result<Self> {
        let class_name: Option<String> = file.optional("_class_name")?;
        if let Some(other) = class_name.filter(|name| name != "FlowMatchEulerDiscreteScheduler") {
            return Err(Error::Unsupported(format!("{}: scheduler {other}", file.path().display())));
        }
        let default = Self::default();
        let time_shift = match file.or("time_shift_type", "exponential".to_owned())?.as_str() {
            "exponential" => TimeShift::Exponential,
            "linear" => TimeShift::Linear,
            other => return Err(file.invalid("time_shift_type", format!("{other:?} is neither \"exponential\" nor \"linear\""))),
        };
        let configuration = Self {
            num_train_timesteps: file.or("num_train_timesteps", default.num_train_timesteps)?,
            shift: file.or("shift", default.shift)?,
            dynamic_shift: file.or("use_dynamic_shifting", false)?.then_some(time_shift),
            base_shift: file.or("base_shift", default.base_shift)?,
            max_shift: file.or("max_shift", default.max_shift)?,
            base_image_seq_len: file.or("base_image_seq_len", default.base_image_seq_len)?,
            max_image_seq_len: file.or("max_image_seq_len", default.max_image_seq_len)?,
            invert_sigmas: file.or("invert_sigmas", false)?,
            // diffusers takes 0 for "none".
            shift_terminal: file.optional("shift_terminal")?.filter(|&terminal: &f64| terminal != 0.0),
            spacing: spacing(file)?,
            stochastic_sampling: file.or("stochastic_sampling", false)?,
        };
        configuration.check(file)?;
        Ok(configuration)
    }

    fn check(&self, file: &JsonFile) -> Result<()> {
        if !(1..=1_000_000).contains(&self.num_train_timesteps) {
            return Err(file.invalid("num_train_timesteps", format!("{} is not in 1..=1000000", self.num_train_timesteps)));
        }
        if !(self.shift.is_finite() && self.shift > 0.0) {
            return Err(file.invalid("shift", format!("{} is not a positive number", self.shift)));
        }
        if let Some(terminal) = self.shift_terminal.filter(|terminal| !(0.0..1.0).contains(terminal)) {
            return Err(file.invalid("shift_terminal", format!("{terminal} is not between 0 and 1")));
        }
        if self.dynamic_shift.is_some() && self.base_image_seq_len >= self.max_image_seq_len {
            return Err(file.invalid("max_image_seq_len", "is not above base_image_seq_len"));
        }
        Ok(())
    }
}

fn spacing(file: &JsonFile) -> Result<SigmaSpacing> {
    const FIELDS: [(&str, SigmaSpacing); 3] = [
        ("use_karras_sigmas", SigmaSpacing::Karras),
        ("use_exponential_sigmas", SigmaSpacing::Exponential),
        ("use_beta_sigmas", SigmaSpacing::Beta),
    ];
    let mut chosen = SigmaSpacing::Shifted;
    for (field, spacing) in FIELDS {
        if !file.or(field, false)? {
            continue;
        }
        if chosen != SigmaSpacing::Shifted {
            return Err(file.invalid(field, "only one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas can be true"));
        }
        chosen = spacing;
    }
    Ok(chosen)
}
