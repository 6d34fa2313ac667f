use super::beta::quantile;
use super::{FlowMatchEulerConfiguration, Schedule, SigmaSpacing, TimeShift, linspace};
use crate::error::{Error, Result};
use crate::model_folder::{JsonFile, ModelFolder};

/// ρ of the Karras spacing, the paper's value.
const KARRAS_RHO: f64 = 7.0;

/// What a schedule is made for.
#[derive(Debug, Clone, Copy)]
pub enum Steps<'a> {
    /// That many steps over the whole range.
    Count(usize),
    /// These noise levels before shifting, without the final zero.
    Sigmas(&'a [f32]),
}

/// diffusers' `FlowMatchEulerDiscreteScheduler`: straight paths from noise to data, walked by Euler's method.
#[derive(Debug, Clone)]
pub struct FlowMatchEulerDiscrete {
    configuration: FlowMatchEulerConfiguration,
}

impl FlowMatchEulerDiscrete {
    /// A scheduler of this configuration.
    pub fn new(configuration: FlowMatchEulerConfiguration) -> Self {
        Self { configuration }
    }

    /// Reads `scheduler_config.json` of a component.
    pub fn load(folder: &ModelFolder, component: &str) -> Result<Self> {
        let file = JsonFile::read(folder, &format!("{component}/scheduler_config.json"))?;
        FlowMatchEulerConfiguration::from_json(&file).map(Self::new)
    }

    /// Its configuration.
    pub fn configuration(&self) -> &FlowMatchEulerConfiguration {
        &self.configuration
    }

    /// `mu` for a picture of that many tokens: the line through (`base_image_seq_len`, `base_shift`) and
    /// (`max_image_seq_len`, `max_shift`), as pipelines with dynamic shifting compute it.
    pub fn dynamic_mu(&self, image_tokens: usize) -> f64 {
        let configuration = &self.configuration;
        let (base, most) = (f64::from(configuration.base_image_seq_len), f64::from(configuration.max_image_seq_len));
        let slope = (configuration.max_shift - configuration.base_shift) / (most - base);
        image_tokens as f64 * slope + (configuration.base_shift - slope * base)
    }

    /// `set_timesteps`: the sigmas and timesteps of a run. `mu` is needed when shifting is dynamic.
    pub fn set_timesteps(&self, steps: Steps<'_>, mu: Option<f64>) -> Result<Schedule> {
        let configuration = &self.configuration;
        let levels = match steps {
            Steps::Count(count) => Levels::Double(self.default_sigmas(count)),
            Steps::Sigmas(sigmas) => Levels::Single(sigmas.to_vec()),
        };
        let mut levels = match configuration.dynamic_shift {
            None => levels.map(|sigma| shifted(sigma, configuration.shift), |sigma| shifted_f32(sigma, configuration.shift)),
            Some(time_shift) => {
                let mu =
                    mu.ok_or_else(|| Error::InvalidRequest("this scheduler shifts dynamically and needs mu / 该调度器需要 mu".into()))?;
                let weight = match time_shift {
                    TimeShift::Exponential => mu.exp(),
                    TimeShift::Linear => mu,
                };
                let single = weight as f32;
                levels.map(|sigma| weight / (weight + (1.0 / sigma - 1.0)), |sigma| single / (single + (1.0 / sigma - 1.0)))
            }
        };
        let Some((first, last)) = levels.ends() else {
            return Err(Error::InvalidRequest("a schedule needs at least one step / 步数至少为 1".into()));
        };
        if let Some(terminal) = configuration.shift_terminal {
            let scale = (1.0 - last) / (1.0 - terminal);
            let single = (1.0 - last as f32) / (1.0 - terminal) as f32;
            levels = levels.map(|sigma| 1.0 - (1.0 - sigma) / scale, |sigma| 1.0 - (1.0 - sigma) / single);
        }
        let (first, last) = levels.ends().unwrap_or((first, last));
        let sigmas = match configuration.spacing {
            SigmaSpacing::Shifted => levels.into_f32(),
            spacing => spaced(spacing, first, last, levels.len()),
        };
        if sigmas.iter().any(|sigma| !sigma.is_finite()) {
            return Err(Error::InvalidRequest(format!("the schedule is not finite: {sigmas:?} / 噪声序列含有无穷大或非数")));
        }
        Ok(Schedule::new(sigmas, configuration))
    }

    fn default_sigmas(&self, count: usize) -> Vec<f64> {
        let train_timesteps = self.configuration.num_train_timesteps as f32;
        let bounds = [train_timesteps, 1.0].map(|timestep| {
            let sigma = timestep / train_timesteps;
            let sigma = if self.configuration.dynamic_shift.is_some() { sigma } else { shifted_f32(sigma, self.configuration.shift) };
            f64::from(sigma) * f64::from(train_timesteps)
        });
        linspace(bounds[0], bounds[1], count).into_iter().map(|timestep| timestep / f64::from(train_timesteps)).collect()
    }
}

/// numpy keeps default sigmas in double and given ones in single precision up to the end; so does this.
enum Levels {
    Double(Vec<f64>),
    Single(Vec<f32>),
}

impl Levels {
    fn map(self, double: impl Fn(f64) -> f64, single: impl Fn(f32) -> f32) -> Self {
        match self {
            Self::Double(values) => Self::Double(values.into_iter().map(double).collect()),
            Self::Single(values) => Self::Single(values.into_iter().map(single).collect()),
        }
    }

    fn ends(&self) -> Option<(f64, f64)> {
        match self {
            Self::Double(values) => Some((*values.first()?, *values.last()?)),
            Self::Single(values) => Some((f64::from(*values.first()?), f64::from(*values.last()?))),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Double(values) => values.len(),
            Self::Single(values) => values.len(),
        }
    }

    fn into_f32(self) -> Vec<f32> {
        match self {
            Self::Double(values) => values.into_iter().map(|value| value as f32).collect(),
            Self::Single(values) => values,
        }
    }
}

fn shifted(sigma: f64, shift: f64) -> f64 {
    shift * sigma / (1.0 + (shift - 1.0) * sigma)
}

fn shifted_f32(sigma: f32, shift: f64) -> f32 {
    shift as f32 * sigma / (1.0 + (shift - 1.0) as f32 * sigma)
}

fn spaced(spacing: SigmaSpacing, first: f64, last: f64, count: usize) -> Vec<f32> {
    let ramp = linspace(0.0, 1.0, count);
    let values: Vec<f64> = match spacing {
        SigmaSpacing::Karras => {
            let (high, low) = (first.powf(1.0 / KARRAS_RHO), last.powf(1.0 / KARRAS_RHO));
            ramp.into_iter().map(|position| (high + position * (low - high)).powf(KARRAS_RHO)).collect()
        }
        SigmaSpacing::Exponential => linspace(first.ln(), last.ln(), count).into_iter().map(f64::exp).collect(),
        SigmaSpacing::Beta => ramp.into_iter().map(|position| last + quantile(1.0 - position) * (first - last)).collect(),
        SigmaSpacing::Shifted => ramp,
    };
    values.into_iter().map(|value| value as f32).collect()
}
