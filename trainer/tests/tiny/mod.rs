//! Networks small enough to train in a test.

#![allow(dead_code, reason = "each test binary uses its own part")]

use trainer::optimiser::{Optimisation, Schedule};
use trainer::recipe::Recipe;

/// A recipe without phases and without data.
pub const RECIPE: &str = r#"
name = "tiny"
seed = 3
precision = "f32"
[data]
recipe = "none.toml"
image_size = 32
[autoencoder]
block_out_channels = [8, 8, 8, 8]
layers_per_block = 1
latent_channels = 4
norm_num_groups = 4
absolute_weight = 1.0
squared_weight = 1.0
edge_weight = 0.5
divergence_weight = 1e-6
phases = []
[latents]
samples = 8
batch_size = 4
[text_encoder]
hidden_size = 32
intermediate_size = 48
num_hidden_layers = 3
num_attention_heads = 4
num_key_value_heads = 2
head_dim = 8
max_position_embeddings = 32
minimum_count = 1
[denoiser]
hidden_size = 48
num_attention_heads = 2
num_layers = 2
ffn_hidden_size = 64
rope_axes_dim = [8, 8, 8]
unconditional_share = 0.1
batch_size = 4
micro_batches = 1
steps = 100
[denoiser.optimisation]
learning_rate = 3e-3
warm_up_steps = 1
schedule = "constant"
beta_1 = 0.9
beta_2 = 0.99
weight_decay = 0.0
gradient_clip = 1.0
average_decay = 0.9
[scheduler]
shift = 2.0
[sampling]
num_inference_steps = 4
guidance_scale = 2.0
every_steps = 10
checkpoint_minutes = 1
prompts = ["红苹果"]
"#;

pub fn recipe(precision: &str) -> Recipe {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.recipe.toml");
    std::fs::write(&path, RECIPE.replace("\"f32\"", &format!("{precision:?}"))).unwrap();
    Recipe::read(&path).unwrap()
}

pub fn optimisation(learning_rate: f32) -> Optimisation {
    Optimisation {
        learning_rate,
        warm_up_steps: 10,
        schedule: Schedule::Cosine,
        beta_1: 0.9,
        beta_2: 0.99,
        weight_decay: 0.01,
        gradient_clip: 1.0,
        average_decay: 0.99,
    }
}

/// A sheet of samples as a PNG file, without labels: those are another room's.
pub fn encode(sheet: &spec::Picture) -> Result<Vec<u8>, String> {
    let mut file = std::io::Cursor::new(Vec::new());
    let (width, height) = (sheet.width(), sheet.height());
    image::write_buffer_with_format(&mut file, sheet.pixels(), width, height, image::ExtendedColorType::Rgb8, image::ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(file.into_inner())
}
