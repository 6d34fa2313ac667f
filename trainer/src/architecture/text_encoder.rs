use super::{Collector, Shapes};
use crate::recipe::{Recipe, TextEncoder};
use engine::families::registry::Role;
use serde_json::{Value, json};

/// Width of the vision tower that a `Mistral3Model` must have and that no prompt ever reaches.
const VISION_WIDTH: usize = 8;
/// Side of its patches in pixels.
const VISION_PATCH: usize = 14;

/// `text_encoder/config.json` for a vocabulary of `vocabulary_size`.
pub fn text_encoder_config(recipe: &Recipe, vocabulary_size: usize) -> Value {
    let text = &recipe.text_encoder;
    json!({
        "architectures": [super::class_name(Role::TextEncoder)],
        "dtype": "bfloat16",
        "image_token_index": 2,
        "model_type": "mistral3",
        "multimodal_projector_bias": false,
        "projector_hidden_act": "gelu",
        "spatial_merge_size": 2,
        "text_config": {
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "head_dim": text.head_dim,
            "hidden_act": "silu",
            "hidden_size": text.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": text.intermediate_size,
            "max_position_embeddings": text.max_position_embeddings,
            "model_type": "ministral3",
            "num_attention_heads": text.num_attention_heads,
            "num_hidden_layers": text.num_hidden_layers,
            "num_key_value_heads": text.num_key_value_heads,
            "pad_token_id": 2,
            "rms_norm_eps": 1e-5,
            // The plain rotary embedding written as YaRN with factor 1, the form that this class expects.
            "rope_parameters": {
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "factor": 1.0,
                "llama_4_scaling_beta": 0.1,
                "max_position_embeddings": text.max_position_embeddings,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
                "original_max_position_embeddings": text.max_position_embeddings,
                "rope_theta": 10000.0,
                "rope_type": "yarn"
            },
            "sliding_window": null,
            "tie_word_embeddings": false,
            "use_cache": true,
            "vocab_size": vocabulary_size
        },
        "tie_word_embeddings": false,
        "transformers_version": super::super::export::TRANSFORMERS_VERSION,
        "vision_config": {
            "attention_dropout": 0.0,
            "head_dim": VISION_WIDTH,
            "hidden_act": "gelu",
            "hidden_size": VISION_WIDTH,
            "image_size": 2 * VISION_PATCH,
            "initializer_range": 0.02,
            "intermediate_size": VISION_WIDTH,
            "model_type": "pixtral",
            "num_attention_heads": 1,
            "num_channels": 3,
            "num_hidden_layers": 1,
            "patch_size": VISION_PATCH,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"}
        },
        "vision_feature_layer": -1
    })
}

/// Tensors that a prompt's conditioning depends on.
pub fn text_encoder_shapes(recipe: &Recipe, vocabulary_size: usize) -> Shapes {
    let text = &recipe.text_encoder;
    let mut shapes = Shapes::new();
    let mut collect = Collector { shapes: &mut shapes };
    collect.weight(&format!("{LANGUAGE_MODEL}.embed_tokens"), &[vocabulary_size, text.hidden_size]);
    for index in 0..text.num_hidden_layers - 1 {
        layer(&mut collect, text, index);
    }
    shapes
}

/// Tensors that the classes need and the conditioning does not: the last layer, the final norm, the vision tower.
pub fn untrained_text_encoder_shapes(recipe: &Recipe) -> Shapes {
    let text = &recipe.text_encoder;
    let mut shapes = Shapes::new();
    let mut collect = Collector { shapes: &mut shapes };
    layer(&mut collect, text, text.num_hidden_layers - 1);
    collect.weight(&format!("{LANGUAGE_MODEL}.norm"), &[text.hidden_size]);
    let width = VISION_WIDTH;
    collect.weight("vision_tower.patch_conv", &[width, 3, VISION_PATCH, VISION_PATCH]);
    collect.weight("vision_tower.ln_pre", &[width]);
    let vision = "vision_tower.transformer.layers.0";
    collect.weight(&format!("{vision}.attention_norm"), &[width]);
    collect.weight(&format!("{vision}.ffn_norm"), &[width]);
    for name in ["feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj"] {
        collect.weight(&format!("{vision}.{name}"), &[width, width]);
    }
    for name in ["q_proj", "k_proj", "v_proj", "o_proj"] {
        collect.weight(&format!("{vision}.attention.{name}"), &[width, width]);
    }
    collect.weight("multi_modal_projector.norm", &[width]);
    collect.weight("multi_modal_projector.patch_merger.merging_layer", &[width, 4 * width]);
    collect.weight("multi_modal_projector.linear_1", &[text.hidden_size, width]);
    collect.weight("multi_modal_projector.linear_2", &[text.hidden_size, text.hidden_size]);
    shapes
}

/// Where `save_pretrained` puts the language model.
const LANGUAGE_MODEL: &str = "language_model.model";

fn layer(collect: &mut Collector<'_>, text: &TextEncoder, index: usize) {
    let at = |name: &str| format!("{LANGUAGE_MODEL}.layers.{index}.{name}");
    let (hidden, inner) = (text.hidden_size, text.intermediate_size);
    let (queries, keys) = (text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim);
    collect.weight(&at("input_layernorm"), &[hidden]);
    collect.weight(&at("post_attention_layernorm"), &[hidden]);
    collect.weight(&at("self_attn.q_proj"), &[queries, hidden]);
    collect.weight(&at("self_attn.k_proj"), &[keys, hidden]);
    collect.weight(&at("self_attn.v_proj"), &[keys, hidden]);
    collect.weight(&at("self_attn.o_proj"), &[hidden, queries]);
    collect.weight(&at("mlp.gate_proj"), &[inner, hidden]);
    collect.weight(&at("mlp.up_proj"), &[inner, hidden]);
    collect.weight(&at("mlp.down_proj"), &[hidden, inner]);
}
