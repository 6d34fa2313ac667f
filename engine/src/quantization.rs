//! Where a run in 8-bit integers uses them. This is the one place that decides; everything it keeps out runs in bfloat16. A checkpoint
//! whose layers are stored in 8 bits ([`StoredInt8`]) has decided already, by measurement ([`decide`]).

mod calibration;
mod samples;
mod stored;
mod stored_convolution;

pub use calibration::{LayerDecision, decide, quantized_tensors};
pub use samples::ActivationSamples;
pub use stored::{StoredInt8, is_quantized_source};
pub use stored_convolution::{ChannelRanges, StoredConvolution};

use crate::WeightKind;
use spec::RunPrecision;

/// The parts of a pipeline that may run in different precisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Prompt → hidden states.
    TextEncoder,
    /// Called in every step.
    Denoiser,
    /// Latents ↔ pictures.
    Autoencoder,
}

/// First part of the names of a denoiser's repeated layers: nearly all of its weights and work are there. What comes before and
/// after stays in bfloat16:
/// * patch and text embeddings and the final projection, because every error there is in the picture whole, not one of many small
///   additions to the residual stream;
/// * timestep embedding and modulation, because they scale whole layers, and are one row a picture, so they cost next to nothing.
const REPEATED_LAYERS: &str = "layers";
/// Below this many inputs or outputs, rounding the rows and scaling the sums back takes as long as the smaller product saves.
const SMALLEST_SIDE: usize = 64;

/// The precision that a part runs in.
///
/// The text encoder keeps bfloat16: it runs once a prompt, and language models have channels so much larger than the rest that one scale
/// a row loses the others. The autoencoder keeps it unless its checkpoint stores convolutions in 8 bits: their activations need scales
/// that were measured.
pub fn precision_of(part: Part, run: RunPrecision) -> RunPrecision {
    match (part, run) {
        (Part::TextEncoder | Part::Autoencoder, RunPrecision::Int8) => RunPrecision::Bf16,
        _ => run,
    }
}

/// Whether the weight of this full checkpoint name is rounded to 8-bit integers in such a run.
pub fn is_quantized(name: &str, kind: WeightKind) -> bool {
    let WeightKind::Linear { outputs, inputs } = kind else { return false };
    name.split('.').next() == Some(REPEATED_LAYERS) && outputs.min(inputs) >= SMALLEST_SIDE && inputs <= kernels::int8::MAX_K
}

/// First part of the names of what turns latents into pictures. What turns pictures into latents runs in training alone.
const DECODER: &str = "decoder";
/// The convolutions of a resnet block: what they add is small beside the map that it is added to. The others (between two sizes, and
/// shortcuts between two widths) make the whole map anew, and every error there is in the picture.
const RESNET_CONVOLUTIONS: [&str; 2] = ["conv1", "conv2"];
/// Below this many channels, a convolution in 8 bits takes as long as one in bfloat16.
const FEWEST_CHANNELS: usize = 32;

/// Whether a convolution of this full checkpoint name may be stored in 8-bit integers, if measurement allows it.
pub fn bears_integers(name: &str, kind: WeightKind) -> bool {
    let WeightKind::Conv { outputs, inputs, kernel } = kind else { return false };
    let parts: Vec<&str> = name.split('.').collect();
    let is_of_a_resnet = matches!(parts[..], [DECODER, .., "resnets", _, layer, "weight"] if RESNET_CONVOLUTIONS.contains(&layer));
    let longest = kernel * kernel * inputs.next_multiple_of(4);
    is_of_a_resnet && outputs.min(inputs) >= FEWEST_CHANNELS && longest <= kernels::int8::MAX_CONVOLUTION_K
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_products_of_repeated_layers_are_quantized() {
        let linear = |outputs, inputs| WeightKind::Linear { outputs, inputs };
        assert!(is_quantized("layers.0.self_attention.to_out.0.weight", linear(64, 64)));
        assert!(is_quantized("layers.35.mlp.linear_fc2.weight", linear(4096, 12288)));
        for (name, kind) in [
            ("layers.0.mlp.up_proj.weight", linear(63, 64)),
            ("layers.0.mlp.up_proj.weight", linear(64, 63)),
            ("layers.0.mlp.up_proj.weight", linear(64, kernels::int8::MAX_K + 1)),
            ("layers.0.conv.weight", WeightKind::Conv { outputs: 64, inputs: 64, kernel: 3 }),
            ("adaLN_modulation.1.weight", linear(18432, 3072)),
            ("time_embedding.linear_1.weight", linear(3072, 3072)),
            ("final_norm.linear.weight", linear(6144, 3072)),
            ("final_linear.weight", linear(128, 3072)),
            ("text_proj.weight", linear(3072, 2560)),
            ("model.layers.0.self_attn.q_proj.weight", linear(3072, 3072)),
            ("decoder.mid_block.attentions.0.to_q.weight", linear(512, 512)),
        ] {
            assert!(!is_quantized(name, kind), "{name} {kind:?}");
        }
    }

    #[test]
    fn only_what_is_added_to_a_map_of_the_decoder_may_be_convolved_in_integers() {
        let conv = |outputs, inputs| WeightKind::Conv { outputs, inputs, kernel: 3 };
        assert!(bears_integers("decoder.mid_block.resnets.0.conv1.weight", conv(96, 96)));
        assert!(bears_integers("decoder.up_blocks.3.resnets.2.conv2.weight", conv(128, 256)));
        for (name, kind) in [
            ("decoder.up_blocks.3.resnets.2.conv2.weight", conv(24, 48)),
            ("decoder.up_blocks.3.resnets.2.conv2.weight", conv(64, 8_000)),
            ("decoder.up_blocks.2.resnets.0.conv_shortcut.weight", conv(128, 256)),
            ("decoder.up_blocks.0.upsamplers.0.conv.weight", conv(96, 96)),
            ("decoder.conv_in.weight", conv(512, 32)),
            ("decoder.conv_out.weight", conv(64, 64)),
            ("encoder.mid_block.resnets.0.conv1.weight", conv(96, 96)),
            ("decoder.mid_block.resnets.0.conv1.weight", WeightKind::Linear { outputs: 96, inputs: 96 }),
        ] {
            assert!(!bears_integers(name, kind), "{name} {kind:?}");
        }
    }

    #[test]
    fn only_the_denoiser_changes_its_precision() {
        for part in [Part::TextEncoder, Part::Autoencoder] {
            assert_eq!(precision_of(part, RunPrecision::Int8), RunPrecision::Bf16);
            assert_eq!(precision_of(part, RunPrecision::F32), RunPrecision::F32);
        }
        assert_eq!(precision_of(Part::Denoiser, RunPrecision::Int8), RunPrecision::Int8);
    }
}
