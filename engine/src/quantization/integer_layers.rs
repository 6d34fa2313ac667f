use crate::waist::WeightKind;

/// Below this many inputs or outputs, rounding the rows and scaling the sums back takes as long as the smaller product saves.
const SMALLEST_SIDE: usize = 64;
/// Below this many channels, a convolution in 8 bits takes as long as one in bfloat16.
const FEWEST_CHANNELS: usize = 32;
/// The convolutions of a resnet block of diffusers: what they add is small beside the map that it is added to. The others (between two
/// sizes, and shortcuts between two widths) make the whole map anew, and every error there is in the picture.
const RESNET_CONVOLUTIONS: [&str; 2] = ["conv1", "conv2"];

/// Which layers of a component bear 8-bit integers. The class of the component knows, because it knows the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntegerLayers {
    repeated: &'static [&'static str],
    decoder: Option<&'static str>,
}

impl IntegerLayers {
    /// Linear layers inside repeated ones, by what their names begin with: nearly all weights and work of a denoiser are there. What comes
    /// before and after stays in bfloat16:
    /// * patch and text embeddings and the final projection, because every error there is in the picture whole, not one of many small
    ///   additions to the residual stream;
    /// * timestep embedding and modulation, because they scale whole layers, and are one row a picture, so they cost next to nothing.
    pub const fn inside_repeated(layers: &'static [&'static str]) -> Self {
        Self { repeated: layers, decoder: None }
    }

    /// Convolutions of the resnet blocks below this name: of what turns latents into pictures. What turns pictures into latents runs in
    /// training alone.
    pub const fn of_decoder(name: &'static str) -> Self {
        Self { repeated: &[], decoder: Some(name) }
    }

    /// Whether the weight of this full checkpoint name is rounded to 8-bit integers when it is loaded for such a run.
    pub fn is_rounded(&self, name: &str, kind: WeightKind) -> bool {
        let WeightKind::Linear { outputs, inputs } = kind else { return false };
        let is_inside = |layers: &&str| name.strip_prefix(layers).is_some_and(|rest| rest.starts_with('.'));
        self.repeated.iter().any(is_inside) && outputs.min(inputs) >= SMALLEST_SIDE && inputs <= kernels::int8::MAX_K
    }

    /// Whether a layer of this full checkpoint name may be stored in 8-bit integers, if measurement allows it.
    pub fn may_be_stored(&self, name: &str, kind: WeightKind) -> bool {
        let WeightKind::Conv { outputs, inputs, kernel } = kind else { return self.is_rounded(name, kind) };
        let parts: Vec<&str> = name.split('.').collect();
        let is_of_a_resnet = match parts[..] {
            [first, .., "resnets", _, layer, "weight"] => self.decoder == Some(first) && RESNET_CONVOLUTIONS.contains(&layer),
            _ => false,
        };
        let longest = kernel * kernel * inputs.next_multiple_of(4);
        is_of_a_resnet && outputs.min(inputs) >= FEWEST_CHANNELS && longest <= kernels::int8::MAX_CONVOLUTION_K
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_products_of_repeated_layers_are_quantized() {
        let linear = |outputs, inputs| WeightKind::Linear { outputs, inputs };
        let layers = IntegerLayers::inside_repeated(&["layers", "single.blocks"]);
        assert!(layers.is_rounded("layers.0.self_attention.to_out.0.weight", linear(64, 64)));
        assert!(layers.is_rounded("layers.35.mlp.linear_fc2.weight", linear(4096, 12288)));
        assert!(layers.is_rounded("single.blocks.3.weight", linear(64, 64)));
        for (name, kind) in [
            ("layers.0.mlp.up_proj.weight", linear(63, 64)),
            ("layers.0.mlp.up_proj.weight", linear(64, 63)),
            ("layers.0.mlp.up_proj.weight", linear(64, kernels::int8::MAX_K + 1)),
            ("layers.0.conv.weight", WeightKind::Conv { outputs: 64, inputs: 64, kernel: 3 }),
            ("layers_before.0.weight", linear(64, 64)),
            ("adaLN_modulation.1.weight", linear(18432, 3072)),
            ("time_embedding.linear_1.weight", linear(3072, 3072)),
            ("final_norm.linear.weight", linear(6144, 3072)),
            ("final_linear.weight", linear(128, 3072)),
            ("text_proj.weight", linear(3072, 2560)),
            ("model.layers.0.self_attn.q_proj.weight", linear(3072, 3072)),
            ("decoder.mid_block.attentions.0.to_q.weight", linear(512, 512)),
        ] {
            assert!(!layers.is_rounded(name, kind), "{name} {kind:?}");
        }
    }

    #[test]
    fn only_what_is_added_to_a_map_of_the_decoder_may_be_convolved_in_integers() {
        let conv = |outputs, inputs| WeightKind::Conv { outputs, inputs, kernel: 3 };
        let layers = IntegerLayers::of_decoder("decoder");
        assert!(layers.may_be_stored("decoder.mid_block.resnets.0.conv1.weight", conv(96, 96)));
        assert!(layers.may_be_stored("decoder.up_blocks.3.resnets.2.conv2.weight", conv(128, 256)));
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
            assert!(!layers.may_be_stored(name, kind), "{name} {kind:?}");
        }
    }
}
