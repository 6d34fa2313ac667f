use super::{Collector, Shapes};
use crate::recipe::Recipe;
use engine::families::registry::Role;
use serde_json::{Value, json};

/// `transformer/config.json`.
pub fn denoiser_config(recipe: &Recipe) -> Value {
    let denoiser = &recipe.denoiser;
    json!({
        "_class_name": super::class_name(Role::Denoiser),
        "_diffusers_version": super::super::export::DIFFUSERS_VERSION,
        "eps": 1e-6,
        "ffn_hidden_size": denoiser.ffn_hidden_size,
        "hidden_size": denoiser.hidden_size,
        "in_channels": recipe.patch_channels(),
        "num_attention_heads": denoiser.num_attention_heads,
        "num_layers": denoiser.num_layers,
        "out_channels": recipe.patch_channels(),
        "patch_size": 1,
        "qk_layernorm": true,
        "rope_axes_dim": denoiser.rope_axes_dim,
        "rope_theta": 256,
        "text_in_dim": recipe.text_encoder.hidden_size,
    })
}

/// Tensors of the denoiser.
pub fn denoiser_shapes(recipe: &Recipe) -> Shapes {
    let denoiser = &recipe.denoiser;
    let (hidden, inner, channels) = (denoiser.hidden_size, denoiser.ffn_hidden_size, recipe.patch_channels());
    let head = hidden / denoiser.num_attention_heads;
    let mut shapes = Shapes::new();
    let mut collect = Collector { shapes: &mut shapes };
    collect.biased("x_embedder.proj", &[hidden, channels, 1, 1]);
    if recipe.text_encoder.hidden_size != hidden {
        collect.weight("text_proj", &[hidden, recipe.text_encoder.hidden_size]);
    }
    collect.biased("time_embedding.linear_1", &[hidden, hidden]);
    collect.biased("time_embedding.linear_2", &[hidden, hidden]);
    collect.biased("adaLN_modulation.1", &[6 * hidden, hidden]);
    for layer in 0..denoiser.num_layers {
        let at = |name: &str| format!("layers.{layer}.{name}");
        collect.weight(&at("adaLN_sa_ln"), &[hidden]);
        for projection in ["to_q", "to_k", "to_v", "to_out.0"] {
            collect.weight(&at(&format!("self_attention.{projection}")), &[hidden, hidden]);
        }
        collect.weight(&at("self_attention.norm_q"), &[head]);
        collect.weight(&at("self_attention.norm_k"), &[head]);
        collect.weight(&at("adaLN_mlp_ln"), &[hidden]);
        collect.weight(&at("mlp.gate_proj"), &[inner, hidden]);
        collect.weight(&at("mlp.up_proj"), &[inner, hidden]);
        collect.weight(&at("mlp.linear_fc2"), &[hidden, inner]);
    }
    collect.biased("final_norm.linear", &[2 * hidden, hidden]);
    collect.biased("final_linear", &[channels, hidden]);
    shapes
}
