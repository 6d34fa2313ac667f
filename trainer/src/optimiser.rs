//! AdamW with decoupled weight decay (Loshchilov & Hutter 2019), gradient clipping by global norm, an exponential moving
//! average of the weights, and learning-rate schedules. Every update is elementwise in blocks of a fixed size, so the result
//! does not depend on the number of threads.

use crate::autodiff::Gradients;
use crate::parallel;
use crate::parameters::Layout;
use engine::{Error, Result};
use serde::{Deserialize, Serialize};

/// How one phase of training changes the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimisation {
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps over which the learning rate rises linearly from zero.
    pub warm_up_steps: u64,
    /// What the learning rate does afterwards.
    pub schedule: Schedule,
    /// Decay of the gradient's moving average.
    pub beta_1: f32,
    /// Decay of the squared gradient's moving average.
    pub beta_2: f32,
    /// Decoupled weight decay; matrices and filters only.
    pub weight_decay: f32,
    /// Gradients with a greater global norm are scaled down to it.
    pub gradient_clip: f32,
    /// Decay of the weights' moving average; it starts lower and rises, so that early steps are forgotten.
    pub average_decay: f32,
}

/// Shape of the learning rate after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Stays at the peak.
    Constant,
    /// Falls along a half cosine to zero at the last step.
    Cosine,
}

impl Optimisation {
    /// The learning rate of `step` (from 0) out of `steps`.
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f32 {
        let warm_up = ((step + 1) as f32 / self.warm_up_steps.max(1) as f32).min(1.0);
        let shape = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => 0.5 + 0.5 * (std::f32::consts::PI * (step as f32 / steps.max(1) as f32).min(1.0)).cos(),
        };
        self.learning_rate * warm_up * shape
    }
}

/// Values, moments and moving average of all parameters, in one [`Layout`].
#[derive(Debug, Clone, PartialEq)]
pub struct OptimiserState {
    /// Master weights.
    pub values: Vec<f32>,
    /// Moving average of the weights: what is sampled and exported.
    pub average: Vec<f32>,
    /// Moving average of the gradient.
    pub first_moment: Vec<f32>,
    /// Moving average of the squared gradient.
    pub second_moment: Vec<f32>,
    /// Updates made.
    pub step: u64,
}

/// Adam's guard against division by zero.
const EPSILON: f32 = 1e-8;

/// Values of one task of an update.
const BLOCK: usize = 16 * 1024;

impl OptimiserState {
    /// The state before the first step.
    pub fn new(values: Vec<f32>) -> Self {
        let zeros = vec![0.0; values.len()];
        Self { average: values.clone(), first_moment: zeros.clone(), second_moment: zeros, values, step: 0 }
    }

    /// One update; returns the gradient's norm before clipping. Parameters without a gradient stay as they are.
    pub fn update(&mut self, layout: &Layout, gradients: &GradientSum, optimisation: &Optimisation, learning_rate: f32) -> f32 {
        let norm = gradients.norm();
        if !norm.is_finite() {
            // One broken batch must not destroy a run of hours; the log shows the norm.
            self.step += 1;
            return norm;
        }
        let clip = if norm > optimisation.gradient_clip { optimisation.gradient_clip / norm } else { 1.0 };
        self.step += 1;
        let count = self.step as f32;
        let corrections = (1.0 - optimisation.beta_1.powf(count), 1.0 - optimisation.beta_2.powf(count));
        let average_decay = optimisation.average_decay.min((1.0 + count) / (10.0 + count));
        let mut blocks = Vec::new();
        let mut rest = Slices {
            values: &mut self.values,
            average: &mut self.average,
            first: &mut self.first_moment,
            second: &mut self.second_moment,
            gradients: &gradients.values,
        };
        for (index, slot) in layout.slots().values().enumerate() {
            let mut left = slot.range.len();
            while left > 0 {
                let (block, after) = rest.split(left.min(BLOCK));
                rest = after;
                left -= block.values.len();
                if gradients.present[index] {
                    blocks.push((block, if slot.shape.len() > 1 { optimisation.weight_decay } else { 0.0 }));
                }
            }
        }
        parallel::for_each(&mut blocks, |(block, weight_decay)| {
            block.step(optimisation, *weight_decay, Step { clip, learning_rate, corrections, average_decay });
        });
        norm
    }
}

#[derive(Clone, Copy)]
struct Step {
    clip: f32,
    learning_rate: f32,
    corrections: (f32, f32),
    average_decay: f32,
}

struct Slices<'a> {
    values: &'a mut [f32],
    average: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradients: &'a [f32],
}

impl Slices<'_> {
    /// The first `length` values of everything, and the rest.
    fn split(self, length: usize) -> (Self, Self) {
        let (values, values_rest) = self.values.split_at_mut(length);
        let (average, average_rest) = self.average.split_at_mut(length);
        let (first, first_rest) = self.first.split_at_mut(length);
        let (second, second_rest) = self.second.split_at_mut(length);
        let (gradients, gradients_rest) = self.gradients.split_at(length);
        let rest = Self { values: values_rest, average: average_rest, first: first_rest, second: second_rest, gradients: gradients_rest };
        (Self { values, average, first, second, gradients }, rest)
    }

    fn step(&mut self, optimisation: &Optimisation, weight_decay: f32, step: Step) {
        let (beta_1, beta_2) = (optimisation.beta_1, optimisation.beta_2);
        let (size, root) = (step.learning_rate / step.corrections.0, 1.0 / step.corrections.1.sqrt());
        let keep = 1.0 - step.learning_rate * weight_decay;
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        let weights = self.values.iter_mut().zip(self.average.iter_mut());
        for (((value, average), (first, second)), gradient) in weights.zip(moments).zip(self.gradients) {
            let gradient = gradient * step.clip;
            *first = beta_1 * *first + (1.0 - beta_1) * gradient;
            *second = beta_2 * *second + (1.0 - beta_2) * gradient * gradient;
            *value = *value * keep - size * *first / (second.sqrt() * root + EPSILON);
            *average = step.average_decay * *average + (1.0 - step.average_decay) * *value;
        }
    }
}

/// Gradients of one or several micro-batches, averaged, in one [`Layout`].
pub struct GradientSum {
    values: Vec<f32>,
    present: Vec<bool>,
}

impl GradientSum {
    /// Zero.
    pub fn new(layout: &Layout) -> Self {
        Self { values: vec![0.0; layout.len()], present: vec![false; layout.slots().len()] }
    }

    /// Adds `share` times the gradients of one micro-batch.
    pub fn add(&mut self, layout: &Layout, gradients: &Gradients, share: f32) -> Result<()> {
        for (present, (name, slot)) in self.present.iter_mut().zip(layout.slots()) {
            let Some(values) = gradients.get(name) else { continue };
            let sums = &mut self.values[slot.range.clone()];
            if values.len() != sums.len() {
                return Err(Error::Shape { operation: "backward", detail: format!("the gradient of {name} has another size") });
            }
            *present = true;
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += share * value;
            }
        }
        Ok(())
    }

    /// Euclidean norm over all parameters.
    pub fn norm(&self) -> f32 {
        kernels::elementwise::sum_of_squares(&self.values).sqrt() as f32
    }
}
