//! The parameters of a training run, flat, and what they look like to a model that loads them.

use crate::random::Random;
use engine::weights::TensorSource;
use engine::{Device, Error, Result, Tensor};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where one parameter lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Sizes of the axes in the checkpoint.
    pub shape: Vec<usize>,
    /// Its values in the flat array.
    pub range: Range<usize>,
}

/// Names and shapes of all parameters in one flat array, sorted by name. A name is `component/` and the checkpoint name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    slots: BTreeMap<String, Slot>,
    length: usize,
}

/// Values and where each parameter lies among them.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Names, shapes and places.
    pub layout: &'a Layout,
    /// All values, flat.
    pub values: &'a [f32],
}

impl Layout {
    /// Lays out parameters one after the other in the order of their names.
    pub fn new(shapes: BTreeMap<String, Vec<usize>>) -> Self {
        let mut length = 0;
        let slots = shapes.into_iter().map(|(name, shape)| {
            let range = length..length + shape.iter().product::<usize>();
            length = range.end;
            (name, Slot { shape, range })
        });
        let slots = slots.collect();
        Self { slots, length }
    }

    /// All parameters, sorted by name.
    pub fn slots(&self) -> &BTreeMap<String, Slot> {
        &self.slots
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// How the values of a new run are drawn.
pub fn initial_values(layout: &Layout, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; layout.len()];
    for (index, (name, slot)) in layout.slots.iter().enumerate() {
        let mut random = Random::at(seed, INITIALISATION_STREAM, index as u64);
        let out = &mut values[slot.range.clone()];
        match initialisation(name, &slot.shape) {
            Initialisation::Constant(value) => out.fill(value),
            Initialisation::Normal(deviation) => out.iter_mut().for_each(|out| *out = deviation * random.normal()),
            Initialisation::Uniform(bound) => out.iter_mut().for_each(|out| *out = bound * (2.0 * random.uniform() - 1.0)),
        }
    }
    values
}

const INITIALISATION_STREAM: u64 = 1;

enum Initialisation {
    Constant(f32),
    Normal(f32),
    Uniform(f32),
}

/// Layers that must start as nothing, so that every block of the denoiser starts as the identity (Peebles & Xie 2023, §3.2).
const ZERO_LAYERS: [&str; 3] = ["adaLN_modulation.", "final_norm.linear.", "final_linear."];

fn initialisation(name: &str, shape: &[usize]) -> Initialisation {
    if ZERO_LAYERS.iter().any(|layer| name.contains(layer)) {
        return Initialisation::Constant(0.0);
    }
    match *shape {
        // Running variances and norm weights are the only vectors that start at one.
        [_] if name.ends_with("weight") || name.ends_with("running_var") => Initialisation::Constant(1.0),
        // Unit rows: the encoder's residual stream, which the denoiser reads without a norm, starts at unit scale.
        [_, _] if name.contains("embed_tokens") => Initialisation::Normal(1.0),
        // Glorot & Bengio 2010.
        [outputs, inputs] => Initialisation::Normal((2.0 / (outputs + inputs) as f32).sqrt()),
        // torch.nn.Conv2d: uniform within 1/√fan_in.
        [_, inputs, height, width] => Initialisation::Uniform(1.0 / ((inputs * height * width) as f32).sqrt()),
        _ => Initialisation::Constant(0.0),
    }
}

/// One component's parameters as a model loads them.
pub struct ComponentSource<'a> {
    /// Where everything lies.
    pub layout: &'a Layout,
    /// All values.
    pub values: &'a [f32],
    /// `component/`.
    pub prefix: &'a str,
}

impl ComponentSource<'_> {
    fn slot(&self, name: &str) -> Option<&Slot> {
        self.layout.slots.get(&format!("{}{name}", self.prefix))
    }
}

impl TensorSource for ComponentSource<'_> {
    fn place(&self) -> String {
        format!("training run ({})", self.prefix.trim_end_matches('/'))
    }

    fn names(&self) -> Vec<String> {
        self.layout.slots.keys().filter_map(|name| name.strip_prefix(self.prefix)).map(str::to_owned).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.slot(name).map(|slot| slot.shape.clone())
    }

    fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        let slot = self.slot(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned(), place: self.place() })?;
        Tensor::from_f32(self.values[slot.range.clone()].to_vec(), &slot.shape, device)
    }

    fn release(&self, _name: &str) {}
}
