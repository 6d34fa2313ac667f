use crate::error::{Error, Result};
use crate::model_folder::ConfigFault;
use crate::waist::{Device, Tensor};
use serde::Deserialize;

/// Rotary position parameters of a language model's config: the plain embedding (Su et al., 2021) or YaRN (Peng et al., 2023).
#[derive(Debug, Clone, Deserialize)]
pub struct RopeParameters {
    /// `default` or `yarn`.
    #[serde(default = "default_type")]
    pub rope_type: String,
    /// The older name of `rope_type`; transformers writes both.
    #[serde(rename = "type")]
    older_type: Option<String>,
    /// Base of the geometric sequence of frequencies.
    pub rope_theta: f64,
    /// How many times longer than in training sequences may be.
    pub factor: Option<f64>,
    /// Tokens of a training sequence.
    pub original_max_position_embeddings: Option<usize>,
    /// Rotations above which a frequency is kept.
    pub beta_fast: Option<f64>,
    /// Rotations below which a frequency is interpolated.
    pub beta_slow: Option<f64>,
    /// Multiplies cosines and sines; computed from `mscale` when absent.
    pub attention_factor: Option<f64>,
    /// Weight of the logarithm in the attention factor.
    pub mscale: Option<f64>,
    /// What divides `mscale`: the ratio of the two is the attention factor.
    pub mscale_all_dim: Option<f64>,
    /// Whether the corrected range is rounded to whole dimensions.
    pub truncate: Option<bool>,
    /// Slope of the growth of queries with position (Llama 4).
    pub llama_4_scaling_beta: Option<f64>,
}

fn default_type() -> String {
    "default".into()
}

/// Cosines and sines of consecutive positions, `[tokens, head_dimension]`; those of queries include the growth with position.
pub struct RotaryTables {
    /// Cosines for queries.
    pub query_cos: Tensor,
    /// Sines for queries.
    pub query_sin: Tensor,
    /// Cosines for keys.
    pub key_cos: Tensor,
    /// Sines for keys.
    pub key_sin: Tensor,
}

impl RopeParameters {
    /// The plain embedding with one base.
    pub fn plain(rope_theta: f64) -> Self {
        Self {
            rope_type: default_type(),
            older_type: None,
            rope_theta,
            factor: None,
            original_max_position_embeddings: None,
            beta_fast: None,
            beta_slow: None,
            attention_factor: None,
            mscale: None,
            mscale_all_dim: None,
            truncate: None,
            llama_4_scaling_beta: None,
        }
    }

    /// Fails, naming the field, if a value is one that no model can have. The base is its owner's to check.
    pub(crate) fn check(&self) -> Result<(), ConfigFault> {
        let positive = |field, value: Option<f64>| {
            let value = value.unwrap_or(1.0);
            ConfigFault::unless(field, value > 0.0 && value <= 1e9, || format!("{value} is not in 0..1e9 / 不在 0 到 1e9 之间"))
        };
        positive("factor", self.factor)?;
        positive("beta_fast", self.beta_fast)?;
        positive("beta_slow", self.beta_slow)?;
        positive("attention_factor", self.attention_factor)?;
        positive("original_max_position_embeddings", self.original_max_position_embeddings.map(|length| length as f64))?;
        for (field, value) in [("mscale", self.mscale), ("mscale_all_dim", self.mscale_all_dim)] {
            let value = value.unwrap_or(0.0);
            ConfigFault::unless(field, (0.0..=1e6).contains(&value), || format!("{value} is not in 0..=1e6 / 不在 0 到 1e6 之间"))?;
        }
        let beta = self.llama_4_scaling_beta.unwrap_or(0.0);
        ConfigFault::unless("llama_4_scaling_beta", (0.0..=1e6).contains(&beta), || {
            format!("{beta} is not in 0..=1e6 / 不在 0 到 1e6 之间")
        })
    }

    /// Fails if this build does not compute this kind of embedding.
    pub(crate) fn check_support(&self, head_dimension: usize) -> Result<()> {
        self.frequencies(head_dimension).map(drop)
    }

    /// Tables for positions `first..first + tokens`.
    pub fn tables(&self, head_dimension: usize, first: usize, tokens: usize, device: &Device) -> Result<RotaryTables> {
        let (frequencies, attention_factor) = self.frequencies(head_dimension)?;
        let build = |function: fn(f32) -> f32, scaled: bool| {
            let mut values = Vec::with_capacity(tokens * head_dimension);
            for position in first..first + tokens {
                let growth = if scaled { self.query_growth(position) } else { 1.0 };
                let row = frequencies.iter().map(|frequency| function(position as f32 * frequency) * attention_factor * growth);
                let row: Vec<f32> = row.collect();
                values.extend_from_slice(&row);
                values.extend_from_slice(&row);
            }
            Tensor::from_f32(values, &[tokens, head_dimension], device)
        };
        Ok(RotaryTables {
            query_cos: build(f32::cos, true)?,
            query_sin: build(f32::sin, true)?,
            key_cos: build(f32::cos, false)?,
            key_sin: build(f32::sin, false)?,
        })
    }

    fn query_growth(&self, position: usize) -> f32 {
        match (self.llama_4_scaling_beta, self.original_max_position_embeddings) {
            (Some(beta), Some(length)) if length > 0 => 1.0 + beta as f32 * (1.0 + (position / length) as f32).ln(),
            _ => 1.0,
        }
    }

    /// Frequencies of half a head, and the factor on cosines and sines.
    fn frequencies(&self, dimension: usize) -> Result<(Vec<f32>, f32)> {
        let powers = (0..dimension / 2).map(|index| (self.rope_theta as f32).powf(2.0 * index as f32 / dimension as f32));
        let kind = self.older_type.as_ref().filter(|_| self.rope_type == "default").unwrap_or(&self.rope_type);
        match kind.as_str() {
            "default" => Ok((powers.map(|power| 1.0 / power).collect(), 1.0)),
            "yarn" => {
                let (Some(factor), Some(length)) = (self.factor, self.original_max_position_embeddings) else {
                    return Err(Error::Unsupported(
                        "rope_parameters of type yarn without factor or original_max_position_embeddings".into(),
                    ));
                };
                let (low, high) = self.corrected_range(dimension, length as f64);
                let blended = powers.enumerate().map(|(index, power)| {
                    let ramp = ((index as f64 - low) / (high - low)).clamp(0.0, 1.0) as f32;
                    1.0 / (factor as f32 * power) * ramp + 1.0 / power * (1.0 - ramp)
                });
                Ok((blended.collect(), self.yarn_attention_factor(factor) as f32))
            }
            other => Err(Error::Unsupported(format!("rope_type {other:?}; default and yarn are supported"))),
        }
    }

    /// Dimensions between which frequencies pass from kept to interpolated.
    fn corrected_range(&self, dimension: usize, length: f64) -> (f64, f64) {
        let at = |rotations: f64| dimension as f64 * (length / (rotations * std::f64::consts::TAU)).ln() / (2.0 * self.rope_theta.ln());
        let (mut low, mut high) = (at(self.beta_fast.unwrap_or(32.0)), at(self.beta_slow.unwrap_or(1.0)));
        if self.truncate.unwrap_or(true) {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(dimension as f64 - 1.0));
        // An empty ramp would divide by zero; the reference widens it by as much.
        if high <= low { (low, low + 0.001) } else { (low, high) }
    }

    fn yarn_attention_factor(&self, factor: f64) -> f64 {
        let logarithm = |mscale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * mscale * factor.ln() + 1.0 };
        match (self.attention_factor, self.mscale, self.mscale_all_dim) {
            (Some(given), ..) => given,
            (None, Some(mscale), Some(all)) if mscale != 0.0 && all != 0.0 => logarithm(mscale) / logarithm(all),
            _ => logarithm(1.0),
        }
    }
}
