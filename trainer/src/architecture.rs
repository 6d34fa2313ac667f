//! The three networks of an ERNIE-Image pipeline at the recipe's sizes: names and shapes of their tensors as diffusers and
//! transformers store them, and their `config.json`.

mod autoencoder;
mod denoiser;
mod text_encoder;

pub use autoencoder::{autoencoder_config, autoencoder_shapes};
pub use denoiser::{denoiser_config, denoiser_shapes};
pub use text_encoder::{text_encoder_config, text_encoder_shapes, untrained_text_encoder_shapes};

use engine::families::registry::{ERNIE_IMAGE, Role};
use std::collections::BTreeMap;

/// Shapes by full name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Folder of the autoencoder in the exported model.
pub const AUTOENCODER: &str = "vae";
/// Folder of the denoiser.
pub const DENOISER: &str = "transformer";
/// Folder of the text encoder.
pub const TEXT_ENCODER: &str = "text_encoder";

/// The Python class that is written for a component of this role.
pub fn class_name(role: Role) -> &'static str {
    ERNIE_IMAGE.role(role).map_or("", |row| row.class_name())
}

/// Every name with `component/` in front.
pub fn with_component(component: &str, shapes: Shapes) -> Shapes {
    shapes.into_iter().map(|(name, shape)| (format!("{component}/{name}"), shape)).collect()
}

/// Collects names and shapes below a prefix.
struct Collector<'a> {
    shapes: &'a mut Shapes,
}

impl Collector<'_> {
    fn weight(&mut self, name: &str, shape: &[usize]) {
        self.shapes.insert(format!("{name}.weight"), shape.to_vec());
    }

    /// A weight whose first axis is the outputs, and its bias.
    fn biased(&mut self, name: &str, shape: &[usize]) {
        self.weight(name, shape);
        self.shapes.insert(format!("{name}.bias"), shape[..1].to_vec());
    }
}
