use super::{Collector, Shapes};
use crate::recipe::{Autoencoder, Recipe};
use engine::families::registry::Role;
use serde_json::{Value, json};

/// `vae/config.json`.
pub fn autoencoder_config(recipe: &Recipe) -> Value {
    let autoencoder = &recipe.autoencoder;
    let blocks = autoencoder.block_out_channels.len();
    json!({
        "_class_name": super::class_name(Role::Autoencoder),
        "_diffusers_version": super::super::export::DIFFUSERS_VERSION,
        "act_fn": "silu",
        // The pipeline adds 1e-5 to the variance whatever is written here; say the same.
        "batch_norm_eps": 1e-5,
        "batch_norm_momentum": 0.1,
        "block_out_channels": autoencoder.block_out_channels,
        "decoder_block_out_channels": autoencoder.decoder_block_out_channels,
        "down_block_types": vec!["DownEncoderBlock2D"; blocks],
        "in_channels": 3,
        "latent_channels": autoencoder.latent_channels,
        "layers_per_block": autoencoder.layers_per_block,
        "mid_block_add_attention": false,
        "norm_num_groups": autoencoder.norm_num_groups,
        "out_channels": 3,
        "patch_size": [2, 2],
        "sample_size": recipe.data.image_size,
        "up_block_types": vec!["UpDecoderBlock2D"; blocks],
        "use_post_quant_conv": true,
        "use_quant_conv": true,
    })
}

/// Tensors of the autoencoder, statistics included; `bn.num_batches_tracked` is an integer and is added on export.
pub fn autoencoder_shapes(recipe: &Recipe) -> Shapes {
    let autoencoder = &recipe.autoencoder;
    let latent = autoencoder.latent_channels;
    let mut shapes = Shapes::new();
    let mut collect = Collector { shapes: &mut shapes };
    encoder(&mut collect, autoencoder);
    decoder(&mut collect, autoencoder);
    collect.biased("quant_conv", &[2 * latent, 2 * latent, 1, 1]);
    collect.biased("post_quant_conv", &[latent, latent, 1, 1]);
    shapes.insert("bn.running_mean".into(), vec![recipe.patch_channels()]);
    shapes.insert("bn.running_var".into(), vec![recipe.patch_channels()]);
    shapes
}

fn encoder(collect: &mut Collector<'_>, autoencoder: &Autoencoder) {
    let channels = &autoencoder.block_out_channels;
    collect.biased("encoder.conv_in", &[channels[0], 3, 3, 3]);
    let mut inputs = channels[0];
    for (block, &outputs) in channels.iter().enumerate() {
        for layer in 0..autoencoder.layers_per_block {
            residual_block(collect, &format!("encoder.down_blocks.{block}.resnets.{layer}"), inputs, outputs);
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            collect.biased(&format!("encoder.down_blocks.{block}.downsamplers.0.conv"), &[outputs, outputs, 3, 3]);
        }
    }
    middle(collect, "encoder", inputs);
    collect.biased("encoder.conv_norm_out", &[inputs]);
    collect.biased("encoder.conv_out", &[2 * autoencoder.latent_channels, inputs, 3, 3]);
}

fn decoder(collect: &mut Collector<'_>, autoencoder: &Autoencoder) {
    let channels = autoencoder.decoder_block_out_channels.as_ref().unwrap_or(&autoencoder.block_out_channels);
    let mut inputs = channels[channels.len() - 1];
    collect.biased("decoder.conv_in", &[inputs, autoencoder.latent_channels, 3, 3]);
    middle(collect, "decoder", inputs);
    for (block, &outputs) in channels.iter().rev().enumerate() {
        for layer in 0..=autoencoder.layers_per_block {
            residual_block(collect, &format!("decoder.up_blocks.{block}.resnets.{layer}"), inputs, outputs);
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            collect.biased(&format!("decoder.up_blocks.{block}.upsamplers.0.conv"), &[outputs, outputs, 3, 3]);
        }
    }
    collect.biased("decoder.conv_norm_out", &[inputs]);
    collect.biased("decoder.conv_out", &[3, inputs, 3, 3]);
}

fn middle(collect: &mut Collector<'_>, half: &str, channels: usize) {
    for layer in 0..2 {
        residual_block(collect, &format!("{half}.mid_block.resnets.{layer}"), channels, channels);
    }
}

fn residual_block(collect: &mut Collector<'_>, name: &str, inputs: usize, outputs: usize) {
    collect.biased(&format!("{name}.norm1"), &[inputs]);
    collect.biased(&format!("{name}.conv1"), &[outputs, inputs, 3, 3]);
    collect.biased(&format!("{name}.norm2"), &[outputs]);
    collect.biased(&format!("{name}.conv2"), &[outputs, outputs, 3, 3]);
    if inputs != outputs {
        collect.biased(&format!("{name}.conv_shortcut"), &[outputs, inputs, 1, 1]);
    }
}
